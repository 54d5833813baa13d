"""The key that signs links to report pages, derived from WORKER_SECRET_KEY."""

from __future__ import annotations

from typing import Final

from reports.signed_links import PageLinks
from wiring.secrets import derive_key
from wiring.settings import Settings

_PURPOSE: Final = b"scaleops-worker page links v1"


def page_links(settings: Settings) -> PageLinks | None:
    """Answer what signs and checks links to report pages; None without WORKER_SECRET_KEY: links are then not signed."""
    secret = settings.worker_secret_key
    if secret is None:
        return None
    return PageLinks(derive_key(secret.get_secret_value(), _PURPOSE))
