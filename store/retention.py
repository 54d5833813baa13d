"""How long sweeps are kept: each for two weeks, the last of a day for three months, those that closed a week for two years."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select

from store.schema import raw_answers, report_runs, snapshots, sweeps, workload_points

CLOSING_BEFORE: Final = timedelta(hours=24)
CLOSING_AFTER: Final = timedelta(hours=12)
"""A week's closing snapshot lies between these two around its end (DESIGN, 3a.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each kind of sweep is kept."""

    points: timedelta = timedelta(days=14)
    """Every sweep."""
    daily: timedelta = timedelta(days=90)
    """The last sweep of each UTC day."""
    weekly: timedelta = timedelta(days=730)
    """Sweeps that a report was made from, and the one that closed each week in UTC."""


def to_forget(
    closed: Iterable[datetime], *, reported: Collection[datetime], retention: Retention, now: datetime
) -> tuple[datetime, ...]:
    """Choose among closed sweeps those whose time is over, oldest first. The newest one is always kept.

    `reported` are the sweeps that reports were made from: a report made again must say the same.
    """
    ordered = sorted(closed)
    last_of_day = {as_of.date(): as_of for as_of in ordered}
    closing: dict[datetime, datetime] = {}
    for as_of in ordered:
        week_end = _nearest_week_end(as_of)
        if week_end - CLOSING_BEFORE <= as_of <= week_end + CLOSING_AFTER:
            closing[week_end] = as_of
    weekly = {*reported, *closing.values()}
    daily = set(last_of_day.values())

    def is_kept(as_of: datetime) -> bool:
        age = now - as_of
        if age <= retention.points or as_of == ordered[-1]:
            return True
        return (age <= retention.daily and as_of in daily) or (age <= retention.weekly and as_of in weekly)

    return tuple(as_of for as_of in ordered if not is_kept(as_of))


def _nearest_week_end(as_of: datetime) -> datetime:
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    return monday if as_of <= monday + CLOSING_AFTER else monday + timedelta(days=7)


class Forgetting:
    """Drops sweeps whose time is over, with all that hangs on them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, retention: Retention, *, now: datetime) -> tuple[datetime, ...]:
        """Answer the closed sweeps that are to be dropped, oldest first."""
        closed = self._connection.execute(select(sweeps.c.as_of).where(sweeps.c.closed_at.is_not(None))).scalars().all()
        runs = self._connection.execute(select(report_runs.c.as_of_now, report_runs.c.as_of_then).distinct())
        reported = {as_of for row in runs for as_of in row if as_of is not None}
        return to_forget(closed, reported=reported, retention=retention, now=now)

    def drop(self, as_of: datetime) -> None:
        """Drop one sweep: its snapshots with their links, its points, its raw answers, itself."""
        self._connection.execute(delete(snapshots).where(snapshots.c.as_of == as_of))
        self._connection.execute(delete(workload_points).where(workload_points.c.as_of == as_of))
        self._connection.execute(delete(raw_answers).where(raw_answers.c.as_of == as_of))
        self._connection.execute(delete(sweeps).where(sweeps.c.as_of == as_of))
