"""Measure one component in one sweep: from one set of ScaleOps responses to the snapshot and points that are stored.

The caller passes one `actions.live.sweep_memo.MemoizedScaleOps` for the whole sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from actions.fanout import FanOut, sequential
from actions.live.cost import CostRange, unread_cost_rows
from actions.live.network import incomplete_network_warnings
from actions.live.policies import policy_warnings_by_cause
from actions.live.upstream import (
    ComponentWorkloads,
    Costs,
    FetchCosts,
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
from actions.ports import ScaleOps
from clients.http.errors import ServiceError
from domain.component import Component
from domain.measures import Measured, Unknown, total_of
from domain.network_schedule import RecentNetwork
from domain.refs import EntityRef
from domain.selectors import InvalidSelector
from domain.snapshots import TOTALS, Measurement, NetworkOff, NetworkUse, Outcome, Snapshot, WorkloadPoint, totals_of
from domain.workload import CostRow, Destination, Flow, Workload, WorkloadKey

T = TypeVar("T")

RANGE: Final[CostRange] = "7d"
NETWORK_WINDOW: Final = timedelta(hours=168)
LEFT_OUT: Final = "ScaleOps left it out"
NOT_READABLE: Final = "ScaleOps sent it in a form that cannot be read"


@dataclass(frozen=True, kw_only=True)
class MeasureResult:
    """The measurement of one component."""

    measurement: Measurement
    is_scaleops_down: bool = False
    """The reason applies to every component: ScaleOps is unreachable or rejects our login."""


def measure(
    component: Component,
    scaleops: ScaleOps,
    *,
    as_of: datetime,
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] | None = None,
    recent_network: RecentNetwork = MappingProxyType({}),
    cost_source: FetchCosts | None = None,
    fan_out: FanOut = sequential,
) -> MeasureResult:
    """Measure one component at `as_of`: cost over 7 days, network over the 168 hours before it, savings per month.

    The network of the workloads in `recent_network` is not fetched: their points carry these figures. `cost_source` is the `via` of
    `cost_calls`.

    Never raises for a problem of one component: if its workloads cannot be listed, the outcome is unknown with the reason; if
    its cost or network cannot be fetched, those values are unknown with theirs. `fan_out` must not be the pool that runs `measure`.
    """
    try:
        owned = fetch_workloads(component, scaleops, namespaces_allowed=namespaces_allowed or {}, fan_out=fan_out)
    except InvalidSelector as bad:
        return MeasureResult(measurement=unmeasured(component, as_of=as_of, reason=str(bad)))
    except ServiceError as failure:
        return MeasureResult(
            measurement=unmeasured(component, as_of=as_of, reason=str(failure)), is_scaleops_down=failure.service_down
        )
    costs, policies, network = Costs(), Policies(), Network()
    fan_out(
        [
            *cost_calls(owned, scaleops, cost_range=RANGE, into=costs, via=cost_source),
            *policy_calls(owned, scaleops, into=policies),
            *network_calls(
                owned, scaleops, start=as_of - NETWORK_WINDOW, end=as_of, into=network, except_for=recent_network.keys()
            ),
        ]
    )
    rows = own_cost_rows(owned, costs)
    warnings = (  # what is unknown of a workload stands in its point
        *component.problems,
        *owned.selection_warnings,
        *unread_cost_rows(owned, costs, rows),
        *incomplete_network_warnings(network),
        *policy_warnings_by_cause(owned, policies),
    )
    unreadable = tuple(
        WorkloadPoint.unmeasured(as_of=as_of, key=row.key_for(component.ref), reason=f"its row could not be read: {row.reason}")
        for row in owned.set_aside
    )
    points = (*_points(owned, costs, rows, network, recent_network, as_of=as_of), *unreadable)
    totals = totals_of(points)
    return MeasureResult(
        measurement=_measurement(component, Outcome.MEASURED, totals, as_of=as_of, warnings=warnings, points=points)
    )


def unmeasured(component: Component, *, as_of: datetime, reason: str) -> Measurement:
    """Return the measurement of a component whose workloads are unknown."""
    totals = dict.fromkeys(TOTALS, total_of([Unknown(reason)]))
    return _measurement(component, Outcome.UNKNOWN, totals, as_of=as_of, reason=reason, warnings=component.problems)


def from_bulk(result: MeasureResult, clusters: tuple[str, ...]) -> MeasureResult:
    """Return the result with the clusters whose costs are from a bulk response."""
    if not clusters:
        return result
    measurement = result.measurement
    return replace(result, measurement=replace(measurement, snapshot=replace(measurement.snapshot, bulk_clusters=clusters)))


def withdraw(measurement: Measurement, *, reason: str) -> Measurement:
    """Return the measurement that takes the place of one that cannot be stored."""
    totals: dict[str, Any] = dict.fromkeys(TOTALS, total_of([Unknown(reason)]))
    snapshot = replace(measurement.snapshot, outcome=Outcome.UNKNOWN, reason=reason, warnings=(), workloads=(), **totals)
    return Measurement(snapshot=snapshot, points=())


def _measurement(
    component: Component,
    outcome: Outcome,
    totals: Mapping[str, Any],
    *,
    as_of: datetime,
    reason: str = "",
    warnings: Iterable[str] = (),
    points: tuple[WorkloadPoint, ...] = (),
) -> Measurement:
    snapshot = Snapshot(
        ref=component.ref,
        as_of=as_of,
        team=component.team,
        outcome=outcome,
        reason=reason,
        warnings=tuple(dict.fromkeys(warnings)),
        workloads=tuple(point.key for point in points),
        **totals,
    )
    return Measurement(snapshot=snapshot, points=points)


def _points(
    owned: ComponentWorkloads,
    costs: Costs,
    rows: Mapping[WorkloadKey, CostRow],
    network: Network,
    recent: RecentNetwork,
    *,
    as_of: datetime,
) -> tuple[WorkloadPoint, ...]:
    return tuple(
        point_of_workload(
            workload,
            as_of=as_of,
            cost_7d=_cost(workload, rows.get(workload.key), costs),
            network=_network_use(network[workload.key]) if workload.key in network else recent[workload.key].use,
            network_as_of=as_of if workload.key in network else recent[workload.key].as_of,
            pod_hours_7d=_hours(rows.get(workload.key), "pod_hours"),
            spot_hours_7d=_hours(rows.get(workload.key), "spot_hours"),
        )
        for workload in owned.workloads
    )


def point_of_workload(
    workload: Workload,
    *,
    as_of: datetime,
    cost_7d: Measured[Decimal],
    network: Measured[NetworkUse | NetworkOff],
    network_as_of: datetime | None,
    pod_hours_7d: Measured[float],
    spot_hours_7d: Measured[float],
) -> WorkloadPoint:
    """Return the point of a row of the workload list, with cost, pod-hours and network from elsewhere."""
    return WorkloadPoint(
        as_of=as_of,
        key=workload.key,
        policy_name=policy_of(workload),
        automated=_known(workload.automated, workload, "auto"),
        under_provisioned=_known(workload.under_provisioned, workload, "isUnderProvisioned"),
        over_provisioned=_known(workload.over_provisioned, workload, "isOverProvisioned"),
        replicas=_known(workload.replicas, workload, "replicas"),
        cpu_request_millicores=_known(workload.cpu_request_millicores, workload, "cpuRequests"),
        cpu_recommended_millicores=_known(workload.cpu_recommended_millicores, workload, "cpuRecommended"),
        memory_request_bytes=_known(workload.memory_request_bytes, workload, "memRequests"),
        memory_recommended_bytes=_known(workload.memory_recommended_bytes, workload, "memRecommended"),
        cost_7d=cost_7d,
        savings_available_per_month=_known(workload.savings_available_per_month, workload, "savingsAvailable"),
        active_savings_per_month=_known(workload.active_savings_per_month, workload, "activeSavings"),
        oom_kills_24h=_known(workload.oom_kills_24h, workload, "oomCountLast24h"),
        network=network,
        network_as_of=network_as_of,
        pod_hours_7d=pod_hours_7d,
        spot_hours_7d=spot_hours_7d,
    )


def _cost(workload: Workload, row: CostRow | None, costs: Costs) -> Measured[Decimal]:
    fetched = costs[workload.key.cluster]
    return Unknown(str(fetched)) if isinstance(fetched, ServiceError) else cost_of_row(row)


def cost_of_row(row: CostRow | None) -> Measured[Decimal]:
    """Return the cost of a workload from its row of the cost report, if it has one."""
    return Unknown("the cost report has no row for it") if row is None else _known(row.total_cost, row, "totalCost")


def _hours(row: CostRow | None, name: Literal["pod_hours", "spot_hours"]) -> Measured[float]:
    hours: float | None = getattr(row, name, None)
    return Unknown(LEFT_OUT) if hours is None else hours


def _network_use(network: tuple[Destination, ...] | NotMonitored | Unmeasured) -> Measured[NetworkUse | NetworkOff]:
    if isinstance(network, Unmeasured):
        return Unknown(network.reason)
    if isinstance(network, NotMonitored):
        return NetworkOff()
    return NetworkUse(
        cost=total_of(_total(peer.total_cost) for peer in network).amount,
        cross_az_cost=total_of(_total(peer.cross_az_cost) for peer in network).amount,
        cross_az_traffic_bytes=total_of(_total(peer.cross_az_traffic) for peer in network).amount,
    )


def _total(flow: Flow | None) -> Measured[Decimal]:
    return Unknown(LEFT_OUT) if flow is None or flow.total is None else flow.total


def _known(value: T | None, row: Workload | CostRow, name: str) -> Measured[T]:
    if value is not None:
        return value
    return Unknown(NOT_READABLE if name in row.unreadable else LEFT_OUT)
