"""Drops what is older than the retention says, a little in each transaction, so that nobody waits long for a writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.states import TRACKED_PHASES, AlertState, Phase, state_from_json
from domain.messages import Channel
from reports.notices import stream_of
from store import Transaction
from tasks.context import StageContext

MayBegin = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeResult:
    """How much was dropped."""

    sweeps: int = 0
    messages: int = 0
    alert_events: int = 0
    recommendations: int = 0
    reports: int = 0
    """Of which is only known from now on that they were made."""

    @property
    def is_anything(self) -> bool:
        """Say whether anything was dropped."""
        return self != PurgeResult()


def purge_expired(context: StageContext, *, may_begin: MayBegin = lambda: True) -> PurgeResult:
    """Drop what the retention keeps no longer, oldest first; once `may_begin` says no, nothing further is begun.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    retention, now = context.policy.retention, context.clock()
    months, years = now - retention.daily, now - retention.weekly
    return PurgeResult(
        sweeps=_forget_sweeps(context, now, may_begin),
        messages=_forget_messages(context, months, may_begin),
        alert_events=_forget(context, may_begin, lambda t: t.purge.drop_alert_events(before=years, quiet=Phase.QUIET.value)),
        recommendations=_forget(context, may_begin, lambda t: t.purge.drop_recommendations(before=years)),
        reports=_forget(context, may_begin, lambda t: t.purge.clear_content(before=years)),
    )


def _forget_sweeps(context: StageContext, now: datetime, may_begin: MayBegin) -> int:
    with context.store.reading() as transaction:
        due = transaction.purge.due(context.policy.retention, context.policy.schedules, now=now)
    dropped = 0
    for as_of in due:
        if not may_begin():
            break
        with context.store.transaction() as transaction:
            transaction.purge.drop(as_of)
        dropped += 1
    return dropped


def _forget_messages(context: StageContext, before: datetime, may_begin: MayBegin) -> int:
    """Drop old messages, but not those of an alert that is open: what it tells next answers in their thread."""
    with context.store.reading() as transaction:
        open_ones = [state_from_json(row.state) for row in transaction.alerts.states(statuses=TRACKED_PHASES)]
    streams = {stream_of(state.alert, channel) for state in open_ones for channel in Channel}
    roots = {root for root in map(_root_of, open_ones) if root is not None}
    dropped = after = 0
    while may_begin():
        with context.store.transaction() as transaction:
            batch = transaction.purge.ended_messages(before=before, after_id=after)
            if not batch:
                break
            unneeded = [message.id for message in batch if message.stream not in streams and message.key not in roots]
            dropped += transaction.purge.drop_messages(unneeded)
        after = batch[-1].id
    return dropped


def _root_of(state: AlertState) -> str | None:
    incident = state.incident
    post = incident.last_notification.post if incident is not None and incident.last_notification is not None else None
    return None if post is None else post.root


def _forget(context: StageContext, may_begin: MayBegin, drop: Callable[[Transaction], int]) -> int:
    dropped = 0
    while may_begin():
        with context.store.transaction() as transaction:
            some = drop(transaction)
        if not some:
            break
        dropped += some
    return dropped
