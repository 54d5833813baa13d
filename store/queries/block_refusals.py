"""Kinds of Slack blocks that a workspace refused, until it is tried again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from domain.block_refusals import BlockRefusal
from store.queries.rows import Queries, read_as, row_from
from store.schema import block_refusals
from store.upserts import upsert


class BlockRefusals(Queries):
    """The table `block_refusals`, one row per workspace and kind of block. Written by `deliver`."""

    def record(self, refusals: Collection[BlockRefusal]) -> None:
        """Store refusals; a newer one replaces that of the same workspace and kind."""
        upsert(self._connection, block_refusals, [row_from(one) for one in refusals], key=["workspace", "kind"])

    def valid_at(self, now: datetime) -> tuple[BlockRefusal, ...]:
        """Return the refusals that have not expired, by workspace and kind."""
        valid = select(block_refusals).where(block_refusals.c.expires_at > now)
        rows = self._connection.execute(valid.order_by(block_refusals.c.workspace, block_refusals.c.kind)).mappings()
        return tuple(read_as(BlockRefusal, row) for row in rows)
