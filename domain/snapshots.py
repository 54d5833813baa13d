"""Measurements of one sweep: a point per workload, a snapshot per component."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from domain.advice import Issue, IssuePriority, attainable_savings, known_issue, must_keep_memory
from domain.measures import Measured, Total, Unknown, is_known, known_or, total_of
from domain.refs import EntityRef
from domain.workload import WorkloadKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkUse:
    """Network of one workload over the 168 hours before the sweep. Traffic in bytes."""

    cost: Measured[Decimal]
    cross_az_cost: Measured[Decimal]
    cross_az_traffic_bytes: Measured[Decimal]


@dataclass(frozen=True, slots=True)
class NetworkOff:
    """ScaleOps does not monitor the network of this workload's cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPoint:
    """One workload in one sweep. Cost is for the 7 days to `as_of`, savings are per month of 720 hours."""

    as_of: datetime
    key: WorkloadKey
    policy_name: str | None
    """None: the workload has no policy."""
    automated: Measured[bool]
    under_provisioned: Measured[bool]
    over_provisioned: Measured[bool]
    replicas: Measured[int]
    cpu_request_millicores: Measured[float]
    cpu_recommended_millicores: Measured[float]
    memory_request_bytes: Measured[float]
    memory_recommended_bytes: Measured[float]
    cost_7d: Measured[Decimal]
    savings_available_per_month: Measured[Decimal]
    active_savings_per_month: Measured[Decimal]
    oom_kills_24h: Measured[int]
    pod_hours_7d: Measured[float]
    spot_hours_7d: Measured[float]
    """Those of the pod-hours that ran on spot nodes."""
    network: Measured[NetworkUse | NetworkOff]
    network_as_of: datetime | None = None
    """The sweep whose network figures these are: this one, or one less than a day before it. None: nothing was measured."""
    listed_since: datetime | None = None
    """The first of the sweeps that listed it without a gap; None until its sweep is closed."""
    appeared: bool = False
    """An earlier sweep did not list it. False: the very first sweep listed it, so that it may be older."""
    mean_cpu_request_millicores: float | None = None
    """Per pod, the mean of the sweeps in the 7 days to `as_of`; None until its sweep is closed, or if none knew it."""
    mean_memory_request_bytes: float | None = None

    def __post_init__(self) -> None:
        """Drop savings that cannot be had, so that no sum or sentence counts them."""
        attainable = attainable_savings(self.savings_available_per_month, under_provisioned=self.under_provisioned)
        object.__setattr__(self, "savings_available_per_month", attainable)

    @property
    def issue(self) -> tuple[Issue, IssuePriority] | Unknown | None:
        """What is wrong with it, and how urgent that is; None if nothing is.

        Unknown where a flag that is not known would make a difference, or where it would be a danger to follow it.
        """
        found = known_issue(
            under_provisioned=self.under_provisioned, over_provisioned=self.over_provisioned, automated=self.automated
        )
        is_lowered = isinstance(found, tuple) and found[0] is not Issue.UNDER_PROVISIONED
        return Unknown(KILLS_UNKNOWN) if is_lowered and self.may_need_memory else found

    @property
    def may_need_memory(self) -> bool:
        """True if ScaleOps recommends less memory and it is not known whether it was OOM-killed."""
        return self.keeps_memory and isinstance(self.oom_kills_24h, Unknown)

    @property
    def keeps_memory(self) -> bool:
        """True if ScaleOps recommends less memory although it was OOM-killed, or may have been."""
        return must_keep_memory(
            oom_kills=known_or(self.oom_kills_24h, None),
            memory_request=known_or(self.memory_request_bytes, None),
            memory_recommended=known_or(self.memory_recommended_bytes, None),
        )

    @property
    def advised_memory_bytes(self) -> Measured[float]:
        """The memory to request: as ScaleOps recommends, and never less after an OOM kill."""
        return self.memory_request_bytes if self.keeps_memory else self.memory_recommended_bytes

    @property
    def advised_savings_per_month(self) -> Measured[Decimal]:
        """The savings of what is advised: none while it must keep its memory."""
        return Decimal(0) if self.keeps_memory else self.savings_available_per_month

    @classmethod
    def unmeasured(cls, *, as_of: datetime, key: WorkloadKey, reason: str) -> WorkloadPoint:
        """Return the point of a known workload of which this sweep measured nothing."""
        measures: dict[str, Any] = dict.fromkeys((*MEASURES, "network"), Unknown(reason))
        return cls(as_of=as_of, key=key, policy_name=None, **measures)


SET_WHEN_CLOSED: Final = ("listed_since", "appeared", "mean_cpu_request_millicores", "mean_memory_request_bytes")
"""Fields of a point that are known when its sweep is closed, from the sweeps before it."""
_OTHER_FIELDS: Final = frozenset({"as_of", "key", "policy_name", "network", "network_as_of", *SET_WHEN_CLOSED})
MEASURES: Final = tuple(one.name for one in fields(WorkloadPoint) if one.name not in _OTHER_FIELDS)
"""Fields of a point that hold one measured value each."""
KILLS_UNKNOWN: Final = "whether it was OOM-killed is not known, and ScaleOps recommends less memory"
TOTALS: Final = ("cost_7d", "savings_available_per_month", "active_savings_per_month")
"""Measures that are summed over points."""


def totals_of(points: Collection[WorkloadPoint]) -> dict[str, Total]:
    """Return the sums over points, by the name of their measure."""
    return {name: total_of(getattr(point, name) for point in points) for name in TOTALS}


class Outcome(StrEnum):
    """The outcome of a component in a sweep."""

    MEASURED = "measured"
    """Its workloads were listed, though some numbers may be missing."""
    UNKNOWN = "unknown"
    """Its workloads could not be listed; the snapshot says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One component in one sweep. `workloads` include those of a lost cluster."""

    ref: EntityRef
    as_of: datetime
    team: EntityRef
    """Its owner then."""
    outcome: Outcome
    reason: str
    """Why it is unknown; empty when measured."""
    warnings: tuple[str, ...]
    """For its owner, by cause and never by workload: selector parts that cannot be sent, rows that could not be read."""
    workloads: tuple[WorkloadKey, ...]
    cost_7d: Total
    savings_available_per_month: Total
    active_savings_per_month: Total
    bulk_clusters: tuple[str, ...] = field(default=(), compare=False)
    """Clusters whose costs are from a bulk response: how they were fetched, and no part of what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A snapshot with its points."""

    snapshot: Snapshot
    points: tuple[WorkloadPoint, ...]

    def with_unmeasured(self, keys: Iterable[WorkloadKey], *, reason: str) -> Measurement:
        """Return a copy with known workloads of which nothing was measured; totals count them as unknown.

        Without any workload it is returned as it is: the sums of nothing are zero, those of an unknown component are not.
        """
        measured = {point.key for point in self.points}
        added = [
            WorkloadPoint.unmeasured(as_of=self.snapshot.as_of, key=key, reason=reason) for key in keys if key not in measured
        ]
        if not added:
            return self
        points = tuple(sorted((*self.points, *added), key=lambda point: point.key))
        totals: dict[str, Any] = totals_of(points)
        snapshot = replace(self.snapshot, workloads=tuple(point.key for point in points), **totals)
        return Measurement(snapshot=snapshot, points=points)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One sweep in the history of a component, a team or the platform. Each workload counts once."""

    as_of: datetime
    cost_7d: Total
    savings_available_per_month: Total
    active_savings_per_month: Total
    measured: int
    """Number of measured components."""
    unknown: int
    """Number of unknown components."""

    @classmethod
    def of_component(cls, snapshot: Snapshot) -> SeriesPoint:
        """Return the point of one component."""
        measured = snapshot.outcome is Outcome.MEASURED
        totals = {name: getattr(snapshot, name) for name in TOTALS}
        return cls(as_of=snapshot.as_of, measured=int(measured), unknown=int(not measured), **totals)

    @property
    def counts(self) -> tuple[int, int] | tuple[None, None]:
        """Workloads with a known cost, and all of them. None twice if no component was measured: the totals then count what was last known."""
        return self.cost_7d.counts if self.measured else (None, None)

    @property
    def is_complete(self) -> bool:
        """True if every component was measured, and the cost of each workload is known."""
        return not self.unknown and self.cost_7d.is_complete and is_known(self.cost_7d.amount)
