"""Key material in rows: sealed PagerDuty routing keys and public signing keys. No key is ever readable here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select

from domain.messages import Json
from store.queries.rows import Queries
from store.schema import routing_keys, signing_keys
from store.upserts import upsert


class SealedKeys(Queries):
    """Routing keys by fingerprint, sealed in `wiring`. Written by `collect`."""

    def put(self, fingerprint: str, sealed: bytes) -> None:
        """Store a sealed key, or replace an older sealing of it."""
        upsert(self._connection, routing_keys, [{"fingerprint": fingerprint, "sealed": sealed}], key=["fingerprint"])

    def get(self, fingerprint: str) -> bytes | None:
        """Return the sealed key, or None."""
        query = select(routing_keys.c.sealed).where(routing_keys.c.fingerprint == fingerprint)
        sealed: bytes | None = self._connection.execute(query).scalar()
        return sealed

    def all(self) -> tuple[tuple[str, bytes], ...]:
        """Return every sealed key with its fingerprint."""
        query = select(routing_keys.c.fingerprint, routing_keys.c.sealed).order_by(routing_keys.c.fingerprint)
        return tuple((row.fingerprint, row.sealed) for row in self._connection.execute(query))


class SigningKeys(Queries):
    """Public halves of the gateways' signing keys as JSON (RFC 7517), by key id: every replica publishes those of all."""

    def put(self, kid: str, public_key: Mapping[str, Json], *, created_at: datetime, expires_at: datetime) -> None:
        """Publish a key until it expires, and delete expired ones."""
        self._connection.execute(delete(signing_keys).where(signing_keys.c.expires_at <= created_at))
        row = {"kid": kid, "public_key": dict(public_key), "created_at": created_at, "expires_at": expires_at}
        upsert(self._connection, signing_keys, [row], key=["kid"])

    def valid_at(self, now: datetime) -> tuple[Mapping[str, Json], ...]:
        """Return the keys that have not expired, newest first."""
        query = select(signing_keys.c.public_key).where(signing_keys.c.expires_at > now)
        newest_first = query.order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid)
        return tuple(row.public_key for row in self._connection.execute(newest_first))
