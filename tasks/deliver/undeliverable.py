"""Notices to the platform channel about messages that were not delivered. Pure.

Notices about notices are never generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from reports.formatting import shell_word
from reports.render.slack_blocks import escape
from store.queries.outbox_conditions import FALLBACK

NOTICE_TTL: Final = timedelta(hours=24)
PREFIX: Final = "delivery:"
"""Prefix of the keys of these notices."""
MAX_LISTED: Final = 20
"""Messages listed individually in one notice."""
_MAX_REASON_LENGTH: Final = 600


def is_meta_notice(message: Message) -> bool:
    """Return True if the message is itself a notice about, or a fallback of, an undelivered one; its failure is only logged."""
    return message.key.startswith(PREFIX) or message.key.endswith(FALLBACK)


def to_platform_channel(message: Message, *, channel: str, reason: str, now: datetime) -> Message:
    """Return the message addressed to the platform channel, with the reason in front of every rendering."""
    note = f"This was meant for the channel {escape(message.target)}, which rejected it. {escape(_shorten(reason))}"
    return replace(
        message,
        key=message.key + FALLBACK,
        stream=message.key + FALLBACK,
        number=1,
        target=channel,
        action=EventAction.POST,
        thread_of=None,
        reason=f"its own channel rejected it, so it goes to the platform channel ({reason})",
        renderings=tuple(replace(one, payload=_prefixed(one.payload, note)) for one in message.renderings),
        created_at=now,
        expires_at=max(message.expires_at, now + NOTICE_TTL),
    )


def failed_notice(message: Message, *, attempt: int, channel: str, reason: str, now: datetime) -> Message:
    """Return a notice that a message will never be sent, and what to do by hand."""
    text = f":warning: {_failure(message)}\n{escape(_shorten(reason))}\n{_subject(message)}"
    key = f"{PREFIX}failed:{message.key}:{attempt}"
    return _notice(key, text, channel=channel, reason="a message could not be sent", now=now)


def unknown_notice(message: Message, *, attempt: int, channel: str, reason: str, now: datetime) -> Message:
    """Return a notice that the delivery of a message is unconfirmed."""
    text = (
        f":warning: A message for channel {escape(message.target)} may or may not have arrived, and it is not sent again.\n"
        f"{escape(_shorten(reason))}\n{_subject(message)}\n"
        f"Look for it there; if it is missing, run `scaleops-worker outbox retry {escape(shell_word(message.key))}`."
    )
    key = f"{PREFIX}unknown:{message.key}:{attempt}"
    return _notice(key, text, channel=channel, reason="the delivery of a message is unconfirmed", now=now)


def expired_notice(messages: Sequence[Message], *, channel: str, now: datetime) -> Message:
    """Return one notice of all messages that expired before they were sent. At least one message."""
    lines = [f"• {_summary(message)}" for message in messages[:MAX_LISTED]]
    if len(messages) > MAX_LISTED:
        lines.append(f"• and {len(messages) - MAX_LISTED} more: `scaleops-worker outbox list`")
    count = "One message" if len(messages) == 1 else f"{len(messages)} messages"
    text = "\n".join([f":warning: {count} expired before being sent and will not be sent any more.", *lines])
    key = f"{PREFIX}expired:{messages[0].key}:{now:%Y%m%dT%H%M%S}"
    return _notice(key, text, channel=channel, reason="messages expired before they were sent", now=now)


def _notice(key: str, text: str, *, channel: str, reason: str, now: datetime) -> Message:
    return Message(
        key=key,
        stream=key,
        number=1,
        channel=Channel.SLACK,
        target=channel,
        action=EventAction.POST,
        thread_of=None,
        about="platform",
        reason=reason,
        renderings=(Rendering(variant=Variant.TEXT, payload={"text": text}),),
        created_at=now,
        expires_at=now + NOTICE_TTL,
    )


def _failure(message: Message) -> str:
    if message.channel is not Channel.PAGERDUTY:
        return f"A message for channel {escape(message.target)} could not be sent."
    if message.action is EventAction.CHANGE:
        return "A change event could not be recorded at PagerDuty. There is nothing to do."
    dedup_key = escape(_dedup_key(message))
    match message.action:
        case EventAction.RESOLVE:
            return f"A PagerDuty incident could not be resolved. Please resolve it by hand: dedup key `{dedup_key}`."
        case EventAction.ACKNOWLEDGE:
            return f"A PagerDuty incident could not be acknowledged. Its dedup key is `{dedup_key}`."
        case _:
            return f"A PagerDuty incident could not be opened. Please call the person on call: dedup key `{dedup_key}`."


def _subject(message: Message) -> str:
    return f"It was about {escape(message.about)}: {escape(_shorten(message.reason))}"


def _summary(message: Message) -> str:
    if message.channel is Channel.PAGERDUTY:
        return f"{_failure(message)} ({escape(message.about)})"
    return f"for channel {escape(message.target)}, about {escape(message.about)}: {escape(_shorten(message.reason))}"


def _dedup_key(message: Message) -> str:
    return next((str(one.payload["dedup_key"]) for one in message.renderings if one.payload.get("dedup_key")), "unknown")


def _prefixed(payload: object, note: str) -> dict[str, Json]:
    plain: dict[str, Json] = dict(payload) if isinstance(payload, dict) else {}
    prefixed: dict[str, Json] = {**plain, "text": f"{note}\n{plain.get('text') or ''}"}
    blocks = plain.get("blocks")
    if isinstance(blocks, list):
        context: Json = {"type": "context", "elements": [{"type": "mrkdwn", "text": note}]}
        prefixed["blocks"] = [context, *blocks]
    return prefixed


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_REASON_LENGTH else f"{text[: _MAX_REASON_LENGTH - 1]}…"
