"""The trend as a chart of Slack: measured weeks only, with the others named, within Slack's limits."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.block_refusals import optional_blocks_of
from reports import content
from reports.builders.trend import build_trend
from reports.render.slack_chart import draw_trend_in_slack
from simulator.blocks import check_blocks
from tests.unit import report_samples as samples


def chart_of(trend: content.Trend) -> dict[str, Any]:
    block, _ = draw_trend_in_slack(trend, "EUR").blocks
    assert block["type"] == "data_visualization"
    return block["chart"]  # type: ignore[return-value]


def trend_of(*costs: float | None) -> content.Trend:
    return build_trend(samples.weeks_until(None, costs)[:-1], "EUR")


def test_a_week_that_was_not_measured_is_named_and_is_no_point() -> None:
    drawn = draw_trend_in_slack(trend_of(870.5, None, 911.4), "EUR")
    chart = chart_of(trend_of(870.5, None, 911.4))
    assert chart["axis_config"]["categories"] == ["2026-W44", "2026-W46"]
    assert [point["value"] for point in chart["series"][0]["data"]] == [870.5, 911.4]
    assert "Not measured: 2026-W45." in drawn.lines
    assert "Not measured: 2026-W45." in str(drawn.blocks)


def test_the_budget_is_a_second_line_over_the_same_weeks() -> None:
    trend = trend_of(870.5, 911.4).model_copy(update={"budget_7d": Decimal(933)})
    cost, budget = chart_of(trend)["series"]
    assert [point["label"] for point in budget["data"]] == [point["label"] for point in cost["data"]]
    assert {point["value"] for point in budget["data"]} == {933.0}


def test_one_measured_week_is_no_chart() -> None:
    assert draw_trend_in_slack(trend_of(None, 911.4), "EUR").basic_blocks is None


def test_without_charts_the_sparkline_says_the_same() -> None:
    drawn = draw_trend_in_slack(trend_of(870.5, 911.4), "EUR")
    assert drawn.basic_blocks is not None
    assert not optional_blocks_of({"blocks": list(drawn.basic_blocks)})
    assert drawn.lines[0] in str(drawn.basic_blocks)


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e12)), max_size=30))
def test_slack_accepts_every_trend(costs: list[float | None]) -> None:
    drawn = draw_trend_in_slack(trend_of(*costs), "EUR")
    check_blocks(list(drawn.blocks))
    check_blocks(list(drawn.basic_blocks or drawn.blocks))
