"""How long rows are kept: points for two weeks, the last sweep of each day for three months, closing snapshots for two years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each kind of sweep is kept."""

    points: timedelta = timedelta(days=14)
    """Every sweep."""
    daily: timedelta = timedelta(days=90)
    """The last sweep of each UTC day."""
    weekly: timedelta = timedelta(days=730)
    """Sweeps that a report may close a week with."""
