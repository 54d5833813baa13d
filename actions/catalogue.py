"""Every question a door may offer, live or over history, under one roof: what it takes, what it answers, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from actions.context import LiveContext, Viewer, allow_all
from actions.history.context import HistoryAction, HistoryContext
from actions.history.definitions import HISTORY_ACTIONS
from actions.live.definitions import LIVE_ACTIONS, LiveAction
from domain.messages import Json


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """Where questions are asked on behalf of one caller."""

    desk: LiveContext
    """With the catalog as the caller sees it."""
    archive: HistoryContext
    viewer: Viewer = field(default=allow_all)


@dataclass(frozen=True, kw_only=True)
class ActionDefinition:
    """One question, as doors list it. All of them only read."""

    name: str
    title: str
    description: str
    input: type[BaseModel]
    output: type[BaseModel]
    rows: str
    """The name, as it stands in JSON, of the list in the answer that may be long."""
    is_live: bool
    """It is asked of ScaleOps; the others are answered from the store."""
    ask: Callable[[Mapping[str, Json], RequestContext], BaseModel]
    """Blocks. Raises ActionError, and what the viewer raises."""


_ROWS_OF_LIVE: Final = {
    "get_scaleops_data_for_entity": "workloads",
    "get_scaleops_cost_analysis_for_entity": "costAnalysis",
    "get_scaleops_recommendations_for_entity": "recommendations",
    "get_scaleops_network_usage_for_entity": "workloadNetworkData",
    "get_scaleops_policy_definitions_for_entity": "workloadPolicies",
}


def _live(question: LiveAction[Any, Any]) -> ActionDefinition:
    def ask(arguments: Mapping[str, Json], asker: RequestContext) -> BaseModel:
        answer: BaseModel = question.ask(arguments, desk=asker.desk, viewer=asker.viewer)
        return answer

    return ActionDefinition(
        name=question.name,
        title=question.title,
        description=question.description,
        input=question.input,
        output=question.output,
        rows=_ROWS_OF_LIVE[question.name],
        is_live=True,
        ask=ask,
    )


def _historical(question: HistoryAction[Any, Any]) -> ActionDefinition:
    def ask(arguments: Mapping[str, Json], asker: RequestContext) -> BaseModel:
        answer: BaseModel = question.ask(arguments, archive=asker.archive, viewer=asker.viewer)
        return answer

    return ActionDefinition(
        name=question.name,
        title=question.title,
        description=question.description,
        input=question.input,
        output=question.output,
        rows=question.rows,
        is_live=False,
        ask=ask,
    )


ACTIONS: Final[tuple[ActionDefinition, ...]] = (*map(_live, LIVE_ACTIONS.values()), *map(_historical, HISTORY_ACTIONS.values()))
"""The live ones first, in a fixed order: clients and their caches like lists that stay the same."""
