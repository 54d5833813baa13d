"""Kinds of Slack blocks that a workspace does not accept (yet), and which of them a refused message names.

Slack introduces a kind of block workspace by workspace. A refusal that names the kind is remembered, so that later messages are not
refused first; it expires, so that the kind is tried again. A refusal that names something inside a block concerns that message alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.messages import Json

OPTIONAL_BLOCKS: Final = frozenset({"data_table", "data_visualization", "table"})
"""Kinds that a message can do without: it has another rendering that has none of them."""
REFUSAL_TTL: Final = timedelta(days=13)
"""Every second weekly report tries again."""
_KIND: Final = re.compile(r"/blocks/(\d+)/type")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRefusal:
    """A workspace refused a kind of block."""

    workspace: str
    """Slack's id of it."""
    kind: str
    refused_at: datetime
    expires_at: datetime
    reason: str
    """What Slack said, with its pointer to the block."""

    def __str__(self) -> str:
        return f"workspace {self.workspace} refused {self.kind} blocks on {self.refused_at:%Y-%m-%d} ({self.reason})"


def optional_blocks_of(payload: Mapping[str, Json]) -> frozenset[str]:
    """Return the kinds of optional blocks that a payload has."""
    return frozenset(map(_kind_of, _blocks_of(payload))) & OPTIONAL_BLOCKS


def refused_kinds(payload: Mapping[str, Json], pointers: Iterable[str]) -> frozenset[str]:
    """Return the kinds of optional blocks of a refused payload that Slack's JSON pointers name as unsupported."""
    blocks = _blocks_of(payload)
    named = [int(found[1]) for pointer in pointers if (found := _KIND.fullmatch(pointer))]
    return frozenset(_kind_of(blocks[number]) for number in named if number < len(blocks)) & OPTIONAL_BLOCKS


def first_refusal(payload: Mapping[str, Json], refusals: Collection[BlockRefusal]) -> BlockRefusal | None:
    """Return the refusal that a payload would meet again; None if nothing is known against it."""
    kinds = optional_blocks_of(payload)
    return next((one for one in refusals if one.kind in kinds), None)


def _blocks_of(payload: Mapping[str, Json]) -> list[Json]:
    blocks = payload.get("blocks")
    return blocks if isinstance(blocks, list) else []


def _kind_of(block: Json) -> str:
    return str(block.get("type")) if isinstance(block, dict) else ""
