"""How long things are kept: sweeps, messages, what happened to alerts, what reports said.

Each sweep two weeks, the last of a day three months, what closed a week two years; messages three months, the rest two years.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from domain.messages import DeliveryStatus
from store.queries.outbox import FALLBACK
from store.schema import (
    alert_events,
    alert_states,
    outbox,
    raw_answers,
    recommendations,
    report_runs,
    snapshots,
    sweeps,
    workload_points,
)

CLOSING_BEFORE: Final = timedelta(hours=24)
CLOSING_AFTER: Final = timedelta(hours=12)
"""A week's closing snapshot lies between these two around its end."""
BATCH: Final = 500
"""Rows that one transaction drops at most, so that nobody waits long for a writer."""
_ENDED: Final = tuple(str(status) for status in (DeliveryStatus.SENT, DeliveryStatus.CANCELLED, DeliveryStatus.EXPIRED))
_UNFINISHED: Final = tuple(str(status) for status in DeliveryStatus if str(status) not in _ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each kind of sweep is kept, and what was told in that time."""

    points: timedelta = timedelta(days=14)
    """Every sweep."""
    daily: timedelta = timedelta(days=90)
    """The last sweep of each UTC day. Messages that arrived, were cancelled or expired, with their attempts."""
    weekly: timedelta = timedelta(days=730)
    """Sweeps that a report was made from, and the one that closed each week in UTC. What a report said; recommendations that
    ended; what happened to alerts that are quiet."""


def expired(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedMessage:
    """A message that nobody waits for any more."""

    id: int
    key: str
    stream: str


class Purge:
    """Drops what is older than it need be, with all that hangs on it, a few rows at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, retention: Retention, *, now: datetime) -> tuple[datetime, ...]:
        """Answer the closed sweeps that are to be dropped, oldest first."""
        closed = self._connection.execute(select(sweeps.c.as_of).where(sweeps.c.closed_at.is_not(None))).scalars().all()
        runs = self._connection.execute(select(report_runs.c.as_of_now, report_runs.c.as_of_then).distinct())
        reported = {as_of for row in runs for as_of in row if as_of is not None}
        return expired(closed, reported=reported, retention=retention, now=now)

    def drop(self, as_of: datetime) -> None:
        """Drop one sweep: its snapshots with their links, its points, its raw answers, itself."""
        self._connection.execute(delete(snapshots).where(snapshots.c.as_of == as_of))
        self._connection.execute(delete(workload_points).where(workload_points.c.as_of == as_of))
        self._connection.execute(delete(raw_answers).where(raw_answers.c.as_of == as_of))
        self._connection.execute(delete(sweeps).where(sweeps.c.as_of == as_of))

    def ended_messages(self, *, before: datetime, after_id: int) -> tuple[EndedMessage, ...]:
        """Answer messages that could be dropped: sent, cancelled or expired, and too late since `before`. By id, from `after_id` on.

        Kept is what something unfinished still leans on: the rest of its stream (what PagerDuty may think open is read off it), the
        message whose thread it answers in, and what stood in for one that failed.
        """
        other = outbox.alias("other")
        leans_on_it = or_(
            other.c.stream == outbox.c.stream, other.c.thread_of == outbox.c.key, other.c.key + FALLBACK == outbox.c.key
        )
        chosen = (
            select(outbox.c.id, outbox.c.key, outbox.c.stream)
            .where(outbox.c.status.in_(_ENDED), outbox.c.expires_at < before, outbox.c.id > after_id)
            .where(~exists(select(1).where(other.c.status.in_(_UNFINISHED), leans_on_it).correlate(outbox)))
            .order_by(outbox.c.id)
            .limit(BATCH)
        )
        return tuple(EndedMessage(id=row.id, key=row.key, stream=row.stream) for row in self._connection.execute(chosen))

    def drop_messages(self, ids: Collection[int]) -> int:
        """Drop messages with their attempts, but for those that somebody sends again; answer how many."""
        mine = and_(outbox.c.id.in_(list(ids)), outbox.c.status.in_(_ENDED))
        return self._connection.execute(delete(outbox).where(mine)).rowcount

    def drop_alert_events(self, *, before: datetime, quiet: str) -> int:
        """Drop old events of alerts whose status is `quiet`, some alerts at a time; answer how many, 0 when there are no more.

        The states stay: they remember at which number an alert's events go on.
        """
        is_quiet = alert_events.c.alert.in_(select(alert_states.c.alert).where(alert_states.c.status == quiet))
        old = and_(alert_events.c.at < before, is_quiet)
        some = self._connection.execute(select(alert_events.c.alert).where(old).limit(BATCH)).scalars().all()
        if not some:
            return 0
        return self._connection.execute(delete(alert_events).where(old, alert_events.c.alert.in_(set(some)))).rowcount

    def drop_recommendations(self, *, before: datetime) -> int:
        """Drop some recommendations that ended long ago; answer how many, 0 when there are no more."""
        some = select(recommendations.c.id).where(recommendations.c.ended_at < before).limit(BATCH)
        return self._connection.execute(delete(recommendations).where(recommendations.c.id.in_(some))).rowcount

    def clear_content(self, *, before: datetime) -> int:
        """Forget what some old reports said; answer how many, 0 when there are no more. That their weeks were reported stays known."""
        old = and_(report_runs.c.due_at < before, report_runs.c.content.is_not(None))
        some = select(report_runs.c.id).where(old).limit(BATCH)
        return self._connection.execute(update(report_runs).where(report_runs.c.id.in_(some)).values(content=None)).rowcount
