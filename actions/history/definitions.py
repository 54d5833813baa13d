"""The catalogue of the questions over history. Doors list them beside the live ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actions.history.context import HistoryAction
from actions.history.costs import compare_weeks, get_cost_trend
from actions.history.deliveries import explain_delivery
from actions.history.lists import list_alerts, list_components, list_recommendations
from actions.history.models import (
    AlertsInput,
    AlertsOutput,
    CompareInput,
    CompareOutput,
    ComponentsInput,
    ComponentsOutput,
    DeliveryInput,
    DeliveryOutput,
    OpenRecommendationsInput,
    OpenRecommendationsOutput,
    ReportInput,
    ReportOutput,
    TrendInput,
    TrendOutput,
)
from actions.history.reports import get_team_report

_QUESTIONS: Final[tuple[HistoryAction[Any, Any], ...]] = (
    HistoryAction(
        name="list_components",
        title="Find components",
        description="Finds components by owner, system or words, with their entity references, owners and cost of the last 7 days.",
        input=ComponentsInput,
        output=ComponentsOutput,
        rows="components",
        answer=list_components,
    ),
    HistoryAction(
        name="get_cost_trend",
        title="Cost by week",
        description="Answers the weekly cost (7 days to each closing snapshot) and savings of a component or team over time.",
        input=TrendInput,
        output=TrendOutput,
        rows="weeks",
        answer=get_cost_trend,
    ),
    HistoryAction(
        name="compare_weeks",
        title="What changed between two weeks",
        description=(
            "Answers why the cost of a component or team changed: workloads like for like, added, removed, not comparable, "
            "the largest change first."
        ),
        input=CompareInput,
        output=CompareOutput,
        rows="changes",
        answer=compare_weeks,
    ),
    HistoryAction(
        name="get_team_report",
        title="Weekly report of a team",
        description="Answers the weekly cost report of a team as it was sent: headline, trend, movers, top actions, what became of them.",
        input=ReportInput,
        output=ReportOutput,
        rows="weeks",
        answer=get_team_report,
    ),
    HistoryAction(
        name="list_recommendations",
        title="Open recommendations",
        description="Lists what is advised and not done yet, over all components, a team or one component, with savings per month.",
        input=OpenRecommendationsInput,
        output=OpenRecommendationsOutput,
        rows="recommendations",
        answer=list_recommendations,
    ),
    HistoryAction(
        name="list_alerts",
        title="Alerts",
        description="Lists open alerts with phase, severity, workloads, and whether they paged, were acknowledged or snoozed.",
        input=AlertsInput,
        output=AlertsOutput,
        rows="alerts",
        answer=list_alerts,
    ),
    HistoryAction(
        name="explain_delivery",
        title="Why was this sent, or not",
        description="Explains why an alert, report or message was sent, where to and by which rule, or why it was not.",
        input=DeliveryInput,
        output=DeliveryOutput,
        rows="messages",
        answer=explain_delivery,
    ),
)

HISTORY_ACTIONS: Final[Mapping[str, HistoryAction[Any, Any]]] = {question.name: question for question in _QUESTIONS}
"""By name; each knows its own input and output, so only a question itself can pair them."""
