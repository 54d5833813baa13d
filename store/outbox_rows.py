"""What the outbox answers with, and how its rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from domain.messages import Act, Channel, Json, Message, Rendering, Status, Variant


class Result(StrEnum):
    """What came of one attempt. `begun` is written before the call: a process killed in the middle leaves it so."""

    BEGUN = "begun"
    SENT = "sent"
    FOUND = "found"
    """An earlier attempt had arrived after all."""
    PUT_OFF = "put off"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message stands in Slack: its channel and time stamp. A thread hangs on it."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message that is ours to send until `lease_until`."""

    message: Message
    attempt: int
    """The number of this attempt, from 1."""
    owner: str
    lease_until: datetime
    doubtful_since: datetime | None
    """When the first attempt began of which nobody knows whether it arrived; None: none did."""
    thread: Place | None
    """Where the message stands that this one answers in the thread of; None: it opens none, or that one never arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message and where it stands."""

    message: Message
    status: Status
    attempts: int
    not_before: datetime | None
    """Pending: not sent before. Unknown: looked up then; None: it stays unknown."""
    lease_until: datetime | None
    last_error: str | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt."""

    attempt: int
    at: datetime
    result: Result
    variant: Variant | None
    place: Place | None
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
        act=Act(row["act"]),
        thread_of=row["thread_of"],
        about=row["about"],
        reason=row["reason"],
        renderings=tuple(Rendering(variant=Variant(one["variant"]), payload=one["payload"]) for one in row["renderings"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def entry_of(row: RowMapping) -> Entry:
    """Read a message and where it stands."""
    return Entry(
        message=message_of(row),
        status=Status(row["status"]),
        attempts=row["attempts"],
        not_before=row["not_before"],
        lease_until=row["lease_until"],
        last_error=row["last_error"],
        sent_at=row["sent_at"],
    )


def delivery_of(row: RowMapping) -> Delivery:
    """Read an attempt."""
    return Delivery(
        attempt=row["attempt"],
        at=row["at"],
        result=Result(row["result"]),
        variant=None if row["variant"] is None else Variant(row["variant"]),
        place=None if row["ts"] is None else Place(channel=row["channel"], ts=row["ts"]),
        detail=row["detail"],
    )
