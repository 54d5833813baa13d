"""A Kubernetes workload as ScaleOps describes it.

Sources: the fields of `POST /api/v1/dashboard/byNamespace`, `POST /detailedCostReport/getWorkloads` and
`GET /api/v1/workload-network`. `None` means that upstream left the value out, sent null, or
sent something that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self, TypeVar

from domain.messages import Json

T = TypeVar("T")

UNREADABLE: Final = "(unreadable)"
"""Begins every part of a key that could not be read. No name of Kubernetes has parentheses."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class WorkloadKey:
    """The identity of a workload. Its name may recur in other clusters, namespaces and types."""

    cluster: str
    namespace: str
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.type}/{self.name}"

    @property
    def is_identified(self) -> bool:
        """False: it takes the place of a workload whose identity could not be read."""
        return not self.name.startswith(UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideRow:
    """A row of a response that could not be read, and why. It costs no other row."""

    label: str
    """Its position and, if that can be read, its name or id."""
    reason: str
    cluster: str | None = None
    """None: not readable."""
    namespace: str | None = None
    type: str | None = None

    def __str__(self) -> str:
        return f"{self.label}: {self.reason}"

    def key_for(self, owner: object) -> WorkloadKey:
        """Return a key that takes the place of the row's workload among those of its owner."""
        return WorkloadKey(
            cluster=self.cluster or UNREADABLE,
            namespace=self.namespace or UNREADABLE,
            type=self.type or UNREADABLE,
            name=f"{UNREADABLE} {self.label} of {owner}",
        )


class Rows(tuple[T, ...]):  # noqa: SLOT001 - a tuple of any length has no room for slots
    """The rows of one response that could be read. `set_aside` are the others."""

    set_aside: tuple[SetAsideRow, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[T], set_aside: Iterable[SetAsideRow]) -> Self:
        """Build from both kinds."""
        found = cls(rows)
        found.set_aside = tuple(set_aside)
        return found


def set_aside_of(rows: tuple[object, ...]) -> tuple[SetAsideRow, ...]:
    """Return the rows of a response that could not be read."""
    return rows.set_aside if isinstance(rows, Rows) else ()


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
    unreadable: tuple[str, ...] = ()
    """Upstream names of the fields that were sent in a form that cannot be read; their values are None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One row of the cost report of one cluster. Money is for the requested range; percents are 0 to 100.

    The row has neither cluster nor namespace; `id` equals a workload's id, ignoring case.
    """

    id: str
    workload_name: str | None = None
    total_cost: Decimal | None = None
    hourly_cost: Decimal | None = None
    spot_hours: float | None = None
    """Pod-hours on spot nodes."""
    spot_percent: float | None = None
    on_demand_hours: float | None = None
    on_demand_percent: float | None = None
    savings_available: Decimal | None = None
    unreadable: tuple[str, ...] = ()
    """As in a workload."""

    @property
    def pod_hours(self) -> float | None:
        """Pod-hours in the range: 3 pods over 7 days are 504."""
        if self.spot_hours is None or self.on_demand_hours is None:
            return None
        return self.spot_hours + self.on_demand_hours


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
