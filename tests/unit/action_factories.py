"""Doubles for the actions: a ScaleOps with planned responses, a catalog of one entity, and builders of what they hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, TypeVar, cast

from mcp import Client

from actions.action_pools import ActionPools
from actions.catalogue import ACTIONS
from actions.context import HistoryContext, LiveContext, RequestContext, Viewer, allow_all
from actions.ports import Listing, ScaleOps
from clients.http.errors import ErrorKind, ServiceError
from domain.component import Component, NotificationTargets
from domain.messages import Json
from domain.refs import UNOWNED, EntityRef
from domain.workload import CostRow, Destination, Flow, PolicyDefinition, Workload, WorkloadKey
from mcp_server import build_mcp_server

T = TypeVar("T")

NOW = datetime(2026, 11, 16, 6, tzinfo=timezone.utc)
WEB = EntityRef.parse("component:default/web")


def a_component(**parts: Any) -> Component:  # noqa: ANN401 - any field of a component
    return dataclasses.replace(
        Component(
            ref=WEB,
            spelled_kind="Component",
            spelled_namespace="Default",
            spelled_name="Web",
            title="Web",
            team=UNOWNED,
            lifecycle="",
            system="",
            label_selector="app=web",
            kubernetes_id=None,
            namespace_limit=None,
            cluster_limit=None,
            contact=NotificationTargets(),
        ),
        **parts,
    )


def a_workload(name: str = "web", *, cluster: str = "east", namespace: str = "shop", **parts: Any) -> Workload:  # noqa: ANN401 - as above
    return dataclasses.replace(
        Workload(
            key=WorkloadKey(cluster=cluster, namespace=namespace, type="Deployment", name=name),
            id=f"{namespace}_Deployment_{name}",
            policy_name="cost",
            automated=True,
            under_provisioned=False,
            over_provisioned=False,
            replicas=2,
            cpu_request_millicores=100,
            cpu_recommended_millicores=80.5,
            memory_request_bytes=1024,
            memory_recommended_bytes=512,
            savings_available_per_month=Decimal("1.5"),
            active_savings_per_month=Decimal(2),
            oom_kills_24h=0,
        ),
        **parts,
    )


def a_row(workload: Workload, *, total: str | None = "168", hourly: str | None = "1") -> CostRow:
    return CostRow(
        id=(workload.id or "").upper(),
        workload_name=workload.key.name,
        total_cost=None if total is None else Decimal(total),
        hourly_cost=None if hourly is None else Decimal(hourly),
        spot_percent=25,
        on_demand_percent=75,
        savings_available=Decimal("0.5"),
    )


def a_peer(cost: str | None, *, cross: str | None = "0") -> Destination:
    def flow(amount: str | None) -> Flow | None:
        return None if amount is None else Flow(total=Decimal(amount), egress=Decimal(amount), ingress=Decimal(0))

    return Destination(
        name="x",
        namespace="y",
        workload_type="External",
        replicas=1,
        total_cost=flow(cost),
        intra_az_cost=flow("0"),
        cross_az_cost=flow(cross),
        total_traffic=flow("100"),
        intra_az_traffic=flow("50"),
        cross_az_traffic=flow("50"),
    )


def failure(kind: ErrorKind = ErrorKind.SERVER_ERROR, status: int | None = 500) -> ServiceError:
    return ServiceError("ScaleOps returned an error", kind=kind, permanent=False, status=status)


def planned_result(planned: T | ServiceError) -> T:
    if isinstance(planned, ServiceError):
        raise planned
    return planned


@dataclass
class PlannedScaleOps:
    """Returns or raises what is planned for each call, and records the calls."""

    workloads_by_labels: Mapping[tuple[str, ...], tuple[Workload, ...] | ServiceError] = field(default_factory=dict)
    costs_by_cluster: Mapping[str, tuple[CostRow, ...] | ServiceError] = field(default_factory=dict)
    flags: Mapping[str, bool] | ServiceError = field(default_factory=dict)
    network_by_name: Mapping[str, tuple[Destination, ...] | ServiceError] = field(default_factory=dict)
    policies_by_cluster: Mapping[str, tuple[PolicyDefinition, ...] | ServiceError] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        self.calls.append(("workloads", *labels))
        return planned_result(self.workloads_by_labels.get(labels, ()))

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        self.calls.append(("costs", cluster, namespaces, types, labels, cost_range))
        return planned_result(self.costs_by_cluster.get(cluster, ()))

    def network_flags(self) -> Mapping[str, bool]:
        self.calls.append(("flags",))
        return planned_result(self.flags)

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        self.calls.append(("network", str(key), end - start, end))
        return planned_result(self.network_by_name.get(key.name, ()))

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        self.calls.append(("policies", cluster))
        return planned_result(self.policies_by_cluster.get(cluster, ()))


@dataclass
class OneEntity:
    """A catalog of one entity, or one that fails."""

    entity: Component | ServiceError

    def component(self, ref: EntityRef) -> Component:
        if isinstance(self.entity, ServiceError):
            raise self.entity
        if ref != self.entity.ref:
            message = "there is none"
            raise ServiceError(message, kind=ErrorKind.NOT_FOUND, permanent=True, status=404)
        return self.entity

    def listing(self) -> Listing:
        raise NotImplementedError


def run(
    name: str,
    scaleops: PlannedScaleOps,
    component: Component | ServiceError | None = None,
    *,
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] | None = None,
    **arguments: Json,
) -> Any:  # noqa: ANN401 - the output as JSON
    return run_with(name, scaleops, arguments, component, namespaces_allowed=namespaces_allowed)


def run_with(
    name: str,
    scaleops: PlannedScaleOps,
    arguments: Mapping[str, Json],
    component: Component | ServiceError | None = None,
    *,
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] | None = None,
) -> Any:  # noqa: ANN401 - the output as JSON
    caller = request_context_of(scaleops, component, namespaces_allowed=namespaces_allowed or {})
    action = ACTIONS[f"get_scaleops_{name}_for_entity"]
    return action.run({"entityRef": str(WEB), **arguments}, caller).model_dump(mode="json", by_alias=True)


def request_context_of(
    scaleops: ScaleOps,
    component: Component | ServiceError | None = None,
    *,
    viewer: Viewer = allow_all,
    **live: Any,  # noqa: ANN401 - any field of a live context
) -> RequestContext:
    """The context of a caller of the live actions; there is no history."""
    catalog = OneEntity(component or a_component())
    context = LiveContext(scaleops=scaleops, catalog=catalog, clock=lambda: NOW, currency="EUR", **live)
    return RequestContext(live=context, history=cast(HistoryContext, None), viewer=viewer)


def found(*workloads: Workload, **plans: Any) -> PlannedScaleOps:  # noqa: ANN401 - any plan
    return PlannedScaleOps(workloads_by_labels={("app=web",): workloads}, **plans)


def mcp_client() -> Client:
    """Return a client of an MCP server whose actions never run."""
    pools = ActionPools(live=1, stored=1)
    return Client(build_mcp_server(request_context_of=lambda _: cast(RequestContext, None), pools=pools))
