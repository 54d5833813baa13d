"""What changed between two closing snapshots, and over the weeks: like for like, added, removed, not comparable.

Everything works on sets of measurements, one a component. A workload counts once, however many components claim it.
Cost is for 7 days, savings are per month of 720 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from domain.measures import Measured, Total, Unknown, is_known, total_of
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, WorkloadPoint
from domain.workload import WorkloadKey

ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class ClosingPoint:
    """What one closing sweep measured of a set of components: of one team, or of all."""

    as_of: datetime
    measurements: tuple[Measurement, ...]
    listing_complete: bool = True
    """False: the catalog could not be listed whole, so a component without a snapshot is not known to be absent."""

    @cached_property
    def points(self) -> Mapping[WorkloadKey, WorkloadPoint]:
        """Every workload once."""
        points: dict[WorkloadKey, WorkloadPoint] = {}
        for measurement in self.measurements:
            for point in measurement.points:
                seen = points.get(point.key)
                if seen is None or (not is_known(seen.cost_7d) and is_known(point.cost_7d)):
                    points[point.key] = point
        return points

    @cached_property
    def claims(self) -> Mapping[WorkloadKey, tuple[EntityRef, ...]]:
        """Which components claim a workload, in the order of their references."""
        claims: dict[WorkloadKey, set[EntityRef]] = {}
        for measurement in self.measurements:
            for point in measurement.points:
                claims.setdefault(point.key, set()).add(measurement.snapshot.ref)
        return {key: tuple(sorted(refs)) for key, refs in claims.items()}

    @cached_property
    def outcomes(self) -> Mapping[EntityRef, Outcome]:
        """How each component came out."""
        return {measurement.snapshot.ref: measurement.snapshot.outcome for measurement in self.measurements}

    @cached_property
    def lost_clusters(self) -> frozenset[str]:
        """Clusters of which nothing at all was learned."""
        seen = {key.cluster for key in self.points}
        return frozenset(seen - {key.cluster for key, point in self.points.items() if not _is_blank(point)})

    @property
    def claimed_twice(self) -> int:
        """How many workloads more than one component claims."""
        return sum(1 for refs in self.claims.values() if len(refs) > 1)

    @property
    def cost_7d(self) -> Total:
        """Cost of every workload, counted once."""
        return total_of(point.cost_7d for point in self.points.values())

    @property
    def savings_available_per_month(self) -> Total:
        """What ScaleOps could still save."""
        return total_of(point.savings_available_per_month for point in self.points.values())

    @property
    def realised_savings_per_month(self) -> Total:
        """What ScaleOps saves already: its `activeSavings`."""
        return total_of(point.active_savings_per_month for point in self.points.values())

    def says_absent(self, key: WorkloadKey, claimers: Iterable[EntityRef]) -> bool:
        """Say whether a good answer shows that a workload was not there.

        Good means: each component that claims it at the other end was measured here, or was not in a catalog that was
        listed whole, and the workload's cluster was not lost.
        """
        if key in self.points or key.cluster in self.lost_clusters:
            return False
        return all(
            self.listing_complete if ref not in self.outcomes else self.outcomes[ref] is Outcome.MEASURED for ref in claimers
        )


def _is_blank(point: WorkloadPoint) -> bool:
    return not (
        is_known(point.cost_7d) or is_known(point.automated) or is_known(point.replicas) or is_known(point.under_provisioned)
    )


class CostComparison(StrEnum):
    """How a workload's two costs compare."""

    LIKE_FOR_LIKE = "like for like"
    ADDED = "added"
    REMOVED = "removed"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadChange:
    """One workload at both ends."""

    key: WorkloadKey
    components: tuple[EntityRef, ...]
    comparison: CostComparison
    then: Decimal | None
    """Cost for 7 days; None when not known or not there."""
    now: Decimal | None

    @property
    def amount(self) -> Decimal:
        """What it adds to the difference of the totals."""
        return (self.now or ZERO) - (self.then or ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonGroup:
    """All changes of one comparison: how many workloads, and what they add to the difference of the totals."""

    workloads: int = 0
    amount: Decimal = ZERO


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """What changed between two closing snapshots.

    Counting an unknown total as zero: total now - total then = like for like + added + removed + not comparable, in
    which the amount of `removed` is negative or zero.
    """

    then_as_of: datetime
    now_as_of: datetime
    changes: tuple[WorkloadChange, ...]
    """Every workload of either end, by key."""
    like_for_like_then: Decimal
    groups: Mapping[CostComparison, ComparisonGroup] = field(default_factory=dict)

    def group(self, comparison: CostComparison) -> ComparisonGroup:
        """Answer the sum of one comparison."""
        return self.groups.get(comparison, ComparisonGroup())

    @property
    def like_for_like_share(self) -> Decimal | None:
        """The like-for-like change as a share of its cost then; None when that was nothing."""
        if self.like_for_like_then == 0:
            return None
        return self.group(CostComparison.LIKE_FOR_LIKE).amount / self.like_for_like_then

    def of(self, comparison: CostComparison) -> tuple[WorkloadChange, ...]:
        """Answer the changes of one comparison, the largest first."""
        chosen = [change for change in self.changes if change.comparison is comparison]
        return tuple(sorted(chosen, key=lambda change: (-abs(change.amount), change.key)))

    @property
    def movers(self) -> tuple[WorkloadChange, ...]:
        """Like-for-like workloads whose cost moved, the largest move first."""
        return tuple(change for change in self.of(CostComparison.LIKE_FOR_LIKE) if change.amount != 0)


def compare(now: ClosingPoint, then: ClosingPoint) -> CostChange:
    """Compare the costs of two closing snapshots, workload by workload."""
    changes = tuple(_change_of(key, now, then) for key in sorted(now.points.keys() | then.points.keys()))
    groups: dict[CostComparison, ComparisonGroup] = {}
    for change in changes:
        before = groups.get(change.comparison, ComparisonGroup())
        groups[change.comparison] = ComparisonGroup(workloads=before.workloads + 1, amount=before.amount + change.amount)
    like_for_like_then = sum((c.then or ZERO for c in changes if c.comparison is CostComparison.LIKE_FOR_LIKE), ZERO)
    return CostChange(
        then_as_of=then.as_of, now_as_of=now.as_of, changes=changes, like_for_like_then=like_for_like_then, groups=groups
    )


def _change_of(key: WorkloadKey, now: ClosingPoint, then: ClosingPoint) -> WorkloadChange:
    cost_now, cost_then = _cost(now, key), _cost(then, key)
    claimed_now, claimed_then = now.claims.get(key, ()), then.claims.get(key, ())
    if cost_now is not None and cost_then is not None:
        comparison = CostComparison.LIKE_FOR_LIKE
    elif cost_now is not None and then.says_absent(key, claimed_now):
        comparison = CostComparison.ADDED
    elif cost_then is not None and now.says_absent(key, claimed_then):
        comparison = CostComparison.REMOVED
    else:
        comparison = CostComparison.NOT_COMPARABLE
    return WorkloadChange(key=key, components=claimed_now or claimed_then, comparison=comparison, then=cost_then, now=cost_now)


def _cost(closing: ClosingPoint, key: WorkloadKey) -> Decimal | None:
    point = closing.points.get(key)
    if point is None or isinstance(point.cost_7d, Unknown):
        return None
    return point.cost_7d


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthToDate:
    """Cost of the elapsed days of a month: each day's last 7-day cost, divided by 7."""

    amount: Measured[Decimal]
    known_days: int
    days: int


def month_to_date(daily_cost_7d: Mapping[date, Measured[Decimal]], *, through: date) -> MonthToDate:
    """Add up the month that `through` lies in, from its first day to `through`.

    A day that was not measured counts as nothing and lowers the coverage.
    """
    day = through.replace(day=1)
    parts: list[Measured[Decimal]] = []
    while day <= through:
        cost = daily_cost_7d.get(day, Unknown("not measured that day"))
        parts.append(cost if isinstance(cost, Unknown) else cost / 7)
        day += timedelta(days=1)
    total = total_of(parts)
    return MonthToDate(amount=total.amount, known_days=total.known, days=total.parts)
