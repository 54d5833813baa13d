"""Cost changes between two closing snapshots (like for like, added, removed, not comparable).

A workload counts once, however many components own it.
Cost is for 7 days, savings are per month of 720 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.refs import EntityRef
from domain.workload import WorkloadKey

ZERO = Decimal(0)


class CostComparison(StrEnum):
    """How the two costs of a workload compare."""

    LIKE_FOR_LIKE = "like for like"
    ADDED = "added"
    REMOVED = "removed"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadChange:
    """One workload in both snapshots."""

    key: WorkloadKey
    components: tuple[EntityRef, ...]
    comparison: CostComparison
    then: Decimal | None
    """Cost for 7 days; None if unknown or absent."""
    now: Decimal | None

    @property
    def amount(self) -> Decimal:
        """Its part of the difference of the totals."""
        return (self.now or ZERO) - (self.then or ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonGroup:
    """All changes of one comparison: their number, and their part of the difference of the totals."""

    workloads: int = 0
    amount: Decimal = ZERO


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """The changes between two closing snapshots.

    Counting an unknown total as zero: total now - total then = like for like + added + removed + not comparable;
    `removed` is negative or zero.
    """

    then_as_of: datetime
    now_as_of: datetime
    changes: tuple[WorkloadChange, ...]
    """Every workload of either snapshot, by key."""
    like_for_like_then: Decimal
    groups: Mapping[CostComparison, ComparisonGroup] = field(default_factory=dict)

    def group(self, comparison: CostComparison) -> ComparisonGroup:
        """Return the sum of one comparison."""
        return self.groups.get(comparison, ComparisonGroup())

    @property
    def like_for_like_share(self) -> Decimal | None:
        """The like-for-like change as a share of its cost then; None if that was zero."""
        if self.like_for_like_then == 0:
            return None
        return self.group(CostComparison.LIKE_FOR_LIKE).amount / self.like_for_like_then

    def of(self, comparison: CostComparison) -> tuple[WorkloadChange, ...]:
        """Return the changes of one comparison, largest first."""
        chosen = [change for change in self.changes if change.comparison is comparison]
        return tuple(sorted(chosen, key=lambda change: (-abs(change.amount), change.key)))

    @property
    def movers(self) -> tuple[WorkloadChange, ...]:
        """Like-for-like workloads whose cost changed, largest change first."""
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
    elif cost_now is not None and then.is_confirmed_absent(key, claimed_now):
        comparison = CostComparison.ADDED
    elif cost_then is not None and now.is_confirmed_absent(key, claimed_then):
        comparison = CostComparison.REMOVED
    else:
        comparison = CostComparison.NOT_COMPARABLE
    return WorkloadChange(key=key, components=claimed_now or claimed_then, comparison=comparison, then=cost_then, now=cost_now)


def _cost(closing: ClosingPoint, key: WorkloadKey) -> Decimal | None:
    point = closing.points.get(key)
    if point is None or isinstance(point.cost_7d, Unknown):
        return None
    return point.cost_7d
