"""Signs of life: when each stage completed last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from domain.messages import Json
from store.schema import pulses
from store.upserts import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The newest completion of something that should happen again and again."""

    name: str
    at: datetime
    details: Mapping[str, Json]


class Heartbeats:
    """Pulses by name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, name: str, *, at: datetime, details: Mapping[str, Json] | None = None) -> None:
        """Note that it happened."""
        upsert(self._connection, pulses, [{"name": name, "at": at, "details": dict(details or {})}], key=["name"])

    def last(self, name: str) -> Heartbeat | None:
        """Answer when it happened last."""
        row = self._connection.execute(select(pulses).where(pulses.c.name == name)).mappings().first()
        return None if row is None else _pulse_of(row)

    def all(self) -> tuple[Heartbeat, ...]:
        """Answer all of them, by name."""
        return tuple(_pulse_of(row) for row in self._connection.execute(select(pulses).order_by(pulses.c.name)).mappings())


def _pulse_of(row: RowMapping) -> Heartbeat:
    return Heartbeat(name=row["name"], at=row["at"], details=row["details"])
