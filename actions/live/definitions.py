"""The five live questions: name, input, output, and how each is answered. Every door lists them from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from actions.arguments import look_up, read_arguments
from actions.context import LiveContext, Viewer, allow_all
from actions.errors import InputError, NotFoundError, failed_call
from actions.live.cost import cost_answer
from actions.live.inputs import CostInput, EntityInput, NetworkInput, RecommendationsInput, WorkloadInput
from actions.live.network import network_answer
from actions.live.output_context import OutputContext
from actions.live.outputs import ActionOutput, CostOutput, DataOutput, NetworkOutput, PoliciesOutput, RecommendationsOutput
from actions.live.policies import policies_answer
from actions.live.upstream import (
    ComponentWorkloads,
    Costs,
    Network,
    Policies,
    cost_calls,
    fetch_workloads,
    network_calls,
    policy_calls,
)
from actions.live.workloads import data_answer, recommendations_answer
from clients.http.errors import ServiceError
from domain.component import Component
from domain.messages import Json
from domain.selectors import InvalidSelector

I = TypeVar("I", bound=EntityInput)  # noqa: E741 - the input
O = TypeVar("O", bound=ActionOutput)  # noqa: E741 - the output


@dataclass(frozen=True, kw_only=True)
class LiveAction(Generic[I, O]):
    """One question. All of them only read, so asking twice is harmless."""

    name: str
    title: str
    description: str
    input: type[I]
    output: type[O]
    answer: Callable[[LiveContext, Component, I], O]
    """Answers for a component that was looked up. Raises ServiceError, InvalidSelector and ActionError."""

    def ask(self, arguments: Mapping[str, Json], *, desk: LiveContext, viewer: Viewer = allow_all) -> O:
        """Check the arguments (camelCase names, JSON values, as they come from outside), look up the entity, and answer.

        Raises:
            ActionError: there is no answer; the error's class and sentence say why.
        """
        asked = read_arguments(self.input, arguments)
        component = look_up(asked.entity_ref, desk, viewer)
        try:
            return self.answer(desk, component, asked)
        except InvalidSelector as bad:
            raise InputError(str(bad)) from None
        except ServiceError as failure:
            raise failed_call(failure) from None


def _answer_data(desk: LiveContext, component: Component, _: EntityInput) -> DataOutput:
    claim = _claim(desk, component)
    return data_answer(_frame(desk, component), claim)


def _answer_cost(desk: LiveContext, component: Component, asked: CostInput) -> CostOutput:
    frame, claim, costs = _frame(desk, component), _claim(desk, component), Costs()
    desk.fan_out(cost_calls(claim, desk.scaleops, cost_range=asked.range, into=costs))
    failures = [answer for answer in costs.values() if isinstance(answer, ServiceError)]
    if failures and len(failures) == len(costs):
        raise failures[0]
    return cost_answer(frame, claim, costs, cost_range=asked.range)


def _answer_recommendations(desk: LiveContext, component: Component, asked: RecommendationsInput) -> RecommendationsOutput:
    minimum = Decimal(repr(asked.min_savings_threshold))
    return recommendations_answer(_frame(desk, component), _claim(desk, component), min_savings_per_month=minimum)


def _answer_network(desk: LiveContext, component: Component, asked: NetworkInput) -> NetworkOutput:
    frame, network = _frame(desk, component), Network()
    claim = _of_name(_claim(desk, component), asked.workload_name, component)
    start = frame.as_of - timedelta(hours=asked.time_range_hours)
    desk.fan_out(network_calls(claim, desk.scaleops, start=start, end=frame.as_of, into=network))
    return network_answer(frame, claim, network, hours=asked.time_range_hours)


def _answer_policies(desk: LiveContext, component: Component, asked: WorkloadInput) -> PoliciesOutput:
    frame, policies = _frame(desk, component), Policies()
    claim = _of_name(_claim(desk, component), asked.workload_name, component)
    desk.fan_out(policy_calls(claim, desk.scaleops, into=policies))
    return policies_answer(frame, claim, policies)


def _frame(desk: LiveContext, component: Component) -> OutputContext:
    return OutputContext(component=component, as_of=desk.clock(), currency=desk.currency, link=desk.link)


def _claim(desk: LiveContext, component: Component) -> ComponentWorkloads:
    return fetch_workloads(component, desk.scaleops, namespaces_allowed=desk.namespaces_allowed, fan_out=desk.fan_out)


def _of_name(claim: ComponentWorkloads, name: str | None, component: Component) -> ComponentWorkloads:
    if name is None:
        return claim
    named = claim.only([workload for workload in claim.workloads if workload.key.name == name])
    if not named.workloads:
        message = f"{component.ref} has no workload of the name {name!r}"
        raise NotFoundError(message)
    return named


DATA: Final = LiveAction(
    name="get_scaleops_data_for_entity",
    title="ScaleOps workloads of an entity",
    description=(
        "Lists the Kubernetes workloads of a catalog entity as ScaleOps sees them: requests and recommendations per pod "
        "(millicores, bytes), whether they are automated, over- or under-provisioned, and savings per month."
    ),
    input=EntityInput,
    output=DataOutput,
    answer=_answer_data,
)
COST: Final = LiveAction(
    name="get_scaleops_cost_analysis_for_entity",
    title="ScaleOps cost of an entity",
    description=(
        "Answers what all workloads of a catalog entity cost over the last 7, 30 or 90 days, on every cluster they run on. "
        "Cost and savings are for that range; never add them to savings per month."
    ),
    input=CostInput,
    output=CostOutput,
    answer=_answer_cost,
)
RECOMMENDATIONS: Final = LiveAction(
    name="get_scaleops_recommendations_for_entity",
    title="ScaleOps recommendations for an entity",
    description=(
        "Answers what to do about the workloads of a catalog entity, the most pressing first: under-provisioned (high), "
        "over-provisioned (high, low when automated), not automated (medium). Savings are per month."
    ),
    input=RecommendationsInput,
    output=RecommendationsOutput,
    answer=_answer_recommendations,
)
NETWORK: Final = LiveAction(
    name="get_scaleops_network_usage_for_entity",
    title="ScaleOps network use of an entity",
    description=(
        "Answers whom the workloads of a catalog entity talk to, with traffic in bytes and cost within and across zones, where "
        "ScaleOps watches the network of the cluster."
    ),
    input=NetworkInput,
    output=NetworkOutput,
    answer=_answer_network,
)
POLICIES: Final = LiveAction(
    name="get_scaleops_policy_definitions_for_entity",
    title="ScaleOps policies of an entity",
    description="Answers which ScaleOps policy each workload of a catalog entity has, with the policy's definition.",
    input=WorkloadInput,
    output=PoliciesOutput,
    answer=_answer_policies,
)

LIVE_ACTIONS: Final[Mapping[str, LiveAction[Any, Any]]] = {
    question.name: question for question in (DATA, COST, RECOMMENDATIONS, NETWORK, POLICIES)
}
"""The catalogue of all questions; each knows its own input and output, so only a question itself can pair them."""
