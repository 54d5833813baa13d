"""A Kubernetes workload as ScaleOps describes it.

Sources: the fields of `POST /api/v1/dashboard/byNamespace`, `POST /detailedCostReport/getWorkloads` and
`GET /api/v1/workload-network`. `None` means that upstream left the value out or sent null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.messages import Json


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class WorkloadKey:
    """The identity of a workload. Its name may recur in other clusters, namespaces and types."""

    cluster: str
    namespace: str
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.type}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One row of the workload list. Requests and recommendations are per pod; savings are per month of 720 hours."""

    key: WorkloadKey
    id: str | None
    policy_name: str | None
    automated: bool | None
    under_provisioned: bool | None
    over_provisioned: bool | None
    replicas: int | None
    cpu_request_millicores: float | None
    cpu_recommended_millicores: float | None
    memory_request_bytes: float | None
    memory_recommended_bytes: float | None
    savings_available_per_month: Decimal | None
    active_savings_per_month: Decimal | None
    oom_kills_24h: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One row of the cost report of one cluster. Money is for the requested range; percents are 0 to 100.

    The row has neither cluster nor namespace; `id` equals a workload's id, ignoring case.
    """

    id: str
    workload_name: str | None = None
    total_cost: Decimal | None = None
    hourly_cost: Decimal | None = None
    spot_percent: float | None = None
    on_demand_percent: float | None = None
    savings_available: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Total, outgoing and incoming; money over the requested window, or bytes."""

    total: Decimal | None = None
    egress: Decimal | None = None
    ingress: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One network peer of a workload."""

    name: str | None = None
    namespace: str | None = None
    workload_type: str | None = None
    replicas: int | None = None
    total_cost: Flow | None = None
    intra_az_cost: Flow | None = None
    cross_az_cost: Flow | None = None
    total_traffic: Flow | None = None
    intra_az_traffic: Flow | None = None
    cross_az_traffic: Flow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDefinition:
    """A ScaleOps Policy custom resource of one cluster: its name, and the resource unchanged."""

    name: str
    definition: Mapping[str, Json]
