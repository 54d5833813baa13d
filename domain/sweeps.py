"""Sweeps and their slots: when a component is measured, and what came of the whole round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

DAY: Final = timedelta(days=1)


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
