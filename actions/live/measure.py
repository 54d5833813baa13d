"""One component in one sweep: all five questions from one set of upstream answers, and the measurement that is stored.

Give it a `ScaleOps` wrapped in `actions.asked_once.MemoizedScaleOps`, one for the whole sweep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from pydantic_core import PydanticSerializationError

from actions.fanout import FanOut, sequential
from actions.live import definitions
from actions.live.cost import CostRange, cost_answer
from actions.live.network import network_answer
from actions.live.output_context import OutputContext
from actions.live.outputs import ActionOutput
from actions.live.policies import policies_answer
from actions.live.upstream import (
    ComponentWorkloads,
    Costs,
    Network,
    NotMonitored,
    Policies,
    Unmeasured,
    cost_calls,
    fetch_workloads,
    network_calls,
    own_cost_rows,
    policy_calls,
    policy_of,
)
from actions.live.workloads import data_answer, recommendations_answer
from actions.ports import DashboardLink, ScaleOps, no_link
from clients.http.client import ServiceError
from domain.component import Component
from domain.measures import Measured, Unknown, total_of
from domain.refs import EntityRef
from domain.selectors import InvalidSelector
from domain.snapshots import Measurement, NetworkOff, NetworkUse, Outcome, Snapshot, WorkloadPoint
from domain.workload import CostRow, Destination, Flow, Workload

T = TypeVar("T")

RANGE: Final[CostRange] = "7d"
NETWORK_WINDOW: Final = timedelta(hours=168)
LEFT_OUT: Final = "ScaleOps left it out"


@dataclass(frozen=True, kw_only=True)
class MeasureResult:
    """What came of measuring one component."""

    measurement: Measurement
    answers: Mapping[str, str] = field(default_factory=dict)
    """The answers of the five questions by name, as JSON text; none when the workloads could not be listed."""
    scaleops_is_away: bool = False
    """The reason it is unknown holds for every component: ScaleOps cannot be reached, or refuses our login."""


def measure(
    component: Component,
    scaleops: ScaleOps,
    *,
    as_of: datetime,
    currency: str,
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] | None = None,
    link: DashboardLink = no_link,
    fan_out: FanOut = sequential,
) -> MeasureResult:
    """Measure one component at `as_of`: cost over 7 days, network over the 168 hours before it, savings per month.

    Never raises for the component's own trouble: if its workloads cannot be listed, the outcome is unknown with the reason; if
    its cost or network cannot be had, those values are unknown with theirs. `fan_out` (an `actions.fanout.Threads`, not the pool
    that runs `measure`) lets its calls run side by side.
    """
    try:
        claim = fetch_workloads(component, scaleops, namespaces_allowed=namespaces_allowed or {}, fan_out=fan_out)
    except InvalidSelector as bad:
        return MeasureResult(measurement=unmeasured(component, as_of=as_of, reason=str(bad)))
    except ServiceError as failure:
        return MeasureResult(
            measurement=unmeasured(component, as_of=as_of, reason=str(failure)), scaleops_is_away=failure.service_down
        )
    costs, policies, network = Costs(), Policies(), Network()
    fan_out(
        [
            *cost_calls(claim, scaleops, cost_range=RANGE, into=costs),
            *policy_calls(claim, scaleops, into=policies),
            *network_calls(claim, scaleops, start=as_of - NETWORK_WINDOW, end=as_of, into=network),
        ]
    )
    frame = OutputContext(component=component, as_of=as_of, currency=currency, link=link)
    given: dict[str, ActionOutput] = {
        definitions.DATA.name: data_answer(frame, claim),
        definitions.COST.name: cost_answer(frame, claim, costs, cost_range=RANGE),
        definitions.RECOMMENDATIONS.name: recommendations_answer(frame, claim, min_savings_per_month=Decimal(0)),
        definitions.NETWORK.name: network_answer(frame, claim, network, hours=NETWORK_WINDOW / timedelta(hours=1)),
        definitions.POLICIES.name: policies_answer(frame, claim, policies),
    }
    points = _points(claim, costs, network, as_of=as_of)
    return MeasureResult(
        measurement=Measurement(snapshot=_snapshot(component, claim, points, given, as_of=as_of), points=points),
        answers={name: _written(answer) for name, answer in given.items()},
    )


def _written(answer: ActionOutput) -> str:
    try:
        return answer.model_dump_json(by_alias=True)
    except PydanticSerializationError:  # half a character, which a YAML file can hold
        return json.dumps(answer.model_dump(mode="json", by_alias=True))


def unmeasured(component: Component, *, as_of: datetime, reason: str) -> Measurement:
    """Answer the measurement of a component whose workloads are not known."""
    nothing = total_of([Unknown(reason)])
    snapshot = Snapshot(
        ref=component.ref,
        as_of=as_of,
        team=component.team,
        outcome=Outcome.UNKNOWN,
        reason=reason,
        warnings=(),
        workloads=(),
        cost_7d=nothing,
        savings_available_per_month=nothing,
        active_savings_per_month=nothing,
    )
    return Measurement(snapshot=snapshot, points=())


def _snapshot(
    component: Component,
    claim: ComponentWorkloads,
    points: tuple[WorkloadPoint, ...],
    given: Mapping[str, ActionOutput],
    *,
    as_of: datetime,
) -> Snapshot:
    return Snapshot(
        ref=component.ref,
        as_of=as_of,
        team=component.team,
        outcome=Outcome.MEASURED,
        reason="",
        warnings=tuple(dict.fromkeys(warning for answer in given.values() for warning in answer.warnings)),
        workloads=tuple(workload.key for workload in claim.workloads),
        cost_7d=total_of(point.cost_7d for point in points),
        savings_available_per_month=total_of(point.savings_available_per_month for point in points),
        active_savings_per_month=total_of(point.active_savings_per_month for point in points),
    )


def _points(claim: ComponentWorkloads, costs: Costs, network: Network, *, as_of: datetime) -> tuple[WorkloadPoint, ...]:
    rows = own_cost_rows(claim, costs)
    return tuple(
        WorkloadPoint(
            as_of=as_of,
            key=workload.key,
            policy_name=policy_of(workload),
            automated=_known(workload.automated),
            under_provisioned=_known(workload.under_provisioned),
            over_provisioned=_known(workload.over_provisioned),
            replicas=_known(workload.replicas),
            cpu_request_millicores=_known(workload.cpu_request_millicores),
            cpu_recommended_millicores=_known(workload.cpu_recommended_millicores),
            memory_request_bytes=_known(workload.memory_request_bytes),
            memory_recommended_bytes=_known(workload.memory_recommended_bytes),
            cost_7d=_cost(workload, rows.get(workload.key), costs),
            savings_available_per_month=_known(workload.savings_available_per_month),
            active_savings_per_month=_known(workload.active_savings_per_month),
            oom_kills_24h=_known(workload.oom_kills_24h),
            network=_network_use(network[workload.key]),
        )
        for workload in claim.workloads
    )


def _cost(workload: Workload, row: CostRow | None, costs: Costs) -> Measured[Decimal]:
    answer = costs[workload.key.cluster]
    if isinstance(answer, ServiceError):
        return Unknown(str(answer))
    return Unknown("the cost report has no row for it") if row is None else _known(row.total_cost)


def _network_use(network: tuple[Destination, ...] | NotMonitored | Unmeasured) -> Measured[NetworkUse | NetworkOff]:
    if isinstance(network, Unmeasured):
        return Unknown(network.reason)
    if isinstance(network, NotMonitored):
        return NetworkOff()
    return NetworkUse(
        cost=total_of(_total(peer.total_cost) for peer in network).amount,
        cross_az_cost=total_of(_total(peer.cross_az_cost) for peer in network).amount,
        traffic_bytes=total_of(_total(peer.total_traffic) for peer in network).amount,
        cross_az_traffic_bytes=total_of(_total(peer.cross_az_traffic) for peer in network).amount,
    )


def _total(flow: Flow | None) -> Measured[Decimal]:
    return Unknown(LEFT_OUT) if flow is None else _known(flow.total)


def _known(value: T | None) -> Measured[T]:
    return Unknown(LEFT_OUT) if value is None else value
