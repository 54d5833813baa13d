"""The trend of a report as a chart block of Slack, and the same in a line of text for a workspace that refuses charts.

Limits: https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block (title and axis labels of 50, names and categories of
20 characters, 20 categories, a number for each category in each series). So a week that was not measured is no category: it is named.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.messages import Json
from domain.money import round_money
from reports import content
from reports.formatting import format_events, format_trend, format_trend_gaps, format_trend_scale, sparkline
from reports.render.slack_blocks import Block, BlockGroup, context

MAX_EVENT_WEEKS: Final = 3
"""Weeks whose alerts the first screen lists; the page lists all."""
MAX_CATEGORIES: Final = 20
_MIN_WEEKS: Final = 2


def draw_trend_in_slack(trend: content.Trend, currency: str) -> BlockGroup:
    """Return the chart with what it cannot show, and the sparkline where there is no chart."""
    drawn = f"{sparkline(trend)}  {format_trend(trend)}. {format_trend_scale(trend)}".strip()
    gaps = format_trend_gaps(trend)
    said = [gaps] if gaps else []
    events = [f"{one.week}: {format_events(one)}" for one in trend.weeks if one.events][-MAX_EVENT_WEEKS:]
    text = BlockGroup(blocks=(context(drawn, *said, *events),), lines=(drawn, *said, *events))
    chart = _chart(trend, currency)
    if chart is None:
        return text
    return BlockGroup(
        blocks=(chart, context(f"{format_trend(trend)}.", *said, *events)), lines=text.lines, basic_blocks=text.blocks
    )


def _chart(trend: content.Trend, currency: str) -> Block | None:
    """Return a line chart of the measured weeks; None with fewer than two."""
    known = [(one.week, one.cost.amount) for one in trend.weeks if one.cost.amount is not None][-MAX_CATEGORIES:]
    if len(known) < _MIN_WEEKS:
        return None
    weeks = [week for week, _ in known]
    series = [_series("Cost", known, currency)]
    if trend.budget_7d is not None:
        series.append(_series("Budget of a week", [(week, trend.budget_7d) for week in weeks], currency))
    categories: list[Json] = [*weeks]
    axis: Json = {"categories": categories, "y_label": f"{currency} for 7 days"}
    return {
        "type": "data_visualization",
        "title": "Cost by week",
        "chart": {"type": "line", "series": series, "axis_config": axis},
    }


def _series(name: str, points: list[tuple[str, Decimal]], currency: str) -> Json:
    return {"name": name, "data": [{"label": week, "value": float(round_money(amount, currency))} for week, amount in points]}
