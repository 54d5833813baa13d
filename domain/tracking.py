"""What became of a recommendation: from the first sweep that saw it to how it ended, and what that saved.

    absent ──recommended──> open ──┬── issue gone, and automated or moved at least half-way ──> done (has savings)
                             ^     ├── issue gone otherwise ──────────────────────────────────> no longer advised
                             │     └── workload or component gone ────────────────────────────> gone
                             └── recommended again: a new one

What could not be measured ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.advice import Issue, IssuePriority, possible_issues
from domain.measures import Measured, Unknown
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, WorkloadPoint
from domain.workload import WorkloadKey

HALF_WAY: Final = 0.5


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
    """Savings of one that is done: what was available when last seen open, less what still is. None: it is not done."""


def track(measurement: Measurement, still_open: Iterable[Recommendation]) -> tuple[Recommendation, ...]:
    """Return the recommendations of one component that a sweep opened, saw again or ended.

    `still_open` are those of the component that have not ended. What the sweep could not measure is left out, unchanged.
    """
    snapshot = measurement.snapshot
    if snapshot.outcome is Outcome.UNKNOWN:
        return ()
    points = {point.key: point for point in measurement.points}
    before = {known.key: known for known in still_open}
    if not all(key.is_identified for key in points):  # a workload without a point may be behind a row that could not be read
        before = {key: known for key, known in before.items() if key.workload in points}
    after = [_after_sweep(known, points.get(known.key.workload), snapshot.as_of, snapshot.team) for known in before.values()]
    for point in points.values():
        found = _issue_of(point)
        if isinstance(found, Unknown) or found is None:
            continue
        key = RecommendationKey(entity=snapshot.ref, workload=point.key, issue=found[0])
        if key not in before:
            after.append(_opened(key, point, found[1], snapshot.as_of, snapshot.team))
    return tuple(recommendation for recommendation in after if recommendation is not None)


def close_removed(still_open: Iterable[Recommendation], *, as_of: datetime) -> tuple[Recommendation, ...]:
    """Return the open recommendations of components that left the catalog, ended."""
    return tuple(_ended(known, RecommendationEnd.GONE, as_of) for known in still_open)


def _after_sweep(known: Recommendation, point: WorkloadPoint | None, as_of: datetime, team: EntityRef) -> Recommendation | None:
    if point is None:
        return _ended(known, RecommendationEnd.GONE, as_of)
    found = _issue_of(point)
    if isinstance(found, Unknown):
        return None
    if found is not None and found[0] is known.key.issue:
        return replace(known, last_seen_at=as_of, team=team, advised=_advised_by(point, found[1], known.advised))
    if not _was_done(known, point):
        return _ended(known, RecommendationEnd.NO_LONGER_ADVISED, as_of)
    return replace(_ended(known, RecommendationEnd.DONE, as_of), realised_per_month=_realised(known, point))


def _opened(
    key: RecommendationKey, point: WorkloadPoint, priority: IssuePriority, as_of: datetime, team: EntityRef
) -> Recommendation:
    advised = _advised_by(point, priority, None)
    return Recommendation(key=key, team=team, opened_at=as_of, last_seen_at=as_of, advised=advised)


def _ended(known: Recommendation, ending: RecommendationEnd, as_of: datetime) -> Recommendation:
    return replace(known, ended_at=as_of, ending=ending)


def _issue_of(point: WorkloadPoint) -> tuple[Issue, IssuePriority] | Unknown | None:
    """Return the issue, or unknown when a flag that is not known would make a difference to it."""
    flags = (point.under_provisioned, point.over_provisioned, point.automated)
    possible = possible_issues(under_provisioned=flags[0], over_provisioned=flags[1], automated=flags[2])
    if len({found and found[0] for found in possible}) > 1:
        return next(flag for flag in flags if isinstance(flag, Unknown))
    return possible[0]


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
    """Return what doing it saves a month. Fixing an under-provisioned workload ends a risk, and counts as no savings."""
    if known.key.issue is Issue.UNDER_PROVISIONED:
        return Decimal(0)
    if known.advised.savings_available_per_month is None:
        return Unknown("what it could save was not known while it was open")
    if isinstance(point.savings_available_per_month, Unknown):
        return point.savings_available_per_month
    return known.advised.savings_available_per_month - point.savings_available_per_month


def _advised_by(point: WorkloadPoint, priority: IssuePriority, before: LastAdvice | None) -> LastAdvice:
    """Return the recommendation as of now; a number that is missing now keeps its last value."""

    def seen(name: str) -> float | None:
        value: Measured[float] = getattr(point, name)
        return (getattr(before, name) if before else None) if isinstance(value, Unknown) else value

    savings = point.savings_available_per_month
    last = before.savings_available_per_month if before else None
    return LastAdvice(
        priority=priority,
        cpu_request_millicores=seen("cpu_request_millicores"),
        cpu_recommended_millicores=seen("cpu_recommended_millicores"),
        memory_request_bytes=seen("memory_request_bytes"),
        memory_recommended_bytes=seen("memory_recommended_bytes"),
        savings_available_per_month=last if isinstance(savings, Unknown) else savings,
    )


def by_entity(recommendations: Iterable[Recommendation]) -> Mapping[EntityRef, tuple[Recommendation, ...]]:
    """Group recommendations by their component."""
    grouped: dict[EntityRef, list[Recommendation]] = {}
    for recommendation in recommendations:
        grouped.setdefault(recommendation.key.entity, []).append(recommendation)
    return {entity: tuple(found) for entity, found in grouped.items()}
