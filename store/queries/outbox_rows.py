"""The values that the outbox returns, and their conversion from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from domain.messages import Channel, DeliveryStatus, EventAction, Json, Message, Rendering, Variant
from store.queries.rows import read_as, row_from


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
    """The message whose thread this one is posted to, or that it updates; None: there is none, or that message never arrived."""
    posted_as: str | None = None
    """Of an update: the key of the message that was posted there, which is in its metadata."""


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
class OutboxBacklog:
    """The messages of one status."""

    status: DeliveryStatus
    messages: int
    oldest: datetime
    """When the oldest of them was created."""


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
    return {**row_from(message, without=("action", "renderings")), "act": message.action, "renderings": renderings}


def message_of(row: RowMapping) -> Message:
    """Return the message of a row."""
    renderings = tuple(Rendering(variant=Variant(one["variant"]), payload=one["payload"]) for one in row["renderings"])
    return read_as(Message, row, channel=Channel(row["channel"]), action=EventAction(row["act"]), renderings=renderings)


def record_of(row: RowMapping) -> OutboxRecord:
    """Return the message of a row with its delivery status."""
    return read_as(OutboxRecord, row, message=message_of(row), status=DeliveryStatus(row["status"]))


def attempt_of(row: RowMapping) -> DeliveryAttempt:
    """Return the attempt of a row."""
    return read_as(
        DeliveryAttempt,
        row,
        result=DeliveryResult(row["result"]),
        variant=None if row["variant"] is None else Variant(row["variant"]),
        location=None if row["ts"] is None else SlackLocation(channel=row["channel"], ts=row["ts"]),
    )
