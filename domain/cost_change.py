"""Cost changes between two closing snapshots: like for like, and the parts that are not.

Cost is a sum over the 7 days before a snapshot, so a workload deployed in the middle of them costs more a week later although nothing
changed. Like for like are therefore only workloads that existed during the whole of both windows:

    known cost in both ──┬── existed throughout ────────────────────> like for like
                         ├── ran for only a part of the week before ─> ramping in
                         └── stopped in one of the two weeks ────────> ramping out
    known cost in one ───┬── another owner had it in the other ─────> moved
                         └── certainly absent from the other ────────> added, removed
    anything else ───────────────────────────────────────────────────> not comparable

Every workload is in exactly one part, so the parts add up to the difference of the totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from domain.closing_point import ClosingPoint
from domain.measures import Measured, Unknown, is_known, known_or
from domain.money import WEEK_HOURS, change_share
from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.workload import WorkloadKey

ZERO: Final = Decimal(0)
WINDOW: Final = timedelta(hours=WEEK_HOURS)
_SECOND: Final = timedelta(seconds=1)
_FULL: Final = 0.995
"""Share of the pod-hours of a week that counts as all of them: sampling loses some minutes."""


class CostComparison(StrEnum):
    """How the two costs of a workload compare."""

    LIKE_FOR_LIKE = "like for like"
    ADDED = "added"
    REMOVED = "removed"
    RAMPING_IN = "ramping in"
    RAMPING_OUT = "ramping out"
    MOVED = "moved"
    NOT_COMPARABLE = "not comparable"


class ComparedPoint(Protocol):
    """What the comparison of two costs needs of a workload in one sweep."""

    @property
    def as_of(self) -> datetime: ...  # noqa: D102 - fields of a WorkloadPoint
    @property
    def cost_7d(self) -> Measured[Decimal]: ...  # noqa: D102
    @property
    def replicas(self) -> Measured[int]: ...  # noqa: D102
    @property
    def pod_hours_7d(self) -> Measured[float]: ...  # noqa: D102
    @property
    def listed_since(self) -> datetime | None: ...  # noqa: D102
    @property
    def appeared(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class LikeForLike:
    """The like-for-like change of a cost for 7 days, and what the same workloads cost before."""

    amount: Decimal
    cost_then: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadChange:
    """One workload in both snapshots."""

    key: WorkloadKey
    components: tuple[EntityRef, ...]
    comparison: CostComparison
    then: Decimal | None
    """Cost for 7 days; None if unknown or absent."""
    now: Decimal | None
    other_owner: EntityRef | None = None
    """The owner that a moved workload came from or went to."""

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

    Counting an unknown total as zero, total now - total then is the sum of the groups.
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
    def amount(self) -> Decimal:
        """The difference of the totals."""
        return sum((group.amount for group in self.groups.values()), ZERO)

    @property
    def like_for_like(self) -> LikeForLike:
        """The like-for-like change."""
        return LikeForLike(amount=self.group(CostComparison.LIKE_FOR_LIKE).amount, cost_then=self.like_for_like_then)

    @property
    def like_for_like_share(self) -> Decimal | None:
        """The like-for-like change as a share of its cost then; None if that is no base for a percentage."""
        return change_share(self.group(CostComparison.LIKE_FOR_LIKE).amount, base=self.like_for_like_then)


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


def compare_like_for_like(now: Mapping[WorkloadKey, ComparedPoint], then: Mapping[WorkloadKey, ComparedPoint]) -> LikeForLike:
    """Return the like-for-like change that `compare` finds, without what the other parts need."""
    amount = cost_then = ZERO
    for key in now.keys() & then.keys():
        point_now, point_then = now[key], then[key]
        if not (is_known(point_now.cost_7d) and is_known(point_then.cost_7d)):
            continue
        if compare_points(point_now, point_then) is CostComparison.LIKE_FOR_LIKE:
            amount += _cost(point_now) - _cost(point_then)
            cost_then += _cost(point_then)
    return LikeForLike(amount=amount, cost_then=cost_then)


def _change_of(key: WorkloadKey, now: ClosingPoint, then: ClosingPoint) -> WorkloadChange:
    point_now, point_then = _with_cost(now, key), _with_cost(then, key)
    claimed_now, claimed_then = now.claims.get(key, ()), then.claims.get(key, ())
    other_owner = None
    if point_now is not None and point_then is not None:
        comparison = compare_points(point_now, point_then)
    elif point_now is not None and key not in then.points and key in then.owned_elsewhere:
        comparison, other_owner = CostComparison.MOVED, then.owned_elsewhere[key]
    elif point_then is not None and key not in now.points and key in now.owned_elsewhere:
        comparison, other_owner = CostComparison.MOVED, now.owned_elsewhere[key]
    elif point_now is not None and then.is_confirmed_absent(key, claimed_now):
        comparison = CostComparison.ADDED
    elif point_then is not None and now.is_confirmed_absent(key, claimed_then):
        comparison = CostComparison.REMOVED
    else:
        comparison = CostComparison.NOT_COMPARABLE
    return WorkloadChange(
        key=key,
        components=claimed_now or claimed_then,
        comparison=comparison,
        then=None if point_then is None else _cost(point_then),
        now=None if point_now is None else _cost(point_now),
        other_owner=other_owner,
    )


def compare_points(now: ComparedPoint, then: ComparedPoint) -> CostComparison:
    """Return how two known costs of one workload compare.

    A workload that was listed by the very first sweep, without pod-hours, counts as having existed: nothing says that it did not.
    """
    if _is_ramping_out(now, then):
        return CostComparison.RAMPING_OUT
    return CostComparison.RAMPING_IN if _is_ramping_in(now, then) else CostComparison.LIKE_FOR_LIKE


def _is_ramping_in(now: ComparedPoint, then: ComparedPoint) -> bool:
    """Return True if it began in one of the two windows, or was deployed again in them."""
    listed_since = now.listed_since or then.listed_since
    if listed_since is not None and listed_since <= then.as_of - WINDOW:
        return False
    if now.listed_since is not None and now.listed_since > then.as_of:
        return not _ran_in_full(now)
    if _ran_in_full(then):
        return False
    hours_now, hours_then = known_or(now.pod_hours_7d, None), known_or(then.pod_hours_7d, None)
    has_grown = hours_now is not None and hours_then is not None and hours_now > hours_then
    return now.appeared or then.appeared or has_grown


def _ran_in_full(point: ComparedPoint) -> bool:
    """Return True if its pods ran for the whole window, as far as pod-hours tell."""
    hours, replicas = known_or(point.pod_hours_7d, None), known_or(point.replicas, None)
    return hours is not None and bool(replicas) and hours >= _FULL * WEEK_HOURS * (replicas or 0)


def _is_ramping_out(now: ComparedPoint, then: ComparedPoint) -> bool:
    """Return True if it stopped in one of the two windows: it is still listed, and no pod of it is left."""
    cost_now, cost_then = _cost(now), _cost(then)
    if cost_now >= cost_then:
        return False
    if cost_now == 0:
        return True
    if known_or(now.replicas, None) != 0:
        return False
    # Without pods at both snapshots it either stopped before the first one, or runs now and then, as a CronJob does. What it cost
    # before the first snapshot is in both windows only as far as they overlap.
    overlap = max(timedelta(0), then.as_of - (now.as_of - WINDOW))
    return known_or(then.replicas, 0) > 0 or cost_now * (WINDOW // _SECOND) <= cost_then * (overlap // _SECOND)


def _with_cost(closing: ClosingPoint, key: WorkloadKey) -> WorkloadPoint | None:
    point = closing.points.get(key)
    return point if point is not None and is_known(point.cost_7d) else None


def _cost(point: ComparedPoint) -> Decimal:
    return ZERO if isinstance(point.cost_7d, Unknown) else point.cost_7d
