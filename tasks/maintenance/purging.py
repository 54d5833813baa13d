"""Deletes what has outlived its retention, in small transactions, so that no writer waits long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from alerts.states import STATE_JSON, TRACKED_PHASES, Phase
from domain.messages import Channel
from reports.notices import stream_of
from store import Transaction
from store.retention import WATCH_SWEEPS_TTL
from tasks.context import StageContext

MayBegin = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeResult:
    """Rows deleted."""

    sweeps: int = 0
    watch_sweeps: int = 0
    messages: int = 0
    alert_events: int = 0
    recommendations: int = 0
    reports: int = 0
    """Reports whose content was cleared; that they were made stays known."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows deleted by kind, zeros included."""
        return asdict(self)


def purge_expired(context: StageContext, *, may_begin: MayBegin = lambda: True) -> PurgeResult:
    """Delete what has outlived its retention, oldest first, until `may_begin` returns False.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    retention, now = context.policy.retention, context.clock()
    months, years = now - retention.daily, now - retention.weekly
    return PurgeResult(
        sweeps=_purge_sweeps(context, now, may_begin),
        watch_sweeps=_purge(context, may_begin, lambda t: t.purge.drop_watch_sweep(before=now - WATCH_SWEEPS_TTL)),
        messages=_purge_messages(context, months, may_begin),
        alert_events=_purge(context, may_begin, lambda t: t.purge.drop_alert_events(before=years, quiet=Phase.QUIET.value)),
        recommendations=_purge(context, may_begin, lambda t: t.purge.drop_recommendations(before=years)),
        reports=_purge(context, may_begin, lambda t: t.purge.clear_content(before=years)),
    )


def _purge_sweeps(context: StageContext, now: datetime, may_begin: MayBegin) -> int:
    with context.store.reading() as transaction:
        due = transaction.purge.due(context.policy.retention, context.policy.schedules, now=now)
    purged = 0
    for as_of in due:
        if not may_begin():
            break
        with context.store.transaction() as transaction:
            transaction.purge.drop(as_of)
        purged += 1
    if purged:
        with context.store.transaction() as transaction:
            transaction.purge.drop_bulk_checks(now=now)
    return purged


def _purge_messages(context: StageContext, before: datetime, may_begin: MayBegin) -> int:
    """Delete old messages, except those of a tracked alert: its next notice is posted into their thread."""
    with context.store.reading() as transaction:
        tracked = [STATE_JSON.validate_python(row.state) for row in transaction.alerts.states(statuses=TRACKED_PHASES)]
    streams = {stream_of(state.alert, channel) for state in tracked for channel in Channel}
    roots = {last.post.root for state in tracked if (last := state.last_notification) is not None and last.post is not None}
    purged = after = 0
    while may_begin():
        with context.store.transaction() as transaction:
            batch = transaction.purge.ended_messages(before=before, after_id=after)
            if not batch:
                break
            unneeded = [message.id for message in batch if message.stream not in streams and message.key not in roots]
            purged += transaction.purge.drop_messages(unneeded)
        after = batch[-1].id
    return purged


def _purge(context: StageContext, may_begin: MayBegin, delete_batch: Callable[[Transaction], int]) -> int:
    purged = 0
    while may_begin():
        with context.store.transaction() as transaction:
            deleted = delete_batch(transaction)
        if not deleted:
            break
        purged += deleted
    return purged
