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
