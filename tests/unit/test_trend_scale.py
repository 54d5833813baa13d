"""The bars of a trend show a change, and do not show noise as one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import content
from reports.builders.report import build_team_report
from reports.formatting import format_events, format_trend_scale
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from reports.trend_scale import MIN_SPAN, scale_of
from tests.unit import report_samples as samples

amounts = st.lists(st.one_of(st.none(), st.decimals(min_value=0, max_value=10**7, places=2)), max_size=12)


@pytest.mark.parametrize(
    ("costs", "floor", "ceiling"),
    [
        ((0, 50, 100), 0, 100),
        ((20, 100), 0, 100),
        ((700, 720, 860), 600, 900),
        ((1000, 1001), 900, 1050),
        ((870, 1168, 1042), 600, 1200),
        ((0, 0), 0, 1),
        ((), 0, 1),
    ],
)
def test_the_axis_starts_where_the_change_can_be_seen(costs: tuple[int, ...], floor: int, ceiling: int) -> None:
    scale = scale_of([None, *(Decimal(cost) for cost in costs)])
    assert (scale.floor, scale.ceiling) == (Decimal(floor), Decimal(ceiling))
    assert scale.starts_at_zero is (floor == 0)


@pytest.mark.parametrize(("budget", "is_shown"), [(1000, True), (900, True), (5000, False), (10, False)])
def test_a_budget_is_on_the_axis_unless_it_flattens_the_bars(budget: int, *, is_shown: bool) -> None:
    assert scale_of([Decimal(850), Decimal(900)], budget=Decimal(budget)).shows(Decimal(budget)) is is_shown


@given(amounts)
def test_every_amount_is_on_the_axis_and_noise_stays_small(costs: list[Decimal | None]) -> None:
    scale, known = scale_of(costs), [cost for cost in costs if cost is not None]
    assert 2 <= len(scale.ticks) <= 7
    assert scale.ticks[-1] == scale.ceiling
    assert all(scale.shows(cost) for cost in known)
    if known and max(known) > 0:
        assert scale.ceiling - scale.floor >= max(known) * MIN_SPAN


def test_a_trend_shows_the_budget_and_what_happened_in_every_rendering() -> None:
    report = build_team_report(samples.rich_facts())
    (trend,) = (one.body for one in report.sections if isinstance(one.body, content.Trend))
    assert format_trend_scale(trend) == "The bars start at €600, not at zero. The budget of a week is €933.33."
    assert {one.week: format_events(one) for one in trend.weeks if one.events} == {
        "2026-W45": "Checkout, cost rose",
        "2026-W47": "on-call paged for Checkout, too little CPU or memory",
    }
    page, slack = render_page(report), str(render_slack(report)[0][0].payload)
    for rendering in (page, render_markdown(report), slack):
        assert format_trend_scale(trend) in rendering
        assert all(format_events(one) in rendering for one in trend.weeks)
    assert 'class="guides budget"' in page
    assert "W45 \N{BLACK UP-POINTING TRIANGLE}" in page
