"""The closing snapshots of a week for a set of components: their workloads, each counted once, and the sums.

A component that could not be measured never makes a sum complete or smaller: its last known workloads are unknown parts, and a
component of which no workload is known is one unknown part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Protocol, TypeVar

from domain.figures import is_blank
from domain.measures import Measured, Total, Unknown, is_known, total_of
from domain.refs import EntityRef
from domain.snapshots import TOTALS, Measurement, Outcome, SeriesPoint, WorkloadPoint
from domain.workload import WorkloadKey


class SummedPoint(Protocol):
    """What the sums need of a workload in one sweep."""

    @property
    def as_of(self) -> datetime: ...  # noqa: D102 - fields of a WorkloadPoint
    @property
    def key(self) -> WorkloadKey: ...  # noqa: D102
    @property
    def cost_7d(self) -> Measured[Decimal]: ...  # noqa: D102
    @property
    def savings_available_per_month(self) -> Measured[Decimal]: ...  # noqa: D102
    @property
    def active_savings_per_month(self) -> Measured[Decimal]: ...  # noqa: D102


P = TypeVar("P", bound=SummedPoint)


def count_once(points: Iterable[P]) -> Mapping[WorkloadKey, P]:
    """Return every workload once: of several points the newest with a known cost, else the newest."""
    chosen: dict[WorkloadKey, P] = {}
    for point in points:
        seen = chosen.get(point.key)
        if seen is None or (is_known(seen.cost_7d), seen.as_of) < (is_known(point.cost_7d), point.as_of):
            chosen[point.key] = point
    return chosen


def sum_points(points: Collection[SummedPoint], *, unknown: Collection[str], without_workloads: int) -> Mapping[str, Total]:
    """Return the sums over workloads, by the name of their measure.

    Args:
        points: every workload once.
        unknown: why components could not be measured, one reason each.
        without_workloads: how many of these have no known workload.
    """
    reason = Unknown(next(iter(unknown), ""))
    missing = [reason] * without_workloads
    sums = {name: total_of([*missing, *(getattr(point, name) for point in points)]) for name in TOTALS}
    if not unknown:
        return sums
    return {name: total if is_known(total.amount) else replace(total, amount=reason) for name, total in sums.items()}


@dataclass(frozen=True, kw_only=True)
class ClosingPoint:
    """The closing snapshots of a set of components: of one team, or of all."""

    as_of: datetime
    """As-of of the newest of them."""
    measurements: tuple[Measurement, ...]
    listing_complete: bool = True
    """False: the catalog listing was incomplete, so a component without a snapshot may exist."""
    owned_elsewhere: Mapping[WorkloadKey, EntityRef] = field(default_factory=dict)
    """Workloads of another closing snapshot that belonged to another owner at this one, with that owner."""

    @cached_property
    def points(self) -> Mapping[WorkloadKey, WorkloadPoint]:
        """Every workload once."""
        return count_once(point for measurement in self.measurements for point in measurement.points)

    @cached_property
    def claims(self) -> Mapping[WorkloadKey, tuple[EntityRef, ...]]:
        """The components that own each workload, by reference."""
        claims: dict[WorkloadKey, set[EntityRef]] = {}
        for measurement in self.measurements:
            for point in measurement.points:
                claims.setdefault(point.key, set()).add(measurement.snapshot.ref)
        return {key: tuple(sorted(refs)) for key, refs in claims.items()}

    @cached_property
    def outcomes(self) -> Mapping[EntityRef, Outcome]:
        """The outcome of each component."""
        return {measurement.snapshot.ref: measurement.snapshot.outcome for measurement in self.measurements}

    @cached_property
    def unknown(self) -> Mapping[EntityRef, str]:
        """The components that could not be measured, and why."""
        snapshots = (measurement.snapshot for measurement in self.measurements)
        return {snapshot.ref: snapshot.reason for snapshot in snapshots if snapshot.outcome is Outcome.UNKNOWN}

    @cached_property
    def as_ofs(self) -> Mapping[datetime, tuple[EntityRef, ...]]:
        """The measured components by the as-of of their snapshot, oldest first."""
        found: dict[datetime, list[EntityRef]] = {}
        for measurement in sorted(self.measurements, key=lambda one: (one.snapshot.as_of, one.snapshot.ref)):
            if measurement.snapshot.outcome is Outcome.MEASURED:
                found.setdefault(measurement.snapshot.as_of, []).append(measurement.snapshot.ref)
        return {as_of: tuple(refs) for as_of, refs in found.items()}

    @cached_property
    def lost_clusters(self) -> frozenset[str]:
        """Clusters of which nothing was measured, though components with workloads there were."""
        points = [
            point
            for measurement in self.measurements
            if measurement.snapshot.outcome is Outcome.MEASURED
            for point in measurement.points
        ]
        return frozenset({one.key.cluster for one in points} - {one.key.cluster for one in points if not is_blank(one)})

    @property
    def is_complete(self) -> bool:
        """True if every component was listed and measured."""
        return self.listing_complete and not self.unknown

    @property
    def claimed_twice(self) -> int:
        """Number of workloads that several components own."""
        return sum(1 for refs in self.claims.values() if len(refs) > 1)

    @property
    def without_workloads(self) -> int:
        """Number of components that could not be measured and have no known workloads."""
        return sum(1 for one in self.measurements if one.snapshot.outcome is Outcome.UNKNOWN and not one.points)

    @cached_property
    def totals(self) -> Mapping[str, Total]:
        """The sums over all workloads, each counted once, by the name of their measure."""
        return sum_points(self.points.values(), unknown=self.unknown.values(), without_workloads=self.without_workloads)

    @property
    def series_point(self) -> SeriesPoint:
        """The sums, with how many components were measured."""
        unknown = len(self.unknown)
        return SeriesPoint(as_of=self.as_of, measured=len(self.measurements) - unknown, unknown=unknown, **self.totals)

    @property
    def cost_7d(self) -> Total:
        """Cost of all workloads, each counted once."""
        return self.totals["cost_7d"]

    @property
    def savings_available_per_month(self) -> Total:
        """Savings that ScaleOps could still make."""
        return self.totals["savings_available_per_month"]

    @property
    def realised_savings_per_month(self) -> Total:
        """Savings that ScaleOps makes already: its `activeSavings`."""
        return self.totals["active_savings_per_month"]

    @cached_property
    def _with_unreadable_rows(self) -> frozenset[EntityRef]:
        """Components of which ScaleOps sent rows that could not be read: any of their workloads may be behind one."""
        return frozenset(ref for key, refs in self.claims.items() if not key.is_identified for ref in refs)

    def is_confirmed_absent(self, key: WorkloadKey, owners: Iterable[EntityRef]) -> bool:
        """Return True if a workload certainly did not exist.

        That is so if its cluster was not lost, and each component that owns it in the other snapshot was measured in this one, or
        was missing in a complete catalog listing.
        """
        owners = tuple(owners)
        if key in self.points or key.cluster in self.lost_clusters or not self._with_unreadable_rows.isdisjoint(owners):
            return False
        return all(
            self.listing_complete if ref not in self.outcomes else self.outcomes[ref] is Outcome.MEASURED for ref in owners
        )
