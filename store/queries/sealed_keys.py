"""PagerDuty routing keys, sealed. Rows elsewhere name a key by its fingerprint only; the sealing itself is done in `wiring`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from store.schema import routing_keys
from store.upserts import upsert


class SealedKeys:
    """Sealed routing keys by fingerprint. Written by `collect`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_sealed(self, fingerprint: str, sealed: bytes, *, at: datetime) -> None:
        """Keep a sealed key under its fingerprint, in the place of an older sealing of the same key."""
        row = {"fingerprint": fingerprint, "sealed": sealed, "last_seen": at}
        upsert(self._connection, routing_keys, [row], key=["fingerprint"])

    def get(self, fingerprint: str) -> bytes | None:
        """Answer the sealed key; None when it was never kept."""
        sealed: bytes | None = self._connection.execute(
            select(routing_keys.c.sealed).where(routing_keys.c.fingerprint == fingerprint)
        ).scalar()
        return sealed
