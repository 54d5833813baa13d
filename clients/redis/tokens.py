"""The token of ScaleOps, shared by all processes of an installation: sealed in Redis, never in the clear."""

from __future__ import annotations

import base64
import hashlib
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clients.redis.cache import RedisCache

_PURPOSE: Final = b"scaleops-worker shared tokens v1"
LOGIN_TAKES_AT_MOST: Final = timedelta(seconds=60)
"""Whoever waited this long for another process's login logs in itself."""


class RedisTokenCache:
    """A `clients.scaleops.tokens.TokenCache`. `who` tells sign-ins apart: other credentials or another ScaleOps share nothing."""

    def __init__(self, memory: RedisCache, *, secret_key: str, who: str) -> None:
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))
        self._memory = memory
        self._name = f"token:{hashlib.sha256(who.encode()).hexdigest()[:16]}"

    def get(self) -> str | None:
        """Answer what is shared; None: nothing, or it was sealed under another key."""
        sealed = self._memory.get(self._name)
        if sealed is None:
            return None
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            return None

    def put(self, token: str, *, good_for: timedelta) -> None:
        """Share a token for as long as it is good."""
        if good_for > timedelta(0):
            self._memory.put(self._name, self._fernet.encrypt(token.encode()), keep_for=good_for)

    def turn(self) -> AbstractContextManager[None]:
        """Wait until nobody else logs in, a minute at most."""
        return self._memory.waiting_turn(self._name, patience=LOGIN_TAKES_AT_MOST)
