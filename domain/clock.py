"""The type of a clock, how far two may differ, and how an instant is written; the real clocks are in `wiring`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Final

Clock = Callable[[], datetime]
"""Returns the present instant, aware, in UTC."""

MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
"""Two clocks that differ by more are a problem: one of them is wrong."""


def is_future(instant: datetime, now: datetime) -> bool:
    """Return True if what has happened is dated in the future: a clock was or is wrong, and an age would be meaningless."""
    return instant > now + MAX_CLOCK_SKEW


def skew_problem(local: datetime, shared: datetime) -> str:
    """Return a sentence if the clock of this machine and that of the database contradict each other; else empty."""
    skew = local - shared
    if abs(skew) <= MAX_CLOCK_SKEW:
        return ""
    minutes, direction = round(abs(skew) / timedelta(minutes=1)), "ahead of" if skew > timedelta() else "behind"
    return f"the clock of this machine is {minutes} minutes {direction} the database's; set both by NTP"


def format_utc(instant: datetime) -> str:
    """Format an instant as `2026-11-23 06:00 UTC`: for those who operate the worker, whatever their zone."""
    return f"{instant.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
