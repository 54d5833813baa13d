"""A message that is ready to be sent: what the outbox holds and the deliver stage takes out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, Union

Json: TypeAlias = Union[str, int, float, bool, "list[Json]", "dict[str, Json]", None]


class Channel(StrEnum):
    """The service that carries a message."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"


class EventAction(StrEnum):
    """What a message does where it arrives. Slack only ever posts."""

    POST = "post"
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class Variant(StrEnum):
    """How much of a service's own formatting a rendering uses, richest first."""

    NATIVE = "native"
    PICTURE = "picture"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One form of the message. Deliver takes the next only when the service refuses this one's format for good.

    `payload` is the body of Slack's `chat.postMessage` without channel, thread and metadata, or of PagerDuty's
    `/v2/enqueue` without the routing key.
    """

    variant: Variant
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One row of the outbox as the room that decided it wrote it. Holds no secret."""

    key: str
    """Unique for ever: `report:weekly:<team>:2026-W47:slack:1`, `alert:<id>:<event number>:pagerduty`. A repeat is no effect."""
    stream: str
    """Messages of one stream are sent in the order of their numbers."""
    number: int
    channel: Channel
    target: str
    """A Slack channel id, or the fingerprint of a PagerDuty routing key."""
    act: EventAction
    thread_of: str | None
    """The key of the message whose Slack thread this one answers in."""
    about: str
    """Whom it concerns: an entity or team reference, or `platform`."""
    reason: str
    """One sentence: why it is sent, and by which rule it goes to this target."""
    renderings: tuple[Rendering, ...]
    created_at: datetime
    expires_at: datetime


class DeliveryStatus(StrEnum):
    """Where a message stands.

    pending -> leased -> sent | failed | unknown | pending (after a temporary failure)
    pending -> cancelled (its resolve overtook it) | expired (told once)
    """

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
