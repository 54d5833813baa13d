"""Heartbeats: when each stage last succeeded or failed, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from domain.messages import Json
from store.queries.rows import Queries, read_as
from store.schema import heartbeats
from store.upserts import upsert


class HeartbeatKind(StrEnum):
    """What a heartbeat records of its stage."""

    OK = "ok"
    FAILED = "failed"
    CANARY = "canary"
    """A message went through the queue of that name."""
    PROGRESS = "progress"
    """Work that spans several tasks; `details` says how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The newest occurrence of one kind for one stage."""

    stage: str
    kind: HeartbeatKind
    at: datetime
    details: Mapping[str, Json]


class Heartbeats(Queries):
    """The table `heartbeats`, one row per stage and kind."""

    def record(
        self, stage: str, kind: HeartbeatKind = HeartbeatKind.OK, *, at: datetime, details: Mapping[str, Json] | None = None
    ) -> None:
        """Replace the heartbeat of this stage and kind."""
        row = {"stage": stage, "kind": kind.value, "at": at, "details": dict(details or {})}
        upsert(self._connection, heartbeats, [row], key=["stage", "kind"])

    def last(self, stage: str, kind: HeartbeatKind = HeartbeatKind.OK) -> Heartbeat | None:
        """Return the newest heartbeat of this stage and kind, or None."""
        query = select(heartbeats).where(heartbeats.c.stage == stage, heartbeats.c.kind == kind.value)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else read_as(Heartbeat, row, kind=HeartbeatKind(row["kind"]))

    def all(self) -> tuple[Heartbeat, ...]:
        """Return all heartbeats by stage and kind."""
        query = select(heartbeats).order_by(heartbeats.c.stage, heartbeats.c.kind)
        return tuple(
            read_as(Heartbeat, row, kind=HeartbeatKind(row["kind"])) for row in self._connection.execute(query).mappings()
        )
