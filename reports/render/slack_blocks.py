"""Slack's Block Kit, as much of it as reports need, within its limits.

Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks, texts of 3000, headers of 150, 100 rows a table, one table a
message). The total size of a message is limited without being documented: Slack refuses from about 12,000 characters of text
on, so a message here stays below 10,000 characters of its whole JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from domain.messages import Json
from reports.formatting import ELLIPSIS, clip, one_line

MOST_BLOCKS: Final = 45
MOST_CHARACTERS: Final = 10_000
MOST_FALLBACK: Final = 4_000
"""`text` reads best up to here."""
MOST_HEADER: Final = 150
MOST_SECTION: Final = 3_000
MOST_ROWS: Final = 100
MOST_BUTTON: Final = 75
MOST_URL: Final = 3_000

Block: TypeAlias = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class BlockGroup:
    """One or more blocks that stay together, and the same in plain lines."""

    blocks: tuple[Block, ...]
    lines: tuple[str, ...]

    @property
    def has_table(self) -> bool:
        """Say whether it holds the one table that a message may have."""
        return any(block["type"] == "table" for block in self.blocks)


def escape(text: str) -> str:
    """Escape Slack's three control characters, for mrkdwn and for the fallback text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip_text(text: str) -> str:
    """Return the escaped fallback text, clipped at the end of a line so that no escape sequence is split."""
    escaped = escape(text)
    return escaped if len(escaped) <= MOST_FALLBACK else f"{escaped[: MOST_FALLBACK - 10].rpartition(chr(10))[0]}\n{ELLIPSIS}"


def header(text: str) -> Block:
    """Make a headline; never interpreted as markup."""
    return {"type": "header", "text": _plain(clip(text, MOST_HEADER))}


def plain_text(text: str, *, link: tuple[str, str] | None = None) -> Block:
    """Make a paragraph that is never interpreted as markup; `link` is (label, address) of a button beside it."""
    block: Block = {"type": "section", "text": _plain(_clip_lines(text, MOST_SECTION))}
    if link is not None and len(link[1]) <= MOST_URL:
        block["accessory"] = _button(*link)
    return block


def mrkdwn(text: str) -> Block:
    """Make a paragraph of mrkdwn. Only for our own words and numbers, escaped: never for a name."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Make up to ten labelled values side by side, of our own words and numbers."""
    return {
        "type": "section",
        "fields": [{"type": "mrkdwn", "text": f"*{escape(label)}*\n{escape(value)}"} for label, value in list(pairs)[:10]],
    }


def context(*texts: str) -> Block:
    """Make small print; never interpreted as markup."""
    return {"type": "context", "elements": [_plain(clip(text, MOST_SECTION)) for text in texts]}


def divider() -> Block:
    """Make a line."""
    return {"type": "divider"}


def link_button(label: str, url: str) -> Block:
    """Make a row with one button that opens an address."""
    return {"type": "actions", "elements": [_button(label, url)]}


def table(rows: Sequence[Sequence[str]], *, numbers_from: int) -> Block:
    """Make a table of literal texts, the first row its head; columns from `numbers_from` on are aligned to the right."""
    width = len(rows[0])
    return {
        "type": "table",
        "column_settings": [
            {"align": "right"} if column >= numbers_from else {"align": "left", "is_wrapped": True} for column in range(width)
        ],
        # Slack refuses an empty cell.
        "rows": [[{"type": "raw_text", "text": one_line(cell).strip() or "\u2013"} for cell in row] for row in rows[:MOST_ROWS]],
    }


def size_of(blocks: Iterable[Block]) -> int:
    """Count the characters of blocks, with their JSON."""
    return len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")))


def pack(pieces: Iterable[BlockGroup]) -> tuple[BlockGroup, ...]:
    """Put pieces into as few messages as the limits allow, in order. A piece that is too large alone is left as it is."""
    messages: list[BlockGroup] = []
    blocks: list[Block] = []
    lines: list[str] = []
    for piece in pieces:
        together = [*blocks, *piece.blocks]
        fits = (
            len(together) <= MOST_BLOCKS
            and size_of(together) <= MOST_CHARACTERS
            and len(escape("\n".join([*lines, *piece.lines]))) <= MOST_FALLBACK
            and sum(1 for block in together if block["type"] == "table") <= 1
        )
        if blocks and not fits:
            messages.append(BlockGroup(blocks=tuple(blocks), lines=tuple(lines)))
            blocks, lines = [], []
        blocks += piece.blocks
        lines += piece.lines
    if blocks:
        messages.append(BlockGroup(blocks=tuple(blocks), lines=tuple(lines)))
    return tuple(messages)


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text or "\u2013", "emoji": False}


def _button(label: str, url: str) -> Json:
    return {"type": "button", "text": _plain(clip(label, MOST_BUTTON)), "url": url}


def _clip_lines(text: str, most: int) -> str:
    return "\n".join(one_line(line) for line in text.split("\n"))[:most]
