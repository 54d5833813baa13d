"""What became of a recommendation: from the first sweep that saw it to how it ended, and what that saved.

    absent ──recommended──> open ──┬── issue gone, and automated or moved at least half-way ──> done: effect pending
                             ^     ├── issue gone otherwise ──────────────────────────────────> no longer advised
                             │     └── workload or component gone ────────────────────────────> gone
                             └── recommended again: a new one

    done: effect pending ──── half of the savings arrived, or 7 days passed ──────────────────> done: savings judged

ScaleOps applies automation up to a day after it was switched on, and a rollout takes its time. What could not be measured ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.advice import Issue, IssuePriority
from domain.measures import Measured, Unknown, known_or
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, WorkloadPoint
from domain.workload import WorkloadKey

HALF_WAY: Final = 0.5
EFFECT_TIMEOUT: Final = timedelta(days=7)
"""The savings of what is done are judged by then, whether or not they have arrived."""


class RecommendationEnd(StrEnum):
    """How a recommendation ended."""

    DONE = "done"
    NO_LONGER_ADVISED = "no longer advised"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationKey:
    """The identity of a recommendation."""

    entity: EntityRef
    workload: WorkloadKey
    issue: Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAdvice:
    """What was recommended when it was last seen open. Per pod; savings per month. None: not known."""

    priority: IssuePriority
    cpu_request_millicores: float | None
    cpu_recommended_millicores: float | None
    memory_request_bytes: float | None
    memory_recommended_bytes: float | None
    savings_available_per_month: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One recommendation from its opening to its end."""

    key: RecommendationKey
    team: EntityRef
    """The owner when it was last seen."""
    opened_at: datetime
    """The sweep that saw it first."""
    last_seen_at: datetime
    """The newest sweep that saw it open."""
    advised: LastAdvice
    ended_at: datetime | None = None
    ending: RecommendationEnd | None = None
    realised_per_month: Measured[Decimal] | None = None
    """Savings of one that is done: what was available when last seen open, less what still is, never negative. None: it is not done, or
    its effect is pending."""
    judged_at: datetime | None = None
    """The sweep that judged the savings of one that is done."""

    @property
    def is_pending(self) -> bool:
        """True if it is done and its savings were not judged yet."""
        return self.ending is RecommendationEnd.DONE and self.judged_at is None

    @property
    def saves_money(self) -> bool:
        """False: it raises requests, which ends a danger."""
        return self.key.issue is not Issue.UNDER_PROVISIONED

    def at(self, instant: datetime) -> Recommendation:
        """Return it as it was known at an instant."""
        if self.ended_at is not None and self.ended_at > instant:
            return replace(self, ended_at=None, ending=None, realised_per_month=None, judged_at=None)
        if self.judged_at is not None and self.judged_at > instant:
            return replace(self, realised_per_month=None, judged_at=None)
        return self


def track(measurement: Measurement, followed: Iterable[Recommendation]) -> tuple[Recommendation, ...]:
    """Return the recommendations of one component that a sweep opened, saw again, ended or judged.

    `followed` are those of the component that have not ended, and those that are done with their effect pending. What the sweep could
    not measure is left out, unchanged but for its owner.
    """
    snapshot = measurement.snapshot
    points = {point.key: point for point in measurement.points}
    is_measured = snapshot.outcome is Outcome.MEASURED
    before = tuple(followed)
    if not all(key.is_identified for key in points):  # a workload without a point may be behind a row that could not be read
        before = tuple(known for known in before if known.key.workload in points)
    after = [
        _after_sweep(known, points.get(known.key.workload), snapshot.as_of, is_measured=is_measured) or known for known in before
    ]
    changed = [
        replace(now, team=snapshot.team)
        for known, now in zip(before, after, strict=True)
        if now is not known or known.team != snapshot.team
    ]
    still_open = {known.key for known in before if known.ended_at is None}
    for point in points.values():
        found = point.issue if is_measured else None
        if isinstance(found, Unknown) or found is None:
            continue
        key = RecommendationKey(entity=snapshot.ref, workload=point.key, issue=found[0])
        if key not in still_open:
            changed.append(_opened(key, point, found[1], snapshot.as_of, snapshot.team))
    return tuple(changed)


def close_removed(followed: Iterable[Recommendation], *, as_of: datetime) -> tuple[Recommendation, ...]:
    """Return the recommendations of components that left the catalog, ended; what is pending is judged as far as it is known."""
    return tuple(_after_removal(known, as_of) for known in followed)


def _after_sweep(
    known: Recommendation, point: WorkloadPoint | None, as_of: datetime, *, is_measured: bool
) -> Recommendation | None:
    """Return what a sweep makes of a recommendation; None for no change."""
    if known.is_pending:
        return _judged(known, point, as_of, is_measured=is_measured)
    if not is_measured:
        return None
    if point is None:
        return _after_removal(known, as_of)
    found = point.issue
    if isinstance(found, Unknown):
        return None
    if found is not None and found[0] is known.key.issue:
        return replace(known, last_seen_at=as_of, advised=_advised_by(point, found[1], known.advised))
    if not _was_done(known, point):
        return _ended(known, RecommendationEnd.NO_LONGER_ADVISED, as_of)
    done = _ended(known, RecommendationEnd.DONE, as_of)
    return _judged(done, point, as_of, is_measured=True) or done


def _after_removal(known: Recommendation, as_of: datetime) -> Recommendation:
    if known.is_pending:
        return replace(known, judged_at=as_of, realised_per_month=Unknown("the workload was removed before its effect was seen"))
    return _ended(known, RecommendationEnd.GONE, as_of)


def _judged(known: Recommendation, point: WorkloadPoint | None, as_of: datetime, *, is_measured: bool) -> Recommendation | None:
    """Return one that is done with its savings, if they have arrived or time is up; None while they are pending."""
    is_late = known.ended_at is not None and as_of - known.ended_at >= EFFECT_TIMEOUT
    if point is None and is_measured:
        return _after_removal(known, as_of)
    realised = Unknown("its workload could not be measured") if point is None else _realised(known, point)
    expected = known.advised.savings_available_per_month
    has_arrived = expected is None or (not isinstance(realised, Unknown) and realised >= expected / 2)
    return replace(known, judged_at=as_of, realised_per_month=realised) if has_arrived or is_late else None


def _opened(
    key: RecommendationKey, point: WorkloadPoint, priority: IssuePriority, as_of: datetime, team: EntityRef
) -> Recommendation:
    advised = _advised_by(point, priority, None)
    return Recommendation(key=key, team=team, opened_at=as_of, last_seen_at=as_of, advised=advised)


def _ended(known: Recommendation, ending: RecommendationEnd, as_of: datetime) -> Recommendation:
    return replace(known, ended_at=as_of, ending=ending)


def _was_done(known: Recommendation, point: WorkloadPoint) -> bool:
    return point.automated is True or _share_done(known.advised, point) >= HALF_WAY


def _share_done(advised: LastAdvice, point: WorkloadPoint) -> float:
    """Return how far the requests moved to the last recommendation: 0 not at all, 1 all the way, more when beyond.

    CPU and memory are weighted by the size of their recommended change, so that a small one that was not made does not hide
    a large one that was.
    """
    wanted = moved = 0.0
    for then, goal, now in (
        (advised.cpu_request_millicores, advised.cpu_recommended_millicores, point.cpu_request_millicores),
        (advised.memory_request_bytes, advised.memory_recommended_bytes, point.memory_request_bytes),
    ):
        if then is None or goal is None or isinstance(now, Unknown) or goal == then:
            continue
        size = max(then, goal)
        wanted += abs(goal - then) / size
        moved += (now - then) / size * (1 if goal > then else -1)
    return moved / wanted if wanted else 0.0


def _realised(known: Recommendation, point: WorkloadPoint) -> Measured[Decimal]:
    """Return what doing it saves a month, as far as it shows."""
    if not known.saves_money:
        return Decimal(0)
    if known.advised.savings_available_per_month is None:
        return Unknown("what it could save was not known while it was open")
    if isinstance(point.savings_available_per_month, Unknown):
        return point.savings_available_per_month
    return max(Decimal(0), known.advised.savings_available_per_month - point.savings_available_per_month)


def _advised_by(point: WorkloadPoint, priority: IssuePriority, before: LastAdvice | None) -> LastAdvice:
    """Return the recommendation as of now; a number that is missing now keeps its last value."""

    def seen(name: str) -> float | None:
        value: Measured[float] = getattr(point, name)
        return (getattr(before, name) if before else None) if isinstance(value, Unknown) else value

    savings = point.advised_savings_per_month
    last = before.savings_available_per_month if before else None
    return LastAdvice(
        priority=priority,
        cpu_request_millicores=seen("cpu_request_millicores"),
        cpu_recommended_millicores=seen("cpu_recommended_millicores"),
        memory_request_bytes=seen("memory_request_bytes"),
        memory_recommended_bytes=known_or(point.advised_memory_bytes, None)
        if point.keeps_memory
        else seen("memory_recommended_bytes"),
        savings_available_per_month=last if isinstance(savings, Unknown) else savings,
    )


def by_entity(recommendations: Iterable[Recommendation]) -> Mapping[EntityRef, tuple[Recommendation, ...]]:
    """Group recommendations by their component."""
    grouped: dict[EntityRef, list[Recommendation]] = {}
    for recommendation in recommendations:
        grouped.setdefault(recommendation.key.entity, []).append(recommendation)
    return {entity: tuple(found) for entity, found in grouped.items()}
