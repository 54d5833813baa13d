"""Sweeps, their slots, and the state of clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from domain.money import format_count

DAY: Final = timedelta(days=1)
LOST_CLUSTER_TTL: Final = timedelta(days=7)
"""A cluster lost for this long counts as removed."""
MISSING_COMPONENTS_TTL: Final = timedelta(days=7)
"""Components that went missing in large numbers count as removed when no listing has had them for this long."""


def reason_of_lost(cluster: str) -> str:
    """Return why nothing is known of a lost cluster."""
    return f"cluster {cluster} is missing from ScaleOps' responses"


def slot_of(now: datetime, every: timedelta) -> datetime:
    """Floor an aware instant to the collect interval, in UTC. `every` divides 24 hours."""
    now = now.astimezone(timezone.utc)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // every * every


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One measurement of all components. It is closed once, then never changes, and is evaluated once, in order."""

    as_of: datetime
    opened_at: datetime
    closed_at: datetime | None
    evaluated_at: datetime | None
    expected: int
    """Components listed for it."""
    measured: int
    unknown: int
    listing_complete: bool
    """False if the catalog listing was incomplete: no component counts as missing."""
    listing_missing: int = 0
    """Known components that a listing lacked, when these are too many to be removed."""
    listing_reason: str = ""
    """Why the listing is incomplete; empty if it is complete, or never ended."""


class WatchSource(StrEnum):
    """Where a watch sweep has its workloads from."""

    INVENTORY = "inventory"
    """One request for every workload."""
    COMPONENTS = "components"
    """One request per component and expanded selector, of all or of those on a cluster whose inventory is not trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSweep:
    """One search for workloads in danger, between two full sweeps. It is closed once, then never changes, and is evaluated once."""

    as_of: datetime
    opened_at: datetime
    alive_at: datetime
    """When its worker last recorded that it is still at work."""
    closed_at: datetime | None
    evaluated_at: datetime | None
    source: WatchSource
    failure: str = ""
    """Why too little was returned for anything to count as clear; empty if it succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """One cluster as the sweeps saw it."""

    name: str
    last_seen: datetime
    """The newest sweep that saw it."""
    lost_since: datetime | None
    """The first sweep that missed it; None while it is seen."""
    notified_at: datetime | None
    """When the loss was reported to the platform channel."""
    removed_at: datetime | None
    """The sweep from which it counts as removed: lost too long, or named in `clusters.removed`."""

    def counts_as_removed(self, as_of: datetime) -> bool:
        """Return True if a sweep that misses it, too, makes it removed."""
        return as_of - (self.lost_since or self.last_seen) >= LOST_CLUSTER_TTL


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmeasuredFigure:
    """A figure that is unknown of some workloads of a cluster, for one reason."""

    figure: str
    """Its name in a sentence, for example a `domain.figures.FigureKind`."""
    cluster: str
    workloads: int
    reason: str


def describe_unmeasured(figures: Iterable[UnmeasuredFigure]) -> Iterator[str]:
    """Yield a sentence for each figure and cause, over all their clusters."""
    grouped: dict[tuple[str, str], list[UnmeasuredFigure]] = {}
    for one in figures:
        grouped.setdefault((one.figure, one.reason), []).append(one)
    for (figure, reason), found in grouped.items():
        workloads = format_count(sum(one.workloads for one in found), "workload")
        clusters = ", ".join(sorted(one.cluster for one in found))
        yield f"{figure} of {workloads} on {clusters} is unknown: {reason}"


def reached_interval(looks: Iterable[datetime]) -> timedelta | None:
    """Return the time between the two newest looks for danger: sweeps of either kind that succeeded. None: there are fewer."""
    newest = sorted(set(looks), reverse=True)[:2]
    return newest[0] - newest[1] if len(newest) > 1 else None


def deadline_of(as_of: datetime, *, opened_at: datetime, limit: timedelta, every: timedelta) -> datetime:
    """Return the latest end of a sweep: its limit, or the end of its slot."""
    return min(opened_at + limit, as_of + every)
