"""Parses the JSON of ScaleOps into `domain.workload`: only the fields used, missing ones as None, money as exact Decimal.

A value that is not a list where a list is expected is an error. A list that is null or missing is empty: ScaleOps sends that when
nothing matches.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.alias_generators import to_camel

from domain.workload import CostRow, Destination, Flow, PolicyDefinition, Workload, WorkloadKey

_FAIL_FAST: Final = Field(fail_fast=True)
"""Stops at the first invalid row: describing a hundred thousand errors takes seconds, and one is reported."""


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
    """The response of `POST /api/v1/dashboard/byNamespace`."""

    workloads: Annotated[list[_WorkloadRow] | None, _FAIL_FAST] = None


class CostsResponse(_ApiModel):
    """The response of `POST /detailedCostReport/getWorkloads`."""

    aggregated_workloads: Annotated[list[_CostRow] | None, _FAIL_FAST] = None


class FlagsResponse(_ApiModel):
    """The response of `GET /api/v1/networkCost/networkCostEnabled`. The map is required: without it nothing is known."""

    network_cost_enabled: dict[str, bool | None]


class _NetworkResponse(_ApiModel):
    destinations: Annotated[list[_Destination] | None, _FAIL_FAST] = None


class PoliciesResponse(_ApiModel):
    """The response of `GET /api/v1/policies`: custom resources, unchanged."""

    policies: Annotated[list[dict[str, JsonValue]] | None, _FAIL_FAST] = None


def _wrap(response: object) -> object:
    """Accept a bare array, and null for no traffic, in place of the object."""
    return {"destinations": response} if response is None or isinstance(response, list) else response


WORKLOADS: TypeAdapter[WorkloadsResponse] = TypeAdapter(WorkloadsResponse)
COSTS: TypeAdapter[CostsResponse] = TypeAdapter(CostsResponse)
FLAGS: TypeAdapter[FlagsResponse] = TypeAdapter(FlagsResponse)
NETWORK: TypeAdapter[_NetworkResponse] = TypeAdapter(Annotated[_NetworkResponse, BeforeValidator(_wrap)])
POLICIES: TypeAdapter[PoliciesResponse] = TypeAdapter(PoliciesResponse)


def to_workloads(response: WorkloadsResponse) -> tuple[Workload, ...]:
    """Return the workloads in their order."""
    return tuple(_workload(row) for row in response.workloads or ())


def to_cost_rows(response: CostsResponse) -> tuple[CostRow, ...]:
    """Return the cost rows in their order. A row without an id belongs to no workload and is dropped."""
    return tuple(
        CostRow(**dict(row))  # the fields have the same names
        for row in response.aggregated_workloads or ()
        if row.id is not None
    )


def to_flags(response: FlagsResponse) -> dict[str, bool]:
    """Return for each cluster whether its network is monitored."""
    return {cluster: bool(enabled) for cluster, enabled in response.network_cost_enabled.items()}


def to_destinations(response: _NetworkResponse) -> tuple[Destination, ...]:
    """Return the destinations in their order."""
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
        for row in response.destinations or ()
    )


def to_policies(response: PoliciesResponse) -> tuple[PolicyDefinition, ...]:
    """Return the policies that have a name, in their order."""
    return tuple(
        PolicyDefinition(name=name, definition=resource)
        for resource in response.policies or ()
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
