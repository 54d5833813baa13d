"""The timeline of an alert for people: what happened, why each notice was sent, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from alerts.states import Acknowledged, Dismissed, Event, NotificationSent, Observed, Snoozed
from domain.clock import format_utc
from domain.messages import Channel
from store.queries.outbox_rows import OutboxRecord

_CHANNELS = {Channel.SLACK: "Slack", Channel.PAGERDUTY: "PagerDuty"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One event. Sweeps in a row are one entry."""

    at: datetime
    what: str
    why: str = ""
    sent: tuple[str, ...] = ()
    """The messages, each with its service, destination and delivery."""


def timeline_of(alert: str, events: Iterable[tuple[int, Event]], messages: Sequence[OutboxRecord]) -> tuple[TimelineEntry, ...]:
    """Return the timeline of an alert, the newest first. `events`: with their numbers; `messages`: those that are still stored."""
    by_number: dict[str, list[OutboxRecord]] = {}
    for one in messages:
        by_number.setdefault(one.message.key.rpartition(":")[0], []).append(one)
    entries: list[TimelineEntry] = []
    sweeps: list[Observed] = []
    for number, event in events:
        if isinstance(event, Observed):
            sweeps.append(event)
            continue
        entries += _sweeps_entry(sweeps)
        sweeps = []
        entries.append(_entry_of(event, by_number.get(f"alert:{alert}:{number}", ())))
    return (*reversed([*entries, *_sweeps_entry(sweeps)]),)


def _sweeps_entry(sweeps: Sequence[Observed]) -> list[TimelineEntry]:
    if not sweeps:
        return []
    last = sweeps[-1].observation
    found = f"{len(last.found)} found, {len(last.unknown)} unknown"
    what = f"Measured: {found}" if len(sweeps) == 1 else f"Measured {len(sweeps)} times, last: {found}"
    return [TimelineEntry(at=sweeps[-1].at, what=what, why=last.reason)]


def _entry_of(event: Acknowledged | Snoozed | Dismissed | NotificationSent, messages: Sequence[OutboxRecord]) -> TimelineEntry:
    sent = tuple(map(_delivery_of, messages))
    match event:
        case NotificationSent():
            return TimelineEntry(at=event.at, what=f"Notified: {event.notice.value}", why=event.reason, sent=sent)
        case Acknowledged():
            return TimelineEntry(at=event.at, what=f"Acknowledged by {event.by}", why=event.note, sent=sent)
        case Snoozed():
            until = format_utc(event.until)
            return TimelineEntry(at=event.at, what=f"Snoozed by {event.by} until {until}", why=event.note, sent=sent)
        case Dismissed():
            return TimelineEntry(at=event.at, what=f"Dismissed by {event.by}", why=event.reason, sent=sent)
        case _:
            assert_never(event)


def _delivery_of(record: OutboxRecord) -> str:
    message = record.message
    place = f"{_CHANNELS[message.channel]} {message.target}" if message.channel is Channel.SLACK else _CHANNELS[message.channel]
    if record.sent_at is not None:
        return f"{place}: {message.action} delivered {format_utc(record.sent_at)}"
    return f"{place}: {message.action} {record.status}{f', {record.last_error}' if record.last_error else ''}"
