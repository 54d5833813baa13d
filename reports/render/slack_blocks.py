"""The Slack Block Kit elements that reports use, within Slack's limits.

Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks, texts of 3000, headers of 150, 100 rows a table, one table a
message). The limit on the total size of a message is undocumented: Slack refuses from about 12,000 characters of text on, so
a message here stays below 10,000 characters of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

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

Block: TypeAlias = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class BlockGroup:
    """Blocks that stay in one message, and the same content as text lines."""

    blocks: tuple[Block, ...]
    lines: tuple[str, ...]

    @property
    def has_table(self) -> bool:
        """True if it contains a table; a message may have one."""
        return any(block["type"] == "table" for block in self.blocks)


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


def context(*texts: str) -> Block:
    """Build a context block; never interpreted as markup."""
    return {"type": "context", "elements": [_plain(clip(text, MAX_SECTION_LENGTH)) for text in texts]}


def divider() -> Block:
    """Build a divider."""
    return {"type": "divider"}


def link_button(label: str, url: str) -> Block:
    """Build a row with one link button."""
    return link_buttons([(label, url)])


def link_buttons(links: Iterable[tuple[str, str]]) -> Block:
    """Build a row of link buttons from (label, URL); an address that is too long for Slack is left out. At least one must fit."""
    fitting = [link for link in links if len(link[1]) <= MAX_URL_LENGTH][:MAX_BUTTONS]
    return {"type": "actions", "elements": [_button(*link) for link in fitting]}


def table(rows: Sequence[Sequence[str]], *, numbers_from: int) -> Block:
    """Build a table of literal texts with a header row; columns from `numbers_from` on are right-aligned."""
    width = len(rows[0])
    return {
        "type": "table",
        "column_settings": [
            {"align": "right"} if column >= numbers_from else {"align": "left", "is_wrapped": True} for column in range(width)
        ],
        # Slack refuses an empty cell.
        "rows": [
            [{"type": "raw_text", "text": one_line(cell).strip() or "\u2013"} for cell in row] for row in rows[:MAX_TABLE_ROWS]
        ],
    }


def size_of(blocks: Iterable[Block]) -> int:
    """Return the length of the blocks' JSON in characters."""
    return len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")))


def pack(groups: Iterable[BlockGroup]) -> tuple[BlockGroup, ...]:
    """Pack groups into as few messages as the limits allow, in order. A group over the limits gets a message of its own."""
    messages: list[BlockGroup] = []
    blocks: list[Block] = []
    lines: list[str] = []
    for group in groups:
        together = [*blocks, *group.blocks]
        fits = (
            len(together) <= MAX_BLOCKS
            and size_of(together) <= MAX_MESSAGE_LENGTH
            and len(escape("\n".join([*lines, *group.lines]))) <= MAX_FALLBACK_LENGTH
            and sum(1 for block in together if block["type"] == "table") <= 1
        )
        if blocks and not fits:
            messages.append(BlockGroup(blocks=tuple(blocks), lines=tuple(lines)))
            blocks, lines = [], []
        blocks += group.blocks
        lines += group.lines
    if blocks:
        messages.append(BlockGroup(blocks=tuple(blocks), lines=tuple(lines)))
    return tuple(messages)


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text or "\u2013", "emoji": False}


def _button(label: str, url: str) -> Json:
    return {"type": "button", "text": _plain(clip(label, MAX_BUTTON_LENGTH)), "url": url}


def _clip_lines(text: str, max_length: int) -> str:
    return "\n".join(one_line(line) for line in text.split("\n"))[:max_length]
