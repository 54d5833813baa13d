"""Parses the JSON of ScaleOps into `domain.workload`: only the fields used, missing ones as None, money as exact Decimal.

A value that is not a list where a list is expected is an error. A list that is null or missing is empty: ScaleOps sends that when
nothing matches.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.alias_generators import to_camel, to_pascal

from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

_FAIL_FAST: Final = Field(fail_fast=True)
"""Stops at the first invalid row: describing a hundred thousand errors takes seconds, and one is reported."""


def _destination_field(name: str) -> str:
    if name in {"name", "namespace", "workload_type"}:
        return to_pascal(name)
    return to_camel(name).replace("Az", "AZ")


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


class WorkloadsResponse(_ApiModel):
    """The response of `POST /api/v1/dashboard/byNamespace`."""

    workloads: Annotated[list[_WorkloadRow] | None, _FAIL_FAST] = None


def _drop_rows_without_id(rows: object) -> object:
    """Drop the cost rows that belong to no workload."""
    return [row for row in rows if not isinstance(row, dict) or row.get("id") is not None] if isinstance(rows, list) else rows


class CostsResponse(_ApiModel):
    """The response of `POST /detailedCostReport/getWorkloads`."""

    aggregated_workloads: Annotated[list[CostRow] | None, _FAIL_FAST, BeforeValidator(_drop_rows_without_id)] = None


class FlagsResponse(_ApiModel):
    """The response of `GET /api/v1/networkCost/networkCostEnabled`. The map is required: without it nothing is known."""

    network_cost_enabled: dict[str, bool | None]


class _NetworkResponse(_ApiModel):
    model_config = ConfigDict(alias_generator=_destination_field)

    destinations: Annotated[list[Destination] | None, _FAIL_FAST] = None


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
    """Return the cost rows in their order."""
    return tuple(response.aggregated_workloads or ())


def to_flags(response: FlagsResponse) -> dict[str, bool]:
    """Return for each cluster whether its network is monitored."""
    return {cluster: bool(enabled) for cluster, enabled in response.network_cost_enabled.items()}


def to_destinations(response: _NetworkResponse) -> tuple[Destination, ...]:
    """Return the destinations in their order."""
    return tuple(response.destinations or ())


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
