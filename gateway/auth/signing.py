"""Our own signing key as a plugin of Backstage, and the tokens made with it.

The private key stays in memory and signs for an hour; its public half is a row for three, so that every replica lists the keys of
all and a token outlives the key that signed it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from clients.backstage.plugin_tokens import SigningKey, make_signing_key, mint_plugin_token
from domain.clock import Clock
from domain.messages import Json
from store import Store, StoreUnavailable

SIGNS_FOR: Final = timedelta(hours=1)
LISTED_FOR: Final = timedelta(hours=3)
TOKEN_LIFE: Final = timedelta(hours=1)
_MARGIN: Final = timedelta(seconds=60)
_MOST_KEPT: Final = 2048


class Signer:
    """Signs tokens for other plugins. Safe for threads; may write a row, so not for the event loop itself."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turn = threading.Lock()
        self._key: SigningKey | None = None
        self._minted: dict[tuple[str, str | None], tuple[str, datetime]] = {}

    def kept_token(self, target: str, *, obo: str | None) -> str | None:
        """Answer a token that was made before and is still good; never waits."""
        kept = self._minted.get((target, obo))
        return kept[0] if kept is not None and self._clock() < kept[1] - _MARGIN else None

    def token_for(self, target: str, *, obo: str | None = None, until: datetime | None = None) -> str:
        """Answer a token with which we may call another plugin, on behalf of a user whose token ends at `until`.

        Raises:
            StoreUnavailable: a new key would be needed, and its public half cannot be listed.
        """
        kept = self.kept_token(target, obo=obo)
        if kept is not None:
            return kept
        with self._turn:
            now = self._clock()
            expires_at = now + TOKEN_LIFE if until is None else min(now + TOKEN_LIFE, until)
            token = mint_plugin_token(self._current_key(now), target=target, now=now, expires_at=expires_at, obo=obo)
            while len(self._minted) >= _MOST_KEPT:
                self._minted.pop(next(iter(self._minted)))
            self._minted[target, obo] = token, expires_at
            return token

    def published(self) -> tuple[Mapping[str, Json], ...]:
        """Answer the public keys of all replicas; makes sure that ours is among them. Raises StoreUnavailable."""
        with self._turn:
            now = self._clock()
            self._current_key(now)
        with self._store.reading() as rows:
            return rows.signing_keys.valid_at(now)

    def _current_key(self, now: datetime) -> SigningKey:
        key = self._key
        if key is not None and now - key.created_at < SIGNS_FOR:
            return key
        fresh = make_signing_key(now)
        try:
            with self._store.transaction() as rows:
                rows.signing_keys.put(fresh.kid, fresh.public_jwk, created_at=now, expires_at=now + LISTED_FOR)
        except StoreUnavailable:
            if key is not None and now - key.created_at < LISTED_FOR - TOKEN_LIFE:
                return key
            raise
        self._key = fresh
        return fresh
