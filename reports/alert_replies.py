"""Short replies in the thread of an alert's Slack message, and its update when a person acknowledges or snoozes the alert.

The message itself always shows the present state, but an edit notifies no one: a reply says what is worth another look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import AlertId
from alerts.states import ENDINGS, NoticeKind, SlackPost
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from reports.alert_status import STATUS_BLOCK
from reports.formatting import clip, format_delay
from reports.notice_layout import EXPIRES_AFTER
from reports.notices import is_own_message, key_of, stream_of
from reports.render.slack_blocks import clip_text, context

REPLY: Final = "-reply"
"""Key suffix of the reply that goes with an update."""
_MAX_LENGTH: Final = 600
_VERBS: Final = {NoticeKind.RESOLVED: "Resolved", NoticeKind.CLOSED: "Closed", NoticeKind.BECAME_USUAL: "Now usual"}


def alert_reply(notice: Notice, *, number: int, post: SlackPost, now: datetime, has_paged: bool) -> Message | None:
    """Return the reply that goes with the update of an alert's message; None if nothing is worth one.

    `has_paged`: the on-call engineer is paged with this notice. Such a reply is shown in the channel as well.
    """
    is_update = post.root != key_of(notice.alert, number, Channel.SLACK) and is_own_message(post.root, notice.alert)
    text = _text(notice, has_paged=has_paged) if is_update else ""
    if not text:
        return None
    return _reply(notice.alert, text, number=number, post=post, now=now, is_broadcast=has_paged)


def _text(notice: Notice, *, has_paged: bool) -> str:
    if notice.kind in ENDINGS:
        return f"{_VERBS[notice.kind]} after {format_delay(notice.as_of - notice.since)}. {notice.reason}"
    if notice.kind is NoticeKind.CHANGED:
        return f"{'Paged the on-call engineer' if has_paged else 'Changed'}: {notice.reason}"
    return ""


def status_messages(
    alert: AlertId, sentence: str, *, number: int, post: SlackPost, shown: Message | None, now: datetime
) -> tuple[Message, ...]:
    """Return the messages that say what a person did to an alert: an update of its message, and a reply in its thread.

    `shown` is the newest form of the alert's message. A message that is not the alert's own, such as a summary, is not updated.
    """
    reply = _reply(alert, sentence, number=number, post=post, now=now)
    if shown is None or not is_own_message(post.root, alert):
        return (reply,)
    update = replace(
        shown,
        key=key_of(alert, number, Channel.SLACK),
        number=number,
        target=post.target,
        action=EventAction.UPDATE,
        thread_of=post.root,
        reason=f"{sentence} Sent by {post.route}.",
        renderings=tuple(replace(one, payload=_with_status(one.payload, sentence)) for one in shown.renderings),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
    return update, reply


def _with_status(payload: Mapping[str, Json], sentence: str) -> dict[str, Json]:
    first, newline, rest = str(payload.get("text") or "").partition("\n")
    said = clip(sentence, _MAX_LENGTH)
    changed: dict[str, Json] = {**payload, "text": f"{first}\n{clip_text(said)}{newline}{rest}"}
    blocks = payload.get("blocks")
    if isinstance(blocks, list) and blocks:
        others = [block for block in blocks[1:] if not (isinstance(block, dict) and block.get("block_id") == STATUS_BLOCK)]
        changed["blocks"] = [blocks[0], {**context(said), "block_id": STATUS_BLOCK}, *others]
    return changed


def _reply(alert: AlertId, text: str, *, number: int, post: SlackPost, now: datetime, is_broadcast: bool = False) -> Message:
    key = key_of(alert, number, Channel.SLACK) + REPLY
    payload: dict[str, Json] = {"text": clip_text(clip(text, _MAX_LENGTH)), "mrkdwn": False}
    if is_broadcast:
        payload["reply_broadcast"] = True
    return Message(
        key=key,
        stream=stream_of(alert, Channel.SLACK) + REPLY,
        number=number,
        channel=Channel.SLACK,
        target=post.target,
        action=EventAction.POST,
        thread_of=post.root,
        about=str(alert.about),
        reason=f"{text} Sent by {post.route}.",
        renderings=(Rendering(variant=Variant.TEXT, payload=payload),),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
