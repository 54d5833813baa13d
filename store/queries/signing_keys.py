"""Public halves of the keys that gateways sign with: every replica lists those of all. Private halves are never here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from domain.messages import Json
from store.schema import signing_keys
from store.upserts import upsert


class SigningKeys:
    """Public keys as JSON (RFC 7517), by key id. Written by the gateway."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, kid: str, public_key: Mapping[str, Json], *, created_at: datetime, expires_at: datetime) -> None:
        """List a key until it expires, and drop those that have."""
        self._connection.execute(delete(signing_keys).where(signing_keys.c.expires_at <= created_at))
        row = {"kid": kid, "public_key": dict(public_key), "created_at": created_at, "expires_at": expires_at}
        upsert(self._connection, signing_keys, [row], key=["kid"])

    def valid_at(self, now: datetime) -> tuple[Mapping[str, Json], ...]:
        """Answer the keys that are not expired, newest first."""
        chosen = select(signing_keys.c.public_key).where(signing_keys.c.expires_at > now)
        newest_first = chosen.order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid)
        return tuple(row.public_key for row in self._connection.execute(newest_first))
