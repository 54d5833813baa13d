"""Words for the platform channel about messages that did not go where they should.

Pure. A message that tells of another one is never told of in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from reports.render.slack_blocks import escape
from store.queries.outbox import FALLBACK

TOLD_WITHIN: Final = timedelta(hours=24)
PREFIX: Final = "delivery:"
"""What the keys of these notices begin with."""
LISTED: Final = 20
"""Messages named one by one in a notice about many."""
_REASON_LENGTH: Final = 600


def tells_of_another(message: Message) -> bool:
    """Say whether it is a notice or a fallback: when that fails too, the story ends in the log and in `status`."""
    return message.key.startswith(PREFIX) or message.key.endswith(FALLBACK)


def fallback_of(message: Message, *, channel: str, why: str, now: datetime) -> Message:
    """The same message for the platform channel, with the reason in front of every rendering."""
    note = f"This was meant for the channel {escape(message.target)}, which cannot take it. {escape(_short(why))}"
    return replace(
        message,
        key=message.key + FALLBACK,
        stream=message.key + FALLBACK,
        number=1,
        target=channel,
        thread_of=None,
        reason=f"its own channel cannot take it, so it goes to the platform channel ({why})",
        renderings=tuple(replace(one, payload=_prefixed(one.payload, note)) for one in message.renderings),
        created_at=now,
        expires_at=max(message.expires_at, now + TOLD_WITHIN),
    )


def failed_notice(message: Message, *, attempt: int, channel: str, why: str, now: datetime) -> Message:
    """Tell that a message will never be sent, and what to do by hand."""
    what = _for_pagerduty(message) if message.channel is Channel.PAGERDUTY else _for_slack(message)
    text = f":warning: {what}\n{escape(_short(why))}\nIt was about {escape(message.about)}: {escape(_short(message.reason))}"
    return _notice(
        f"{PREFIX}failed:{message.key}:{attempt}", text, channel=channel, reason="a message could not be sent", now=now
    )


def unknown_notice(message: Message, *, attempt: int, channel: str, why: str, now: datetime) -> Message:
    """Tell that nobody can say whether a message arrived."""
    text = (
        f":warning: A message for channel {escape(message.target)} may or may not have arrived, and it is not sent again.\n"
        f"{escape(_short(why))}\nIt was about {escape(message.about)}: {escape(_short(message.reason))}\n"
        f"Look for it there; if it is missing, run `scaleops-worker outbox retry '{escape(message.key)}'`."
    )
    reason = "nobody can say whether a message arrived"
    return _notice(f"{PREFIX}unknown:{message.key}:{attempt}", text, channel=channel, reason=reason, now=now)


def expired_notice(messages: Sequence[Message], *, channel: str, now: datetime) -> Message:
    """Tell once of everything that was not sent in its time. At least one message."""
    lines = [f"• {_one_line(message)}" for message in messages[:LISTED]]
    if len(messages) > LISTED:
        lines.append(f"• and {len(messages) - LISTED} more: `scaleops-worker outbox list`")
    count = "One message was" if len(messages) == 1 else f"{len(messages)} messages were"
    text = "\n".join([f":warning: {count} not sent in time and will not be sent any more.", *lines])
    key = f"{PREFIX}expired:{messages[0].key}:{now:%Y%m%dT%H%M%S}"
    return _notice(key, text, channel=channel, reason="messages were not sent in their time", now=now)


def _notice(key: str, text: str, *, channel: str, reason: str, now: datetime) -> Message:
    return Message(
        key=key,
        stream=key,
        number=1,
        channel=Channel.SLACK,
        target=channel,
        act=EventAction.POST,
        thread_of=None,
        about="platform",
        reason=reason,
        renderings=(Rendering(variant=Variant.TEXT, payload={"text": text}),),
        created_at=now,
        expires_at=now + TOLD_WITHIN,
    )


def _for_pagerduty(message: Message) -> str:
    dedup_key = escape(_dedup_key(message))
    match message.act:
        case EventAction.RESOLVE:
            return f"PagerDuty could not be told that an incident is over. Please resolve it by hand: dedup key `{dedup_key}`."
        case EventAction.ACKNOWLEDGE:
            return f"PagerDuty could not be told that an incident is acknowledged. Its dedup key is `{dedup_key}`."
        case _:
            return f"PagerDuty could not be told to open an incident. Please call whoever is on call: dedup key `{dedup_key}`."


def _for_slack(message: Message) -> str:
    return f"A message for channel {escape(message.target)} could not be sent."


def _one_line(message: Message) -> str:
    if message.channel is Channel.PAGERDUTY:
        return f"{_for_pagerduty(message)} ({escape(message.about)})"
    return f"for channel {escape(message.target)}, about {escape(message.about)}: {escape(_short(message.reason))}"


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


def _short(text: str) -> str:
    return text if len(text) <= _REASON_LENGTH else f"{text[: _REASON_LENGTH - 1]}…"
