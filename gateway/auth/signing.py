"""The gateway's own signing key as a plugin of Backstage, and the tokens signed with it.

The private key stays in memory for an hour. Its public half is a row for three hours, so that every replica publishes the keys of all
replicas and no token outlives the publication of its key.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from cachetools import FIFOCache

from clients.backstage.plugin_tokens import SigningKey, make_signing_key, mint_plugin_token
from domain.clock import Clock
from domain.messages import Json
from gateway.auth.callers import Caller
from gateway.responses import forbidden
from store import Store, StoreUnavailable

KEY_LIFETIME: Final = timedelta(hours=1)
KEY_PUBLICATION_TTL: Final = timedelta(hours=3)
TOKEN_LIFETIME: Final = timedelta(hours=1)
_CATALOG: Final = "catalog"
_MARGIN: Final = timedelta(seconds=60)
_MAX_CACHED_TOKENS: Final = 2048


class Signer:
    """Signs tokens for the catalog. Thread-safe; it may write a row, so only `token_for_async` is for the event loop."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._key: SigningKey | None = None
        # FIFO: reading it changes nothing, so the event loop reads without the lock.
        self._minted: FIFOCache[str, tuple[str, datetime]] = FIFOCache(_MAX_CACHED_TOKENS)

    def token_for(self, caller: Caller) -> str:
        """Return a token to read the catalog with on behalf of a user: ours, which carries theirs. For threads.

        Raises:
            HttpError: 403, the caller's token carries no proof for the catalog.
            StoreUnavailable: a new key is needed, and its public half cannot be published.
        """
        if caller.obo is None:
            message = "the token carries no proof (uip) to query the catalog on your behalf"
            raise forbidden(message)
        cached = self._cached_token(caller.obo)
        if cached is not None:
            return cached
        with self._lock:
            now = self._clock()
            expires_at = now + TOKEN_LIFETIME if caller.expires_at is None else min(now + TOKEN_LIFETIME, caller.expires_at)
            key = self._current_key(now)
            token = mint_plugin_token(key, target=_CATALOG, now=now, expires_at=expires_at, obo=caller.obo)
            self._minted[caller.obo] = token, expires_at
            return token

    async def token_for_async(self, caller: Caller) -> str:
        """Return the same without blocking the event loop."""
        cached = self._cached_token(caller.obo) if caller.obo is not None else None
        return cached if cached is not None else await asyncio.to_thread(self.token_for, caller)

    def published_keys(self) -> tuple[Mapping[str, Json], ...]:
        """Return the public keys of all replicas; publishes ours first if it is not. Raises StoreUnavailable."""
        with self._lock:
            now = self._clock()
            self._current_key(now)
        with self._store.reading() as rows:
            return rows.signing_keys.valid_at(now)

    def _cached_token(self, obo: str) -> str | None:
        try:
            token, expires_at = self._minted[obo]
        except KeyError:
            return None
        return token if self._clock() < expires_at - _MARGIN else None

    def _current_key(self, now: datetime) -> SigningKey:
        key = self._key
        if key is not None and now - key.created_at < KEY_LIFETIME:
            return key
        fresh = make_signing_key(now)
        try:
            with self._store.transaction() as rows:
                rows.signing_keys.put(fresh.kid, fresh.public_jwk, created_at=now, expires_at=now + KEY_PUBLICATION_TTL)
        except StoreUnavailable:
            if key is not None and now - key.created_at < KEY_PUBLICATION_TTL - TOKEN_LIFETIME:
                return key
            raise
        self._key = fresh
        return fresh
