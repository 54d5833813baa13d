"""Sweeps and their slots: when a component is measured, and what came of the whole round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

DAY: Final = timedelta(days=1)
LOST_FOR: Final = timedelta(days=7)
"""A cluster that is lost for so long counts as removed."""


def slot_of(now: datetime, every: timedelta) -> datetime:
    """Floor an aware instant to the collecting interval, in UTC. `every` divides 24 hours."""
    now = now.astimezone(timezone.utc)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // every * every


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One round over all components. Closed once, then never changed; evaluated once, in order."""

    as_of: datetime
    opened_at: datetime
    closed_at: datetime | None
    evaluated_at: datetime | None
    expected: int
    """Components listed for it."""
    measured: int
    unknown: int
    listing_complete: bool
    """False when the catalog could not be listed whole: nobody is missed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """What the sweeps know of one cluster."""

    name: str
    last_seen: datetime
    """The newest sweep in which an answer named it."""
    lost_since: datetime | None
    """The first sweep that missed it; None while it answers."""
    notified_at: datetime | None
    """When the platform channel was told of this loss."""
    removed_at: datetime | None
    """The sweep from which it counts as removed: lost for too long, or named so by the settings."""

    def counts_as_removed(self, as_of: datetime) -> bool:
        """Say whether a sweep that misses it, too, misses it for good."""
        return as_of - (self.lost_since or self.last_seen) >= LOST_FOR


def deadline_of(as_of: datetime, *, opened_at: datetime, limit: timedelta, every: timedelta) -> datetime:
    """Answer when a sweep ends at the latest: at its limit, or with its slot."""
    return min(opened_at + limit, as_of + every)
