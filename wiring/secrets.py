"""What is derived from WORKER_SECRET_KEY: sealing of routing keys and tokens, and signing of links to report pages."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.component import RoutingKey
from reports.signed_links import PageLinks
from wiring.settings import Settings

_ROUTING_KEYS: Final = b"scaleops-worker routing keys v1"
_PAGE_LINKS: Final = b"scaleops-worker page links v1"


class Sealer:
    """Authenticated encryption of routing keys in the database, under a key derived for this purpose alone."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = derive_fernet(secret_key, _ROUTING_KEYS)

    def seal(self, key: RoutingKey) -> bytes:
        """Encrypt a key for a row."""
        return self._fernet.encrypt(key.reveal().encode())

    def open(self, sealed: bytes) -> RoutingKey | None:
        """Decrypt a key; None if it was sealed under another WORKER_SECRET_KEY or was changed since."""
        try:
            return RoutingKey(self._fernet.decrypt(sealed).decode())
        except InvalidToken:
            return None


def routing_key_sealer(settings: Settings) -> Sealer | None:
    """Return what encrypts routing keys; None without WORKER_SECRET_KEY: they are then not stored."""
    secret = settings.worker_secret_key
    return Sealer(secret.get_secret_value()) if secret is not None else None


def page_links(settings: Settings) -> PageLinks | None:
    """Return the signer of links to report pages; None without WORKER_SECRET_KEY: links are then not signed."""
    secret = settings.worker_secret_key
    return PageLinks(_derive_key(secret.get_secret_value(), _PAGE_LINKS)) if secret is not None else None


def derive_fernet(secret_key: str, purpose: bytes) -> Fernet:
    """Return authenticated encryption under the key derived for one purpose."""
    return Fernet(base64.urlsafe_b64encode(_derive_key(secret_key, purpose)))


def _derive_key(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
