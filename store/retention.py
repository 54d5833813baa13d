"""Retention of sweeps, messages, alert events, recommendations and report contents, and the queries that purge them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, delete, exists, or_, select, update

from domain.closing_snapshot import newer_candidates
from domain.messages import DeliveryStatus
from domain.weeks import Schedules
from store.queries.outbox_conditions import FALLBACK
from store.queries.rows import Queries
from store.schema import alert_events, alert_states, outbox, recommendations, report_runs, snapshots, sweeps, workload_points

BATCH: Final = 500
"""Rows deleted per transaction, so that other writers wait briefly."""
_ENDED: Final = tuple(str(status) for status in (DeliveryStatus.SENT, DeliveryStatus.CANCELLED, DeliveryStatus.EXPIRED))
_UNFINISHED: Final = tuple(str(status) for status in DeliveryStatus if str(status) not in _ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long rows are kept."""

    points: timedelta = timedelta(days=14)
    """Every sweep."""
    daily: timedelta = timedelta(days=90)
    """The last sweep of each UTC day. Messages that were sent, cancelled or expired, with their attempts."""
    weekly: timedelta = timedelta(days=730)
    """Sweeps that close a week or that a report was made from. Report contents, ended recommendations, events of quiet alerts."""


def expired(
    closed: Iterable[datetime],
    *,
    reported: Collection[datetime],
    schedules: Schedules,
    retention: Retention,
    now: datetime,
    holds_more: Callable[[datetime, Sequence[datetime]], bool] = lambda _, newer: not newer,
) -> tuple[datetime, ...]:
    """Return the closed sweeps whose retention has passed, oldest first. The newest one is always kept.

    Args:
        closed: the closed sweeps.
        reported: the sweeps that reports were made from: a report made again must say the same.
        schedules: a sweep that closes a week of one of them is kept as long as a weekly one.
        retention: how long each kind is kept.
        now: the present.
        holds_more: whether a sweep holds a component or team that none of the newer ones in the same closing window holds. By
            default the newest holds them all.
    """
    ordered = sorted(closed)
    daily = set({as_of.date(): as_of for as_of in ordered}.values())

    def is_kept(as_of: datetime) -> bool:
        age = now - as_of
        if age <= retention.points or as_of == ordered[-1] or (age <= retention.daily and as_of in daily):
            return True
        return age <= retention.weekly and (as_of in reported or closes_a_week(as_of))

    def closes_a_week(as_of: datetime) -> bool:
        windows = newer_candidates(as_of, ordered, schedules.distinct(), now=now)
        return any(holds_more(as_of, newer) for newer in windows)

    return tuple(as_of for as_of in ordered if not is_kept(as_of))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedMessage:
    """A message with a final status."""

    id: int
    key: str
    stream: str


class Purge(Queries):
    """Deletes rows past their retention, some at a time."""

    def due(self, retention: Retention, schedules: Schedules, *, now: datetime) -> tuple[datetime, ...]:
        """Return the closed sweeps to delete, oldest first."""
        closed = self._connection.execute(select(sweeps.c.as_of).where(sweeps.c.closed_at.is_not(None))).scalars().all()
        runs = self._connection.execute(select(report_runs.c.as_of_now, report_runs.c.as_of_then).distinct())
        reported = {as_of for row in runs for as_of in row if as_of is not None}
        return expired(closed, reported=reported, schedules=schedules, retention=retention, now=now, holds_more=self._holds_more)

    def _holds_more(self, as_of: datetime, newer: Sequence[datetime]) -> bool:
        """Return True if a sweep holds a component, or one of a team, that none of the newer sweeps holds."""
        if not newer:
            return True
        other = snapshots.alias("other")
        same = and_(other.c.entity_ref == snapshots.c.entity_ref, other.c.team == snapshots.c.team, other.c.as_of.in_(newer))
        only_here = select(snapshots.c.id).where(snapshots.c.as_of == as_of, ~exists(select(1).where(same).correlate(snapshots)))
        return self._connection.execute(only_here.limit(1)).first() is not None

    def drop(self, as_of: datetime) -> None:
        """Delete one sweep with its snapshots and points."""
        self._connection.execute(delete(snapshots).where(snapshots.c.as_of == as_of))
        self._connection.execute(delete(workload_points).where(workload_points.c.as_of == as_of))
        self._connection.execute(delete(sweeps).where(sweeps.c.as_of == as_of))

    def ended_messages(self, *, before: datetime, after_id: int) -> tuple[EndedMessage, ...]:
        """Return messages to delete by id, after `after_id`: sent, cancelled or expired, with `expires_at` before `before`.

        Left out are those that an unfinished message needs: others of its stream (which tell what PagerDuty has open), the message
        whose thread it is posted to, and its fallback.
        """
        other = outbox.alias("other")
        needs_it = or_(
            other.c.stream == outbox.c.stream, other.c.thread_of == outbox.c.key, other.c.key + FALLBACK == outbox.c.key
        )
        chosen = (
            select(outbox.c.id, outbox.c.key, outbox.c.stream)
            .where(outbox.c.status.in_(_ENDED), outbox.c.expires_at < before, outbox.c.id > after_id)
            .where(~exists(select(1).where(other.c.status.in_(_UNFINISHED), needs_it).correlate(outbox)))
            .order_by(outbox.c.id)
            .limit(BATCH)
        )
        return tuple(EndedMessage(id=row.id, key=row.key, stream=row.stream) for row in self._connection.execute(chosen))

    def drop_messages(self, ids: Collection[int]) -> int:
        """Delete messages with their attempts, except those being retried. Return their number."""
        mine = and_(outbox.c.id.in_(list(ids)), outbox.c.status.in_(_ENDED))
        return self._connection.execute(delete(outbox).where(mine)).rowcount

    def drop_alert_events(self, *, before: datetime, quiet: str) -> int:
        """Delete old events of alerts with the status `quiet`, some alerts at a time. Return their number; 0: none is left.

        The states stay: they hold the next event number.
        """
        is_quiet = alert_events.c.alert.in_(select(alert_states.c.alert).where(alert_states.c.status == quiet))
        old = and_(alert_events.c.at < before, is_quiet)
        some = self._connection.execute(select(alert_events.c.alert).where(old).limit(BATCH)).scalars().all()
        if not some:
            return 0
        return self._connection.execute(delete(alert_events).where(old, alert_events.c.alert.in_(set(some)))).rowcount

    def drop_recommendations(self, *, before: datetime) -> int:
        """Delete some ended recommendations. Return their number; 0: none is left."""
        some = select(recommendations.c.id).where(recommendations.c.ended_at < before).limit(BATCH)
        return self._connection.execute(delete(recommendations).where(recommendations.c.id.in_(some))).rowcount

    def clear_content(self, *, before: datetime) -> int:
        """Clear the contents of some old reports, and keep the runs. Return their number; 0: none is left."""
        old = and_(report_runs.c.due_at < before, report_runs.c.content.is_not(None))
        some = select(report_runs.c.id).where(old).limit(BATCH)
        return self._connection.execute(update(report_runs).where(report_runs.c.id.in_(some)).values(content=None)).rowcount
