"""Seals routing keys for the database with WORKER_SECRET_KEY, and opens them again."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.component import RoutingKey

_PURPOSE: Final = b"scaleops-worker routing keys v1"


def derive_key(secret_key: str, purpose: bytes) -> bytes:
    """Return the 32-byte key that HKDF-SHA256 derives from WORKER_SECRET_KEY for one purpose."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())


def derive_fernet(secret_key: str, purpose: bytes) -> Fernet:
    """Return authenticated encryption under the key derived for one purpose."""
    return Fernet(base64.urlsafe_b64encode(derive_key(secret_key, purpose)))


class Sealer:
    """Authenticated encryption under a key derived from WORKER_SECRET_KEY for this purpose alone."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = derive_fernet(secret_key, _PURPOSE)

    def seal(self, key: RoutingKey) -> bytes:
        """Answer what may stand in a row."""
        return self._fernet.encrypt(key.reveal().encode())

    def open(self, sealed: bytes) -> RoutingKey | None:
        """Answer the key, or None when it was sealed under another WORKER_SECRET_KEY or changed since."""
        try:
            return RoutingKey(self._fernet.decrypt(sealed).decode())
        except InvalidToken:
            return None
