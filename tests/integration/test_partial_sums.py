"""A sum that covers only a part of its workloads never looks complete, and nothing is compared with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.measures import Total, Unknown, total_of
from reports import content
from reports.builders.headline import amount_of
from reports.builders.report import build_platform_report
from reports.formatting import format_trend
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from store import Store
from tests.factories import make_point
from tests.integration.test_comparison_of_weeks import DUE, MONDAY, WEEK, sweep
from tests.stage_factories import make_history_context, make_request_context, run_action
from tests.unit.report_samples import platform_facts

LOST = Unknown("the cost report has no row for it")


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    a, b = make_point("a", cost_7d=Decimal(100)), make_point("b", cost_7d=Decimal(300))
    sweep(sqlite_store, MONDAY, {"checkout": [a, b]})
    sweep(sqlite_store, MONDAY + WEEK, {"checkout": [a, make_point("b", cost_7d=LOST)]})
    return sqlite_store


@pytest.mark.parametrize("ref", ["component:default/checkout", "group:default/payments"])
def test_a_trend_compares_no_week_that_was_measured_in_part(store: Store, ref: str) -> None:
    context = make_request_context(history=make_history_context(store, MONDAY + WEEK + DUE))
    trend = run_action("get_cost_trend", context, entityRef=ref)
    assert (trend["change"], trend["changePercent"]) == (None, None), "not -300, -75 %"
    assert any("the cost of 1 of 2 workloads is unknown" in warning for warning in trend["warnings"])


def test_a_list_of_components_says_what_its_costs_cover(store: Store) -> None:
    context = make_request_context(history=make_history_context(store, MONDAY + WEEK + DUE))
    (row,) = run_action("list_components", context)["components"]
    assert (row["costLast7d"], row["workloads"], row["workloadsWithCost"]) == (100, 2, 1)


def total(*costs: int | None) -> Total:
    return total_of([LOST if cost is None else Decimal(cost) for cost in costs])


@pytest.mark.parametrize(
    ("weeks", "sentence"),
    [
        ([(900,), (1200,)], "2 weeks, from $900.00 to $1,200.00"),
        ([(900,), (1000,), (500, None)], "3 weeks, from $900.00 to $500.00 (from 1 of 2 workloads)"),
        ([(900, None), (None,), (500,)], "3 weeks, from $900.00 (from 1 of 2 workloads) to $500.00, 1 not measured"),
        ([(500, None)], "1 week, one measured: $500.00 (from 1 of 2 workloads)"),
        ([(None,)], "1 week, none of them measured"),
    ],
)
def test_the_sentence_of_a_trend_says_what_its_ends_cover(weeks: list[tuple[int | None, ...]], sentence: str) -> None:
    trend = content.Trend(
        weeks=tuple(
            content.TrendWeek(
                week=f"2026-W{number:02}", cost=amount_of(total(*costs), currency="USD", period="7 days", as_of=None)
            )
            for number, costs in enumerate(weeks, start=1)
        )
    )
    assert format_trend(trend) == sentence


def test_the_teams_of_the_roll_up_show_the_coverage_of_each_sum() -> None:
    report = build_platform_report(platform_facts())
    slack = "".join(str(rendering.payload) for renderings in render_slack(report) for rendering in renderings)
    for text in (render_markdown(report), slack):
        assert "(from 7 of 9 workloads)" in text
    assert render_page(report).count("from 7 of 9 workloads") >= 2, "savings available and realised"


def test_lists_of_one_component_say_that_the_state_of_workloads_is_not_known(sqlite_store: Store) -> None:
    flags: dict[str, Any] = {"under_provisioned": LOST, "over_provisioned": LOST}
    sweep(sqlite_store, MONDAY, {"checkout": [make_point("a", automated=True), make_point("b", **flags)]})
    context = make_request_context(history=make_history_context(sqlite_store, MONDAY + DUE))
    for name in ("list_recommendations", "list_alerts"):
        listed = run_action(name, context, entityRef="component:default/checkout")
        assert listed["warnings"] == ["the state of 1 of 2 workloads is not known: the cost report has no row for it"]
