"""The values that the outbox returns, and their conversion from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from domain.messages import Channel, DeliveryStatus, EventAction, Json, Message, Rendering, Variant


class DeliveryResult(StrEnum):
    """The result of one attempt. `started` is written before the call, and stays when the process is killed during it."""

    STARTED = "started"
    SENT = "sent"
    FOUND = "found"
    """An earlier attempt had arrived."""
    RESCHEDULED = "rescheduled"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackLocation:
    """The channel and timestamp of a message in Slack. They identify its thread."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMessage:
    """A message that the owner may send until `lease_until`."""

    message: Message
    attempt: int
    """Counted from 1."""
    owner: str
    lease_until: datetime
    unconfirmed_since: datetime | None
    """When the first attempt with an unknown outcome started; None without one."""
    thread: SlackLocation | None
    """The message whose thread this one is posted to; None: in no thread, or that message never arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """A message and its delivery status."""

    message: Message
    status: DeliveryStatus
    attempts: int
    not_before: datetime | None
    """Pending: not sent before it. Unknown: looked up then; None: no look-up is planned."""
    lease_until: datetime | None
    last_error: str | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt to deliver a message."""

    attempt: int
    at: datetime
    result: DeliveryResult
    variant: Variant | None
    location: SlackLocation | None
    detail: str


def values_of(message: Message) -> dict[str, Any]:
    """Return the columns of a message."""
    renderings: Json = [{"variant": str(one.variant), "payload": dict(one.payload)} for one in message.renderings]
    return {
        "key": message.key,
        "stream": message.stream,
        "number": message.number,
        "channel": str(message.channel),
        "target": message.target,
        "act": str(message.action),
        "thread_of": message.thread_of,
        "about": message.about,
        "reason": message.reason,
        "renderings": renderings,
        "created_at": message.created_at,
        "expires_at": message.expires_at,
    }


def message_of(row: RowMapping) -> Message:
    """Return the message of a row."""
    return Message(
        key=row["key"],
        stream=row["stream"],
        number=row["number"],
        channel=Channel(row["channel"]),
        target=row["target"],
        action=EventAction(row["act"]),
        thread_of=row["thread_of"],
        about=row["about"],
        reason=row["reason"],
        renderings=tuple(Rendering(variant=Variant(one["variant"]), payload=one["payload"]) for one in row["renderings"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def record_of(row: RowMapping) -> OutboxRecord:
    """Return the message of a row with its delivery status."""
    return OutboxRecord(
        message=message_of(row),
        status=DeliveryStatus(row["status"]),
        attempts=row["attempts"],
        not_before=row["not_before"],
        lease_until=row["lease_until"],
        last_error=row["last_error"],
        sent_at=row["sent_at"],
    )


def attempt_of(row: RowMapping) -> DeliveryAttempt:
    """Return the attempt of a row."""
    return DeliveryAttempt(
        attempt=row["attempt"],
        at=row["at"],
        result=DeliveryResult(row["result"]),
        variant=None if row["variant"] is None else Variant(row["variant"]),
        location=None if row["ts"] is None else SlackLocation(channel=row["channel"], ts=row["ts"]),
        detail=row["detail"],
    )
