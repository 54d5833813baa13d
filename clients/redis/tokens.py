"""ScaleOps token shared by all processes of an installation: encrypted in Redis, never in plain text."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from clients.redis.cache import RedisCache

_LOGIN_TIMEOUT: Final = timedelta(seconds=60)
"""After waiting this long for another process's login, a process logs in itself."""


class RedisTokenCache:
    """A `clients.scaleops.tokens.TokenCache`. `login` identifies ScaleOps and the credentials: another login shares nothing."""

    def __init__(self, cache: RedisCache, *, fernet: Fernet, login: str) -> None:
        self._cache = cache
        self._fernet = fernet
        self._name = f"token:{hashlib.sha256(login.encode()).hexdigest()[:16]}"

    def get(self) -> str | None:
        """Return the shared token; None if there is none or it was encrypted under another key."""
        encrypted = self._cache.get(self._name)
        if encrypted is None:
            return None
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            return None

    def put(self, token: str, *, ttl: timedelta) -> None:
        """Share a token while it is valid."""
        if ttl > timedelta(0):
            self._cache.put(self._name, self._fernet.encrypt(token.encode()), ttl=ttl)

    def lock(self) -> AbstractContextManager[None]:
        """Return the lock under which a process logs in."""
        return self._cache.blocking_lock(self._name, timeout=_LOGIN_TIMEOUT)
