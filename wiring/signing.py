"""The key that signs links to report pages, derived from WORKER_SECRET_KEY."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reports.signed_links import PageLinks
from wiring.settings import Settings

_PURPOSE: Final = b"scaleops-worker page links v1"


def page_links(settings: Settings) -> PageLinks | None:
    """Answer what signs and checks links to report pages; None without WORKER_SECRET_KEY: links are then not signed."""
    secret = settings.worker_secret_key
    if secret is None:
        return None
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.get_secret_value().encode())
    return PageLinks(derived)
