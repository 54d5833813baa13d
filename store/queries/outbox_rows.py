"""What the outbox answers with, and how its rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from domain.messages import Channel, DeliveryStatus, EventAction, Json, Message, Rendering, Variant


class DeliveryResult(StrEnum):
    """What came of one attempt. `begun` is written before the call: a process killed in the middle leaves it so."""

    BEGUN = "begun"
    SENT = "sent"
    FOUND = "found"
    """An earlier attempt had arrived after all."""
    PUT_OFF = "put off"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackLocation:
    """Where a message stands in Slack: its channel and time stamp. A thread hangs on it."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMessage:
    """A message that is ours to send until `lease_until`."""

    message: Message
    attempt: int
    """The number of this attempt, from 1."""
    owner: str
    lease_until: datetime
    doubtful_since: datetime | None
    """When the first attempt began of which nobody knows whether it arrived; None: none did."""
    thread: SlackLocation | None
    """Where the message stands that this one answers in the thread of; None: it opens none, or that one never arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """A message and where it stands."""

    message: Message
    status: DeliveryStatus
    attempts: int
    not_before: datetime | None
    """Pending: not sent before. Unknown: looked up then; None: it stays unknown."""
    lease_until: datetime | None
    last_error: str | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt."""

    attempt: int
    at: datetime
    result: DeliveryResult
    variant: Variant | None
    place: SlackLocation | None
    detail: str


def values_of(message: Message) -> dict[str, Any]:
    """Put a message into the columns of its row."""
    renderings: Json = [{"variant": str(one.variant), "payload": dict(one.payload)} for one in message.renderings]
    return {
        "key": message.key,
        "stream": message.stream,
        "number": message.number,
        "channel": str(message.channel),
        "target": message.target,
        "act": str(message.act),
        "thread_of": message.thread_of,
        "about": message.about,
        "reason": message.reason,
        "renderings": renderings,
        "created_at": message.created_at,
        "expires_at": message.expires_at,
    }


def message_of(row: RowMapping) -> Message:
    """Read a message from its row."""
    return Message(
        key=row["key"],
        stream=row["stream"],
        number=row["number"],
        channel=Channel(row["channel"]),
        target=row["target"],
        act=EventAction(row["act"]),
        thread_of=row["thread_of"],
        about=row["about"],
        reason=row["reason"],
        renderings=tuple(Rendering(variant=Variant(one["variant"]), payload=one["payload"]) for one in row["renderings"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def entry_of(row: RowMapping) -> OutboxRecord:
    """Read a message and where it stands."""
    return OutboxRecord(
        message=message_of(row),
        status=DeliveryStatus(row["status"]),
        attempts=row["attempts"],
        not_before=row["not_before"],
        lease_until=row["lease_until"],
        last_error=row["last_error"],
        sent_at=row["sent_at"],
    )


def delivery_of(row: RowMapping) -> DeliveryAttempt:
    """Read an attempt."""
    return DeliveryAttempt(
        attempt=row["attempt"],
        at=row["at"],
        result=DeliveryResult(row["result"]),
        variant=None if row["variant"] is None else Variant(row["variant"]),
        place=None if row["ts"] is None else SlackLocation(channel=row["channel"], ts=row["ts"]),
        detail=row["detail"],
    )
