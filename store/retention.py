"""Retention of sweeps, messages, alert events, recommendations and report contents, and the queries that purge them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, delete, exists, or_, select, update

from domain.closing_snapshot import closing_window, weeks_closed_by
from domain.messages import DeliveryStatus
from domain.weeks import IsoWeek, Schedule, Schedules
from store.queries.bulk_checks import CHECKS_TTL
from store.queries.closing import ClosingSnapshots
from store.queries.outbox_conditions import FALLBACK
from store.queries.rows import Queries
from store.queries.unallocated import Unallocated
from store.schema import (
    alert_events,
    alert_states,
    bulk_checks,
    namespace_costs,
    outbox,
    recommendations,
    report_runs,
    snapshots,
    sweeps,
    unallocated_workloads,
    watch_points,
    watch_sweeps,
    workload_points,
)

BATCH: Final = 500
"""Rows deleted per transaction, so that other writers wait briefly."""
_ENDED: Final = tuple(str(status) for status in (DeliveryStatus.SENT, DeliveryStatus.CANCELLED, DeliveryStatus.EXPIRED))
_UNFINISHED: Final = tuple(str(status) for status in DeliveryStatus if str(status) not in _ENDED)


WATCH_SWEEPS_TTL: Final = timedelta(days=2)
"""Watch sweeps and their points: longer than the 24 hours in which two sweeps are consecutive."""


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
    reported: Iterable[Collection[datetime]],
    schedules: Schedules,
    retention: Retention,
    now: datetime,
    used: Callable[[Collection[datetime]], Collection[datetime]] = lambda as_ofs: {max(as_ofs)},
) -> tuple[datetime, ...]:
    """Return the closed sweeps whose retention has passed, oldest first. The newest one is always kept.

    Args:
        closed: the closed sweeps.
        reported: for each report the sweeps that might close its week: a report made again must say the same.
        schedules: a sweep that closes a week of one of them, reported or not, is kept as long as a weekly one.
        retention: how long each kind is kept.
        now: the present.
        used: which of the sweeps that may close a week do close it for some component or for the unallocated cost. By default the
            newest does for all.
    """
    ordered = sorted(closed)
    daily = set({as_of.date(): as_of for as_of in ordered}.values())

    def is_young(as_of: datetime) -> bool:
        age = now - as_of
        return age <= retention.points or as_of == ordered[-1] or (age <= retention.daily and as_of in daily)

    old = {as_of for as_of in ordered if not is_young(as_of)}
    weekly = {as_of for as_of in old if now - as_of <= retention.weekly}
    existing = frozenset(ordered)
    may_close = {existing.intersection(one) for one in reported} | _may_close_a_week(ordered, schedules, now)
    kept = {as_of for one in may_close if one & weekly for as_of in used(one)}
    return tuple(as_of for as_of in ordered if as_of in old and not (as_of in weekly and as_of in kept))


def _may_close_a_week(closed: Iterable[datetime], schedules: Schedules, now: datetime) -> set[frozenset[datetime]]:
    """Group sweeps by the closing windows that they are in."""
    groups: dict[tuple[Schedule, IsoWeek], set[datetime]] = {}
    for schedule in schedules.distinct():
        for as_of in closed:
            for week in weeks_closed_by(as_of, schedule):
                if as_of in closing_window(schedule, week, now=now):
                    groups.setdefault((schedule, week), set()).add(as_of)
    return {frozenset(group) for group in groups.values()}


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
        runs = self._connection.execute(select(report_runs.c.sweeps_now, report_runs.c.sweeps_then).distinct())
        reported = {as_ofs for row in runs for as_ofs in row if as_ofs is not None}
        return expired(closed, reported=reported, schedules=schedules, retention=retention, now=now, used=self._used)

    def _used(self, as_ofs: Collection[datetime]) -> frozenset[datetime]:
        unallocated = Unallocated(self._connection).closing_sweep(as_ofs)
        return ClosingSnapshots(self._connection).sweeps_used(as_ofs) | ({unallocated} if unallocated is not None else set())

    def drop(self, as_of: datetime) -> None:
        """Delete one sweep with its snapshots and points. Its checks stay: `drop_bulk_checks`."""
        self._connection.execute(delete(snapshots).where(snapshots.c.as_of == as_of))
        self._connection.execute(delete(workload_points).where(workload_points.c.as_of == as_of))
        for table in (namespace_costs, unallocated_workloads):
            self._connection.execute(delete(table).where(table.c.as_of == as_of))
        self._connection.execute(delete(sweeps).where(sweeps.c.as_of == as_of))

    def drop_bulk_checks(self, *, now: datetime) -> None:
        """Delete the checks past CHECKS_TTL whose sweep is deleted."""
        is_kept = exists(select(1).where(sweeps.c.as_of == bulk_checks.c.as_of).correlate(bulk_checks))
        self._connection.execute(delete(bulk_checks).where(bulk_checks.c.as_of <= now - CHECKS_TTL, ~is_kept))

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

    def drop_watch_sweep(self, *, before: datetime) -> int:
        """Delete one old watch sweep with its points. Return 1, or 0 if none is left."""
        oldest = select(watch_sweeps.c.as_of).where(watch_sweeps.c.as_of < before).order_by(watch_sweeps.c.as_of).limit(1)
        as_of = self._connection.execute(oldest).scalar_one_or_none()
        if as_of is None:
            return 0
        self._connection.execute(delete(watch_points).where(watch_points.c.as_of == as_of))
        return self._connection.execute(delete(watch_sweeps).where(watch_sweeps.c.as_of == as_of)).rowcount

    def clear_content(self, *, before: datetime) -> int:
        """Clear the contents of some old reports, and keep the runs. Return their number; 0: none is left."""
        old = and_(report_runs.c.due_at < before, report_runs.c.content.is_not(None))
        some = select(report_runs.c.id).where(old).limit(BATCH)
        return self._connection.execute(update(report_runs).where(report_runs.c.id.in_(some)).values(content=None)).rowcount
