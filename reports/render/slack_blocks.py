"""The Slack Block Kit elements that reports use, within Slack's limits.

Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks, texts of 3000, headers of 150, 100 rows a table, one table a
message). The limit on the total size of a message is undocumented: Slack refuses from about 12,000 characters of text on, so
a message here stays below 10,000 characters of JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, Union

from domain.messages import Json
from reports.formatting import ELLIPSIS, clip, one_line

MAX_BLOCKS: Final = 45
MAX_MESSAGE_LENGTH: Final = 10_000
MAX_FALLBACK_LENGTH: Final = 4_000
"""Slack recommends at most this many characters of `text`."""
MAX_HEADER_LENGTH: Final = 150
MAX_SECTION_LENGTH: Final = 3_000
MAX_TABLE_ROWS: Final = 100
MAX_BUTTON_LENGTH: Final = 75
MAX_BUTTONS: Final = 5
"""In a row; Slack allows 25."""
MAX_URL_LENGTH: Final = 3_000

_CHANNEL_ID: Final = re.compile(r"[CG][A-Z0-9]{2,}")

Block: TypeAlias = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class LinkedText:
    """A literal text whose parts may be links: (text, URL or None)."""

    parts: tuple[tuple[str, str | None], ...]


Cell: TypeAlias = Union[str, LinkedText]  # noqa: UP007 - readable as a list


@dataclass(frozen=True, kw_only=True)
class BlockGroup:
    """Blocks that stay in one message, and the same content as text lines."""

    blocks: tuple[Block, ...]
    lines: tuple[str, ...]
    basic_blocks: tuple[Block, ...] | None = None
    """The same without chart and table blocks, for a workspace that refuses these; None: there are none."""

    @property
    def tables(self) -> int:
        """Number of tables; a message may have one."""
        return sum(1 for block in self.blocks if block["type"] == "table")


def escape(text: str) -> str:
    """Escape Slack's three control characters, for mrkdwn and for the fallback text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip_text(text: str) -> str:
    """Return the escaped fallback text, clipped at the end of a line so that no escape sequence is split."""
    escaped = escape(text)
    return (
        escaped
        if len(escaped) <= MAX_FALLBACK_LENGTH
        else f"{escaped[: MAX_FALLBACK_LENGTH - 10].rpartition(chr(10))[0]}\n{ELLIPSIS}"
    )


def header(text: str) -> Block:
    """Build a header; never interpreted as markup."""
    return {"type": "header", "text": _plain(clip(text, MAX_HEADER_LENGTH))}


def plain_text(text: str, *, link: tuple[str, str] | None = None) -> Block:
    """Build a paragraph that is never interpreted as markup; `link` is (label, URL) of an accessory button."""
    block: Block = {"type": "section", "text": _plain(_clip_lines(text, MAX_SECTION_LENGTH))}
    if link is not None and len(link[1]) <= MAX_URL_LENGTH:
        block["accessory"] = _button(*link)
    return block


def mrkdwn(text: str) -> Block:
    """Build a mrkdwn paragraph. Only for our own escaped text and numbers, never for a name."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def mention_channel(text: str, channel: str) -> Block:
    """Build a paragraph of our own text in which the id of a channel, if it is one, is shown by the channel's name, as a link to it."""
    if not _CHANNEL_ID.fullmatch(channel):
        return plain_text(text)
    return mrkdwn(escape(text).replace(channel, f"<#{channel}>"))


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Build up to ten labelled values, of our own text and numbers."""
    return {
        "type": "section",
        "fields": [{"type": "mrkdwn", "text": f"*{escape(label)}*\n{escape(value)}"} for label, value in list(pairs)[:10]],
    }


def labelled(label: str, text: str) -> Block:
    """Build a paragraph with a bold label; never interpreted as markup."""
    parts: list[Json] = [
        {"type": "text", "text": f"{one_line(label)}: ", "style": {"bold": True}},
        {"type": "text", "text": _clip_lines(text, MAX_SECTION_LENGTH) or "\u2013"},
    ]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}


def preformatted(text: str) -> Block:
    """Build a block of code to copy; never interpreted as markup."""
    element: Json = {"type": "text", "text": _clip_lines(text, MAX_SECTION_LENGTH) or "\u2013"}
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [element]}]}


def linked_list(lines: Iterable[LinkedText]) -> Block:
    """Build a bulleted list of lines of literal text with links."""
    element: Json = {"type": "rich_text_list", "style": "bullet", "elements": [_linked(line) for line in lines]}
    return {"type": "rich_text", "elements": [element]}


def context(*texts: str) -> Block:
    """Build a context block; never interpreted as markup."""
    return {"type": "context", "elements": [_plain(clip(text, MAX_SECTION_LENGTH)) for text in texts]}


def divider() -> Block:
    """Build a divider."""
    return {"type": "divider"}


def link_buttons(links: Iterable[tuple[str, str]]) -> Block:
    """Build a row of link buttons from (label, URL); an address that is too long for Slack is left out. At least one must fit."""
    fitting = [link for link in links if len(link[1]) <= MAX_URL_LENGTH][:MAX_BUTTONS]
    return {"type": "actions", "elements": [_button(*link) for link in fitting]}


def table(rows: Sequence[Sequence[Cell]], *, numbers_from: int) -> Block:
    """Build a table of literal texts with a header row; columns from `numbers_from` on are right-aligned."""
    width = len(rows[0])
    return {
        "type": "table",
        "column_settings": [
            {"align": "right" if column >= numbers_from else "left", "is_wrapped": True} for column in range(width)
        ],
        "rows": [[_cell(cell) for cell in row] for row in rows[:MAX_TABLE_ROWS]],
    }


def linked_lines(lines: Sequence[LinkedText]) -> Block:
    """Build a paragraph of lines of literal text with links."""
    return {"type": "rich_text", "elements": [_linked(line) for line in lines]}


def _cell(cell: Cell) -> Json:
    if isinstance(cell, LinkedText):
        return {"type": "rich_text", "elements": [_linked(cell)]}
    return {"type": "raw_text", "text": one_line(cell).strip() or "\u2013"}  # Slack refuses an empty cell


def _linked(text: LinkedText) -> Json:
    parts: list[Json] = [
        {"type": "text", "text": one_line(shown)}
        if url is None or len(url) > MAX_URL_LENGTH
        else {"type": "link", "url": url, "text": one_line(shown)}
        for shown, url in text.parts
        if shown
    ]
    return {"type": "rich_text_section", "elements": parts or [{"type": "text", "text": "\u2013"}]}


def size_of(blocks: Iterable[Block]) -> int:
    """Return the length of the blocks' JSON in characters."""
    return len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")))


def join(groups: Sequence[BlockGroup]) -> BlockGroup:
    """Return several groups as one."""
    blocks = tuple(block for group in groups for block in group.blocks)
    basic = tuple(block for group in groups for block in (group.blocks if group.basic_blocks is None else group.basic_blocks))
    has_basic = any(group.basic_blocks is not None for group in groups)
    lines = tuple(line for group in groups for line in group.lines)
    return BlockGroup(blocks=blocks, lines=lines, basic_blocks=basic if has_basic else None)


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text or "\u2013", "emoji": False}


def _button(label: str, url: str) -> Json:
    return {"type": "button", "text": _plain(clip(label, MAX_BUTTON_LENGTH)), "url": url}


def _clip_lines(text: str, max_length: int) -> str:
    shown = "\n".join(one_line(line) for line in text.split("\n"))
    return shown if len(shown) <= max_length else f"{shown[: max_length - 1]}{ELLIPSIS}"
