"""The layout of an alert's Slack message: title, findings as many as fit, what to do, links, and small print.

Names from outside are only put where nothing is interpreted as markup. Limits: https://docs.slack.dev (`reports.render.slack_blocks`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from alerts.states import SlackPost
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from reports.alert_status import STATUS_BLOCK
from reports.formatting import clip
from reports.render.slack_blocks import (
    MAX_URL_LENGTH,
    Block,
    BlockGroup,
    LinkedText,
    clip_text,
    context,
    header,
    join,
    link_buttons,
    linked_list,
    mention_channel,
    plain_text,
)
from reports.render.slack_packing import fits

EXPIRES_AFTER: Final = timedelta(hours=24)
"""Notices older than this are expired, not sent."""
MAX_LINES: Final = 20
"""Findings listed in a Slack message; the rest is counted."""
MAX_LINE: Final = 280
MAX_SENTENCE: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLine:
    """A line of a list, and where it leads."""

    text: str
    url: str | None = None
    note: str = ""
    """What follows the text and leads nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeContent:
    """What a message says, from top to bottom."""

    title: str
    lines: tuple[NoticeLine, ...]
    """One line per finding; as many are shown as fit."""
    after: str
    small: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    mention: str = ""
    """The channel that `after` names; then all of it is our own text."""
    status: str = ""
    """What a person did to it."""


def _fit(content: NoticeContent) -> BlockGroup:
    """Return the message with as many of its lines as fit; the text of one that is too long without any is clipped."""
    for shown in range(min(len(content.lines), MAX_LINES), 0, -1):
        groups = _groups_of(content, shown)
        if fits(groups):
            return join(groups)
    return join(_groups_of(content, 0))


def _groups_of(content: NoticeContent, shown: int) -> list[BlockGroup]:
    listed = [replace(line, text=clip(line.text, MAX_LINE)) for line in content.lines[:shown]]
    more = [f"and {len(content.lines) - shown:,} more"] if len(content.lines) > shown else []
    bullets = [f"\u2022 {line.text}{line.note}" for line in listed]
    body = "\n".join([*bullets, *more, content.after])
    if any(line.url for line in listed):
        main = [
            linked_list([LinkedText(parts=((line.text, line.url), (line.note, None))) for line in listed]),
            plain_text("\n".join([*more, content.after])),
        ]
    else:
        main = [mention_channel(body, content.mention) if content.mention else plain_text(body)]
    status = clip(content.status, MAX_SENTENCE)
    said: list[Block] = [{**context(status), "block_id": STATUS_BLOCK}] if status else []
    fitting = [link for link in content.links if len(link[1]) <= MAX_URL_LENGTH]
    buttons = [link_buttons(fitting)] if fitting else []
    addresses = tuple(f"{clip(label, MAX_LINE)}: {address}" for label, address in fitting)
    lines = (clip(content.title, MAX_SENTENCE), *([status] if status else []), body, *addresses)
    small = [clip(text, MAX_SENTENCE) for text in content.small]
    return [
        BlockGroup(blocks=(header(content.title), *said, *main, *buttons), lines=lines),
        *(BlockGroup(blocks=(context(text),), lines=(text,)) for text in small),
    ]


def slack_message(
    *,
    key: str,
    stream: str,
    number: int,
    post: SlackPost,
    about: str,
    reason: str,
    content: NoticeContent,
    now: datetime,
    is_update: bool = False,
) -> Message:
    """Return the message with as many of its lines as fit, in its native form and as text."""
    fitted = _fit(content)
    options: dict[str, Json] = {"mrkdwn": False, "text": clip_text("\n".join(fitted.lines))}
    return Message(
        key=key,
        stream=stream,
        number=number,
        channel=Channel.SLACK,
        target=post.target,
        action=EventAction.UPDATE if is_update else EventAction.POST,
        thread_of=post.root if post.root != key else None,
        about=about,
        reason=f"{reason} Sent by {post.route}.",
        renderings=(
            Rendering(variant=Variant.NATIVE, payload={"blocks": list(fitted.blocks), **options}),
            Rendering(variant=Variant.TEXT, payload=options),
        ),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
