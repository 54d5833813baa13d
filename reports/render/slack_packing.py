"""Puts the sections of a report into Slack messages: every message opens with the heading of a section, and none is a left-over line.

A section stays in one message if it fits into one; else it is split between its groups into parts of about the same size, each under the
heading. Then the parts are put into as few messages as the limits allow, as evenly as their order allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reports.render.slack_blocks import (
    MAX_BLOCKS,
    MAX_FALLBACK_LENGTH,
    MAX_MESSAGE_LENGTH,
    BlockGroup,
    divider,
    escape,
    join,
    mrkdwn,
    size_of,
)

_STEPS: Final = 12
"""Halvings of the size of a message in search of the most even one."""
_EVENNESS: Final = 0.05
"""No message is made emptier than this share of the limits."""


@dataclass(frozen=True, kw_only=True)
class SlackSection:
    """A section: its title, and groups between which it may be split."""

    title: str
    groups: tuple[BlockGroup, ...]
    is_continued: bool = False
    """True if its beginning is in another message."""

    def part(self, groups: Sequence[BlockGroup], *, is_first: bool) -> BlockGroup:
        """Return some of its groups under its heading."""
        return join([heading(self.title if is_first and not self.is_continued else f"{self.title} (continued)"), *groups])


@dataclass(frozen=True, slots=True)
class _Load:
    """How much of the limits of a message something takes, as shares of them."""

    blocks: float = 0.0
    size: float = 0.0
    text: float = 0.0
    tables: int = 0

    def __add__(self, other: _Load) -> _Load:
        return _Load(self.blocks + other.blocks, self.size + other.size, self.text + other.text, self.tables + other.tables)

    def fits(self, share: float) -> bool:
        """Return True if it takes at most a share of the limits, and no second table."""
        return max(self.blocks, self.size, self.text) <= share and self.tables <= 1


_NOTHING: Final = _Load()


def heading(title: str) -> BlockGroup:
    """Build the heading of a section. The title is our own text."""
    return BlockGroup(blocks=(divider(), mrkdwn(f"*{escape(title)}*")), lines=("", title))


def fits(groups: Iterable[BlockGroup]) -> bool:
    """Return True if groups fit into one message."""
    return sum(map(_load, groups), _NOTHING).fits(1.0)


def pack_sections(sections: Iterable[SlackSection]) -> tuple[BlockGroup, ...]:
    """Return the messages of sections, in order."""
    parts = [part for section in sections for part in _split(section)]
    return tuple(_without_divider(join(some)) for some in _partition(parts))


def _without_divider(message: BlockGroup) -> BlockGroup:
    """Return a message that begins with its heading, not with the divider above it."""
    basic = message.basic_blocks
    return replace(message, blocks=message.blocks[1:], basic_blocks=None if basic is None else basic[1:], lines=message.lines[1:])


def begin(
    section: SlackSection, *, reserved: Sequence[BlockGroup], has_heading: bool = True
) -> tuple[tuple[BlockGroup, ...], tuple[SlackSection, ...]]:
    """Return as much of a section as fits into a message with what is reserved in it, and the section of the others, if any.

    `has_heading`: False for a section that begins the message.
    """
    first, *others = section.groups
    groups = [section.part([first], is_first=True) if has_heading else first, *others]
    taken, load = 0, sum(map(_load, reserved), _NOTHING)
    while taken < len(groups) and (load + _load(groups[taken])).fits(1.0):
        load += _load(groups[taken])
        taken += 1
    rest = section.groups[taken:]
    return tuple(groups[:taken]), (replace(section, groups=rest, is_continued=taken > 0),) if rest else ()


def _split(section: SlackSection) -> list[BlockGroup]:
    chunks = _partition(section.groups, overhead=_load(heading(f"{section.title} (continued)")))
    return [section.part(chunk, is_first=number == 0) for number, chunk in enumerate(chunks)]


def _partition(groups: Sequence[BlockGroup], overhead: _Load = _NOTHING) -> list[list[BlockGroup]]:
    """Split groups into as few messages as the limits allow, with the fullest of them as empty as that allows.

    `overhead` is in every message.
    """
    loads = [_load(group) for group in groups]
    best = _fill_greedily(groups, loads, overhead, share=1.0)
    low, high = _EVENNESS, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = _fill_greedily(groups, loads, overhead, share=middle)
        if len(found) == len(best):
            best, high = found, middle
        else:
            low = middle
    return best


def _fill_greedily(
    groups: Sequence[BlockGroup], loads: Sequence[_Load], overhead: _Load, *, share: float
) -> list[list[BlockGroup]]:
    messages: list[list[BlockGroup]] = []
    taken = overhead
    for group, load in zip(groups, loads, strict=True):
        if not messages or not (taken + load).fits(share):
            messages.append([])
            taken = overhead
        messages[-1].append(group)
        taken += load
    return messages


def _load(group: BlockGroup) -> _Load:
    forms = [group.blocks, *([] if group.basic_blocks is None else [group.basic_blocks])]
    return _Load(
        blocks=max(map(len, forms)) / MAX_BLOCKS,
        size=max(map(size_of, forms)) / MAX_MESSAGE_LENGTH,
        text=sum(len(escape(line)) + 1 for line in group.lines) / MAX_FALLBACK_LENGTH,
        tables=group.tables,
    )
