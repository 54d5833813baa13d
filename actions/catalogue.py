"""The one list of actions. MCP, the Actions Registry and the command line publish these."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from actions.arguments import find_component, read_arguments
from actions.context import ActionContext
from actions.errors import InputError, failed_call
from actions.history import explanation_models, models
from actions.live import inputs, outputs
from actions.live.cost import get_cost_analysis
from actions.live.network import get_network_usage
from actions.live.policies import get_policy_definitions
from actions.live.workloads import get_data, get_recommendations
from clients.http.errors import ServiceError
from domain.messages import Json
from domain.selectors import InvalidSelector


@dataclass(frozen=True, kw_only=True)
class ActionDefinition:
    """One action. All of them are read-only, so a repeat is harmless."""

    name: str
    title: str
    description: str
    input: type[BaseModel]
    output: type[BaseModel]
    rows: str
    """The JSON name of the list in the output that may be long."""
    is_live: bool
    """True: queries ScaleOps now. False: reads stored history."""
    function: Callable[..., BaseModel]
    """Live: `(LiveContext, Component, input)`. History: `(HistoryView, input)`."""

    def run(self, arguments: Mapping[str, Json], request_context: ActionContext) -> Any:  # noqa: ANN401 - an instance of `output`
        """Validate the arguments (camelCase names, JSON values) and return the output. Blocks.

        Raises:
            ActionError: there is no output; the class and the message say why.
        """
        query: Any = read_arguments(self.input, arguments)
        if not self.is_live:
            from actions.history.view import read_history  # noqa: PLC0415 - as in `_over_history`

            with read_history(request_context.history, request_context.viewer) as view:
                return self.function(view, query)
        component = find_component(query.entity_ref, request_context.live, request_context.viewer)
        try:
            return self.function(request_context.live, component, query)
        except InvalidSelector as bad:
            raise InputError(str(bad)) from None
        except ServiceError as failure:
            raise failed_call(failure) from None


def _over_history(module: str, name: str) -> Callable[..., BaseModel]:
    """Return a function of `actions.history`, imported when it is called: its SQL takes longer to import than all live actions."""

    def call(view: object, query: BaseModel) -> BaseModel:
        output: BaseModel = getattr(importlib.import_module(f"actions.history.{module}"), name)(view, query)
        return output

    return call


_DEFINITIONS: Final = (
    ActionDefinition(
        name="get_scaleops_data_for_entity",
        title="ScaleOps workloads of an entity",
        description=(
            "Lists the Kubernetes workloads of a catalog entity as ScaleOps sees them: requests and recommendations per pod "
            "(millicores, bytes), whether they are automated, over- or under-provisioned, and savings per month."
        ),
        input=inputs.EntityInput,
        output=outputs.DataOutput,
        rows="workloads",
        is_live=True,
        function=get_data,
    ),
    ActionDefinition(
        name="get_scaleops_cost_analysis_for_entity",
        title="ScaleOps cost of an entity",
        description=(
            "Returns what all workloads of a catalog entity cost over the last 7, 30 or 90 days, on every cluster they run on. "
            "Cost and savings are for that range; never add them to savings per month."
        ),
        input=inputs.CostInput,
        output=outputs.CostOutput,
        rows="costAnalysis",
        is_live=True,
        function=get_cost_analysis,
    ),
    ActionDefinition(
        name="get_scaleops_recommendations_for_entity",
        title="ScaleOps recommendations for an entity",
        description=(
            "Returns what to do about the workloads of a catalog entity, most urgent first: under-provisioned (high), "
            "over-provisioned (high, low when automated), not automated (medium). Savings are per month."
        ),
        input=inputs.RecommendationsInput,
        output=outputs.RecommendationsOutput,
        rows="recommendations",
        is_live=True,
        function=get_recommendations,
    ),
    ActionDefinition(
        name="get_scaleops_network_usage_for_entity",
        title="ScaleOps network usage of an entity",
        description=(
            "Returns the network peers of a catalog entity's workloads, with traffic in bytes and cost within and across zones, "
            "where ScaleOps monitors the cluster's network."
        ),
        input=inputs.NetworkInput,
        output=outputs.NetworkOutput,
        rows="workloadNetworkData",
        is_live=True,
        function=get_network_usage,
    ),
    ActionDefinition(
        name="get_scaleops_policy_definitions_for_entity",
        title="ScaleOps policies of an entity",
        description="Returns which ScaleOps policy each workload of a catalog entity has, with the policy's definition.",
        input=inputs.WorkloadInput,
        output=outputs.PoliciesOutput,
        rows="workloadPolicies",
        is_live=True,
        function=get_policy_definitions,
    ),
    ActionDefinition(
        name="list_components",
        title="Find components",
        description="Finds components by owner, system or words, with their entity references, owners and cost of the last 7 days.",
        input=models.ComponentsInput,
        output=models.ComponentsOutput,
        rows="components",
        is_live=False,
        function=_over_history("lists", "list_components"),
    ),
    ActionDefinition(
        name="get_cost_trend",
        title="Cost by week",
        description="Returns the weekly cost (7 days to each closing snapshot) and savings of a component or team over time.",
        input=models.TrendInput,
        output=models.TrendOutput,
        rows="weeks",
        is_live=False,
        function=_over_history("costs", "get_cost_trend"),
    ),
    ActionDefinition(
        name="compare_weeks",
        title="What changed between two weeks",
        description=(
            "Returns why the cost of a component or team changed: workloads like for like, added, removed, not comparable, "
            "the largest change first."
        ),
        input=models.CompareInput,
        output=models.CompareOutput,
        rows="changes",
        is_live=False,
        function=_over_history("costs", "compare_weeks"),
    ),
    ActionDefinition(
        name="explain_cost_change",
        title="Why the cost changed",
        description=(
            "Explains why the cost of a component or team changed between two weeks, in parts that add up: pod-hours, requests, spot share, "
            "unit price, added, removed, moved, not comparable; then workloads over clusters, each with its cause."
        ),
        input=explanation_models.ExplainInput,
        output=explanation_models.ExplainOutput,
        rows="movers",
        is_live=False,
        function=_over_history("explanation", "explain_cost_change"),
    ),
    ActionDefinition(
        name="get_team_report",
        title="Weekly report of a team",
        description="Returns the weekly cost report of a team as it was sent: headline, why the cost changed, trend, top actions and their outcome.",
        input=models.ReportInput,
        output=models.ReportOutput,
        rows="weeks",
        is_live=False,
        function=_over_history("reports", "get_team_report"),
    ),
    ActionDefinition(
        name="list_recommendations",
        title="Open recommendations",
        description="Lists open recommendations over all components, a team or one component, with savings per month.",
        input=models.OpenRecommendationsInput,
        output=models.OpenRecommendationsOutput,
        rows="recommendations",
        is_live=False,
        function=_over_history("lists", "list_recommendations"),
    ),
    ActionDefinition(
        name="list_alerts",
        title="Alerts",
        description="Lists open alerts with phase, severity, workloads, and whether they paged, were acknowledged, snoozed or dismissed.",
        input=models.AlertsInput,
        output=models.AlertsOutput,
        rows="alerts",
        is_live=False,
        function=_over_history("lists", "list_alerts"),
    ),
    ActionDefinition(
        name="get_unallocated_cost",
        title="Cost that no component claims",
        description=(
            "Returns what the clusters cost over 7 days and no catalog component claims, by cluster and namespace with the largest "
            "workloads and the trend; for callers who may see everything."
        ),
        input=models.UnallocatedInput,
        output=models.UnallocatedOutput,
        rows="namespaces",
        is_live=False,
        function=_over_history("unallocated", "get_unallocated_cost"),
    ),
    ActionDefinition(
        name="explain_delivery",
        title="Why was this sent, or not",
        description="Explains why an alert, report or message was sent, where to and by which rule, or why it was not.",
        input=models.DeliveryInput,
        output=models.DeliveryOutput,
        rows="messages",
        is_live=False,
        function=_over_history("deliveries", "explain_delivery"),
    ),
)

ACTIONS: Final[Mapping[str, ActionDefinition]] = {action.name: action for action in _DEFINITIONS}
"""By name, the live ones first, in a fixed order: clients cache the list."""
