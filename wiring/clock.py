"""The clocks of the product. Everything else gets the time as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Final

import structlog

from domain.clock import MAX_CLOCK_SKEW

log = structlog.get_logger(__name__)

REFRESH_AFTER: Final = timedelta(seconds=10)
"""Between two readings of the database's clock its time is continued by the clock of the machine that never jumps."""
BELIEVE_JUMP_AFTER: Final = timedelta(minutes=15)
"""A database's clock that jumps is believed once it has kept its new time for this long: most jumps are errors, and corrected."""


def utc_now() -> datetime:
    """Return the current instant of this machine, aware, in UTC."""
    return datetime.now(timezone.utc)  # noqa: TID251 - the clock that is passed to everything else


def uptime() -> timedelta:
    """Return the time since this machine was started, suspended time included. It never jumps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return timedelta(seconds=time.clock_gettime(clock))


class DatabaseClock:
    """The present instant by the database's clock, which all processes share. Implements `domain.clock.Clock`.

    So leases and windows do not depend on the clocks of the machines, and a jump of the database's clock is not followed at once.

    Args:
        read: returns the present instant of the database, and may raise StoreUnavailable.
        elapsed: never jumps.
    """

    def __init__(self, read: Callable[[], datetime], *, elapsed: Callable[[], timedelta] = uptime) -> None:
        self._read = read
        self._elapsed = elapsed
        self._reading: tuple[datetime, timedelta] | None = None
        """The newest reading that is believed, and when it was made."""
        self._jumped: tuple[timedelta, timedelta] | None = None
        """How far the clock jumped, and when that was seen first."""

    def __call__(self) -> datetime:
        """Return the present instant."""
        elapsed = self._elapsed()
        if self._reading is None:
            self._reading = self._read(), elapsed
        at, read = self._reading
        if elapsed - read >= REFRESH_AFTER:
            self._refresh(at + (elapsed - read), elapsed)
            at, read = self._reading
        return at + (elapsed - read)

    def _refresh(self, expected: datetime, elapsed: timedelta) -> None:
        found = self._read()
        jump = found - expected
        if abs(jump) <= MAX_CLOCK_SKEW:
            self._reading, self._jumped = (found, elapsed), None
            return
        if self._jumped is None or abs(jump - self._jumped[0]) > MAX_CLOCK_SKEW:
            log.warning("the database's clock jumped, its new time is not used yet", seconds=round(jump.total_seconds()))
            self._jumped = jump, elapsed
        is_believed = elapsed - self._jumped[1] >= BELIEVE_JUMP_AFTER
        self._reading = (found if is_believed else expected), elapsed
        if is_believed:
            self._jumped = None
