"""Which snapshot closes a week: the newest closed sweep within the week's closing window that holds a snapshot of the subject.

The subject is a component, a team or the platform. The callers fetch `as_ofs`, the sweeps that hold it, from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.weeks import IsoWeek, Schedule, current_week

CLOSING_BEFORE: Final = timedelta(hours=24)
CLOSING_AFTER: Final = timedelta(hours=12)
"""A closing snapshot is at most this much older or younger than the end of its week, and not younger than its report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingWindow:
    """Bounds of a closing snapshot's `as_of`, both included."""

    earliest: datetime
    latest: datetime

    def __contains__(self, as_of: datetime) -> bool:
        return self.earliest <= as_of <= self.latest

    def closing(self, as_ofs: Iterable[datetime]) -> datetime | None:
        """Return the `as_of` of the closing snapshot among the sweeps that hold the subject."""
        return max((as_of for as_of in as_ofs if as_of in self), default=None)


def closing_window(schedule: Schedule, week: IsoWeek, *, now: datetime) -> ClosingWindow:
    """Return the closing window of a week. The current week has not ended: every sweep of it so far may close it."""
    if week == current_week(now, schedule.zone):
        return ClosingWindow(earliest=week.starts_at(schedule.zone), latest=now)
    end = week.ends_at(schedule.zone)
    return ClosingWindow(earliest=end - CLOSING_BEFORE, latest=min(end + CLOSING_AFTER, schedule.due_at(week)))


def newer_candidates(
    as_of: datetime, as_ofs: Sequence[datetime], schedules: Iterable[Schedule], *, now: datetime
) -> Iterator[tuple[datetime, ...]]:
    """Yield, for each closing window that holds `as_of`, the newer sweeps in it.

    `as_of` may close that week for every subject that none of them holds; with an empty tuple, for all.
    """
    for schedule in schedules:
        week = current_week(as_of, schedule.zone)
        for candidate in (week.shift(-1), week):
            window = closing_window(schedule, candidate, now=now)
            if as_of in window:
                yield tuple(other for other in as_ofs if as_of < other and other in window)
