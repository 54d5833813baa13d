"""ScaleOps' JSON, read once: only the fields we use, missing ones as None, money as Decimal without float noise.

Millicores, bytes, months and percents are as the names of `domain.workload` say. What is no list where a list belongs is an
error; a list that is null or missing is empty, for that is how ScaleOps says that nothing matches.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.alias_generators import to_camel

from domain.workload import CostRow, Destination, Flow, PolicyDefinition, Workload, WorkloadKey

_GIVEN_UP_EARLY: Final = Field(fail_fast=True)
"""At the first row of another shape: one is named, and to put a hundred thousand of them into words takes seconds."""


class _ApiModel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


class _WorkloadRow(_ApiModel):
    id: str | None = None
    cluster_name: str
    namespace: str
    workload_name: str
    type: str
    policy_name: str | None = None
    auto: bool | None = None
    is_under_provisioned: bool | None = None
    is_over_provisioned: bool | None = None
    replicas: int | None = None
    cpu_requests: float | None = None
    cpu_recommended: float | None = None
    mem_requests: float | None = None
    mem_recommended: float | None = None
    savings_available: Decimal | None = None
    active_savings: Decimal | None = None
    oom_count: Annotated[int | None, Field(alias="oomCountLast24h")] = None


class _CostRow(_ApiModel):
    id: str | None = None
    workload_name: str | None = None
    total_cost: Decimal | None = None
    hourly_cost: Decimal | None = None
    spot_percent: float | None = None
    on_demand_percent: float | None = None
    savings_available: Decimal | None = None


class _Flow(_ApiModel):
    total: Decimal | None = None
    egress: Decimal | None = None
    ingress: Decimal | None = None


class _Destination(_ApiModel):
    name: Annotated[str | None, Field(alias="Name")] = None
    namespace: Annotated[str | None, Field(alias="Namespace")] = None
    workload_type: Annotated[str | None, Field(alias="WorkloadType")] = None
    replicas: int | None = None
    total_cost: _Flow | None = None
    intra_az_cost: Annotated[_Flow | None, Field(alias="intraAZCost")] = None
    cross_az_cost: Annotated[_Flow | None, Field(alias="crossAZCost")] = None
    total_traffic: _Flow | None = None
    intra_az_traffic: Annotated[_Flow | None, Field(alias="intraAZTraffic")] = None
    cross_az_traffic: Annotated[_Flow | None, Field(alias="crossAZTraffic")] = None


class WorkloadsResponse(_ApiModel):
    """The answer of `POST /api/v1/dashboard/byNamespace`."""

    workloads: Annotated[list[_WorkloadRow] | None, _GIVEN_UP_EARLY] = None


class CostsResponse(_ApiModel):
    """The answer of `POST /detailedCostReport/getWorkloads`."""

    aggregated_workloads: Annotated[list[_CostRow] | None, _GIVEN_UP_EARLY] = None


class FlagsResponse(_ApiModel):
    """The answer of `GET /api/v1/networkCost/networkCostEnabled`. Without the map nothing is known."""

    network_cost_enabled: dict[str, bool | None]


class _Destinations(_ApiModel):
    destinations: Annotated[list[_Destination] | None, _GIVEN_UP_EARLY] = None


class PoliciesResponse(_ApiModel):
    """The answer of `GET /api/v1/policies`: custom resources, kept as they are."""

    policies: Annotated[list[dict[str, JsonValue]] | None, _GIVEN_UP_EARLY] = None


def _wrap(answer: object) -> object:
    """Take a bare array for the object that should hold it: both forms are seen, and null for no network at all."""
    return {"destinations": answer} if answer is None or isinstance(answer, list) else answer


NetworkAnswer: TypeAlias = Annotated[_Destinations, BeforeValidator(_wrap)]

WORKLOADS: TypeAdapter[WorkloadsResponse] = TypeAdapter(WorkloadsResponse)
COSTS: TypeAdapter[CostsResponse] = TypeAdapter(CostsResponse)
FLAGS: TypeAdapter[FlagsResponse] = TypeAdapter(FlagsResponse)
NETWORK: TypeAdapter[_Destinations] = TypeAdapter(NetworkAnswer)
POLICIES: TypeAdapter[PoliciesResponse] = TypeAdapter(PoliciesResponse)


def workloads_in(answer: WorkloadsResponse) -> tuple[Workload, ...]:
    """Answer the workloads of a list, in its order."""
    return tuple(_workload(row) for row in answer.workloads or ())


def cost_rows_in(answer: CostsResponse) -> tuple[CostRow, ...]:
    """Answer the cost rows, in their order. A row without an id belongs to no workload and is left out."""
    return tuple(
        CostRow(
            id=row.id,
            workload_name=row.workload_name,
            total_cost=row.total_cost,
            hourly_cost=row.hourly_cost,
            spot_percent=row.spot_percent,
            on_demand_percent=row.on_demand_percent,
            savings_available=row.savings_available,
        )
        for row in answer.aggregated_workloads or ()
        if row.id is not None
    )


def flags_in(answer: FlagsResponse) -> dict[str, bool]:
    """Answer which cluster's network is watched."""
    return {cluster: bool(enabled) for cluster, enabled in answer.network_cost_enabled.items()}


def destinations_in(answer: _Destinations) -> tuple[Destination, ...]:
    """Answer the peers of a workload, in their order."""
    return tuple(
        Destination(
            name=row.name,
            namespace=row.namespace,
            workload_type=row.workload_type,
            replicas=row.replicas,
            total_cost=_flow(row.total_cost),
            intra_az_cost=_flow(row.intra_az_cost),
            cross_az_cost=_flow(row.cross_az_cost),
            total_traffic=_flow(row.total_traffic),
            intra_az_traffic=_flow(row.intra_az_traffic),
            cross_az_traffic=_flow(row.cross_az_traffic),
        )
        for row in answer.destinations or ()
    )


def policies_in(answer: PoliciesResponse) -> tuple[PolicyDefinition, ...]:
    """Answer the policies that have a name, in their order."""
    return tuple(
        PolicyDefinition(name=name, definition=resource)
        for resource in answer.policies or ()
        if isinstance(metadata := resource.get("metadata"), dict) and isinstance(name := metadata.get("name"), str)
    )


def _workload(row: _WorkloadRow) -> Workload:
    return Workload(
        key=WorkloadKey(cluster=row.cluster_name, namespace=row.namespace, type=row.type, name=row.workload_name),
        id=row.id,
        policy_name=row.policy_name,
        automated=row.auto,
        under_provisioned=row.is_under_provisioned,
        over_provisioned=row.is_over_provisioned,
        replicas=row.replicas,
        cpu_request_millicores=row.cpu_requests,
        cpu_recommended_millicores=row.cpu_recommended,
        memory_request_bytes=row.mem_requests,
        memory_recommended_bytes=row.mem_recommended,
        savings_available_per_month=row.savings_available,
        active_savings_per_month=row.active_savings,
        oom_kills_24h=row.oom_count,
    )


def _flow(flow: _Flow | None) -> Flow | None:
    return None if flow is None else Flow(total=flow.total, egress=flow.egress, ingress=flow.ingress)
