"""The catalogue of the questions over history. Doors list them beside the live ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actions.history import HistoryQuestion
from actions.history_costs import compare_weeks, get_cost_trend
from actions.history_deliveries import explain_delivery
from actions.history_lists import list_alerts, list_components, list_recommendations
from actions.history_reports import get_team_report
from actions.history_shapes import (
    AdviceAnswer,
    AlertsAnswer,
    AlertsInput,
    CompareAnswer,
    CompareInput,
    ComponentsAnswer,
    ComponentsInput,
    DeliveryAnswer,
    DeliveryInput,
    RecommendationsInput,
    ReportAnswer,
    ReportInput,
    TrendAnswer,
    TrendInput,
)

_QUESTIONS: Final[tuple[HistoryQuestion[Any, Any], ...]] = (
    HistoryQuestion(
        name="list_components",
        title="Find components",
        description="Finds components by owner, system or words, with their entity references, owners and cost of the last 7 days.",
        input=ComponentsInput,
        output=ComponentsAnswer,
        rows="components",
        answer=list_components,
    ),
    HistoryQuestion(
        name="get_cost_trend",
        title="Cost by week",
        description="Answers the weekly cost (7 days to each closing snapshot) and savings of a component or team over time.",
        input=TrendInput,
        output=TrendAnswer,
        rows="weeks",
        answer=get_cost_trend,
    ),
    HistoryQuestion(
        name="compare_weeks",
        title="What changed between two weeks",
        description=(
            "Answers why the cost of a component or team changed: workloads like for like, added, removed, not comparable, "
            "the largest change first."
        ),
        input=CompareInput,
        output=CompareAnswer,
        rows="changes",
        answer=compare_weeks,
    ),
    HistoryQuestion(
        name="get_team_report",
        title="Weekly report of a team",
        description="Answers the weekly cost report of a team as it was sent: headline, trend, movers, top actions, what became of them.",
        input=ReportInput,
        output=ReportAnswer,
        rows="weeks",
        answer=get_team_report,
    ),
    HistoryQuestion(
        name="list_recommendations",
        title="Open recommendations",
        description="Lists what is advised and not done yet, over all components, a team or one component, with savings per month.",
        input=RecommendationsInput,
        output=AdviceAnswer,
        rows="recommendations",
        answer=list_recommendations,
    ),
    HistoryQuestion(
        name="list_alerts",
        title="Alerts",
        description="Lists open alerts with phase, severity, workloads, and whether they paged, were acknowledged or snoozed.",
        input=AlertsInput,
        output=AlertsAnswer,
        rows="alerts",
        answer=list_alerts,
    ),
    HistoryQuestion(
        name="explain_delivery",
        title="Why was this sent, or not",
        description="Explains why an alert, report or message was sent, where to and by which rule, or why it was not.",
        input=DeliveryInput,
        output=DeliveryAnswer,
        rows="messages",
        answer=explain_delivery,
    ),
)

HISTORY: Final[Mapping[str, HistoryQuestion[Any, Any]]] = {question.name: question for question in _QUESTIONS}
"""By name; each knows its own input and output, so only a question itself can pair them."""
