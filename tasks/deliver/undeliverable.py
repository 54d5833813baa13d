"""Notices to the platform channel about messages that were not delivered. Pure.

Notices about notices are never generated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from reports.formatting import clip, shell_word
from reports.render.slack_blocks import clip_text, context, escape, mention_channel, plain_text
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
    return replace(
        message,
        key=message.key + FALLBACK,
        stream=message.key + FALLBACK,
        number=1,
        target=channel,
        action=EventAction.POST,
        thread_of=None,
        reason=f"its own channel rejected it, so it goes to the platform channel ({reason})",
        renderings=tuple(
            replace(one, payload=_prefixed(one.payload, message.target, _shorten(reason))) for one in message.renderings
        ),
        created_at=now,
        expires_at=max(message.expires_at, now + NOTICE_TTL),
    )


def failed_notice(message: Message, *, attempt: int, channel: str, reason: str, runbook: str, now: datetime) -> Message:
    """Return a notice that a message will never be sent, and what to do by hand."""
    lines = [reason, _subject(message), f"Run book: {runbook}"]
    key = f"{PREFIX}failed:{message.key}:{attempt}"
    return _notice(
        key, _failure(message), lines, channel=channel, mentioned=message.target, reason="a message could not be sent", now=now
    )


def unknown_notice(message: Message, *, attempt: int, channel: str, reason: str, runbook: str, now: datetime) -> Message:
    """Return a notice that the delivery of a message is unconfirmed."""
    title = f"A message for channel {message.target} may or may not have arrived, and it is not sent again."
    lines = [reason, _subject(message)]
    retry = f"Look for it there; if it is missing, run: scaleops-worker outbox retry {shell_word(message.key)}"
    key = f"{PREFIX}unknown:{message.key}:{attempt}"
    why = "the delivery of a message is unconfirmed"
    return _notice(
        key, title, [*lines, retry, f"Run book: {runbook}"], channel=channel, mentioned=message.target, reason=why, now=now
    )


def expired_notice(messages: Sequence[Message], *, channel: str, runbook: str, now: datetime) -> Message:
    """Return one notice of all messages that expired before they were sent. At least one message."""
    lines = [f"\N{BULLET} {_summary(message)}" for message in messages[:MAX_LISTED]]
    if len(messages) > MAX_LISTED:
        lines.append(f"\N{BULLET} and {len(messages) - MAX_LISTED} more: scaleops-worker outbox list")
    count = "One message" if len(messages) == 1 else f"{len(messages)} messages"
    title = f"{count} expired before being sent and will not be sent any more."
    key = f"{PREFIX}expired:{messages[0].key}:{now:%Y%m%dT%H%M%S}"
    lines.append(f"Run book: {runbook}")
    return _notice(key, title, lines, channel=channel, reason="messages expired before they were sent", now=now)


def _notice(
    key: str, title: str, lines: Sequence[str], *, channel: str, mentioned: str = "", reason: str, now: datetime
) -> Message:
    """Build a notice that is never interpreted as markup, but for the channel that its title mentions."""
    title, body = f"\N{WARNING SIGN} {title}", "\n".join(_shorten(line) for line in lines if line)
    text = clip_text(f"{title}\n{body}")
    blocks: list[Json] = [mention_channel(title, mentioned), plain_text(body)]
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
        renderings=(
            Rendering(variant=Variant.NATIVE, payload={"text": text, "blocks": blocks, "mrkdwn": False}),
            Rendering(variant=Variant.TEXT, payload={"text": text, "mrkdwn": False}),
        ),
        created_at=now,
        expires_at=now + NOTICE_TTL,
    )


def _failure(message: Message) -> str:
    if message.channel is not Channel.PAGERDUTY:
        return f"A message for channel {message.target} could not be sent."
    if message.action is EventAction.CHANGE:
        return "A change event could not be recorded at PagerDuty. There is nothing to do."
    dedup_key = _dedup_key(message)
    match message.action:
        case EventAction.RESOLVE:
            return f"A PagerDuty incident could not be resolved. Please resolve it by hand: dedup key {dedup_key}."
        case EventAction.ACKNOWLEDGE:
            return f"A PagerDuty incident could not be acknowledged. Its dedup key is {dedup_key}."
        case _:
            return f"A PagerDuty incident could not be opened. Please call the person on call: dedup key {dedup_key}."


def _subject(message: Message) -> str:
    return f"It was about {message.about}: {_shorten(message.reason)}"


def _summary(message: Message) -> str:
    if message.channel is Channel.PAGERDUTY:
        return f"{_failure(message)} ({message.about})"
    return f"for channel {message.target}, about {message.about}: {_shorten(message.reason)}"


def _dedup_key(message: Message) -> str:
    return next((str(one.payload["dedup_key"]) for one in message.renderings if one.payload.get("dedup_key")), "unknown")


def _prefixed(payload: Mapping[str, Json], target: str, reason: str) -> dict[str, Json]:
    note = f"This was meant for the channel {target}, which rejected it."
    prefixed: dict[str, Json] = {**payload, "text": f"{escape(note)} {escape(reason)}\n{payload.get('text') or ''}"}
    blocks = payload.get("blocks")
    if isinstance(blocks, list):
        prefixed["blocks"] = [mention_channel(note, target), *([context(reason)] if reason else []), *blocks]
    return prefixed


def _shorten(text: str) -> str:
    return clip(text, _MAX_REASON_LENGTH)
