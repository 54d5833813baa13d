"""A message that is ready to send, as the outbox holds it, and which unsent messages a later one supersedes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, Union

Json: TypeAlias = Union[str, int, float, bool, "list[Json]", "dict[str, Json]", None]


class Channel(StrEnum):
    """The service that delivers a message."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"


class EventAction(StrEnum):
    """What a message does at its service. Slack messages post or update."""

    POST = "post"
    UPDATE = "update"
    """Replace the content of the message that `thread_of` names, or of the one that replaced it; post a new message if it is gone."""
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    CHANGE = "change"
    """PagerDuty shows it next to incidents, without a notification."""


class Variant(StrEnum):
    """How much of a service's own formatting a rendering uses, richest first."""

    NATIVE = "native"
    BLOCKS = "blocks"
    """Without the blocks that a workspace may not accept: charts and tables."""
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One form of the message. Deliver falls back to the next only after a permanent format error.

    `payload` is the body of Slack's `chat.postMessage` without channel, thread and metadata, or of PagerDuty's
    `/v2/enqueue` without the routing key.
    """

    variant: Variant
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One row of the outbox, as its stage wrote it. Holds no secret."""

    key: str
    """Unique: `report:weekly:<team>:2026-W47:slack:1`, `alert:<id>:<event number>:pagerduty`. A repeat has no effect."""
    stream: str
    """Messages of one stream are sent in the order of their numbers."""
    number: int
    channel: Channel
    target: str
    """A Slack channel id, or the fingerprint of a PagerDuty routing key."""
    action: EventAction
    thread_of: str | None
    """The key of the message that starts the Slack thread of this one, or that this one updates."""
    about: str
    """What it concerns: an entity or team reference, or `platform`."""
    reason: str
    """One sentence: why it is sent, and by which rule it goes to this target."""
    renderings: tuple[Rendering, ...]
    created_at: datetime
    expires_at: datetime


class DeliveryStatus(StrEnum):
    """The delivery status of a message.

    pending -> leased -> sent | failed | unknown | pending (after a temporary failure)
    pending -> cancelled (superseded by its resolve) | expired (reported once)
    """

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStatus:
    """The delivery status of one event of a stream."""

    key: str
    action: EventAction
    status: DeliveryStatus
    attempts: int
    """How often it was sent; a pending one with attempts may have arrived."""


def superseded(stream: Iterable[EventStatus]) -> tuple[str, ...]:
    """Return the keys to cancel, in order, of one stream's events in their order.

    A pending trigger is cancelled when its resolve is pending too: no page for what is over. The resolve is cancelled with it
    only if nothing can be open at PagerDuty: no earlier event since the last sent resolve may have arrived.
    """
    cancelled: list[str] = []
    waiting: list[EventStatus] = []
    may_be_open = False
    for event in stream:
        if event.action is EventAction.RESOLVE:
            if event.status is DeliveryStatus.PENDING:
                if waiting:
                    cancelled += [one.key for one in waiting]
                    may_be_open = may_be_open or any(one.attempts for one in waiting)
                    if not may_be_open and not event.attempts:
                        cancelled.append(event.key)
            elif event.status is DeliveryStatus.SENT:
                may_be_open = False
            waiting = []
        elif event.status is DeliveryStatus.PENDING:
            waiting.append(event)
        elif event.status is not DeliveryStatus.FAILED and (event.attempts or event.status is DeliveryStatus.SENT):
            may_be_open = True
    return tuple(cancelled)


def resolve_to_repeat(later: Iterable[EventStatus]) -> str | None:
    """Return the key of the resolve to send again after a trigger arrived late; `later` are the events behind it, in their order.

    The trigger has opened an incident again if the last event that may have arrived is a resolve. It has not if that is another
    trigger: the condition is true again, and the late one is folded in.
    """
    arrived = [event for event in later if event.attempts and event.status not in {DeliveryStatus.FAILED, DeliveryStatus.PENDING}]
    last = arrived[-1] if arrived else None
    return last.key if last is not None and last.action is EventAction.RESOLVE else None
