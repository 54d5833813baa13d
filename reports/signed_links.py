"""Signed links: access to one report page until an expiry time, without a token.

A report is posted to its team's channel, and its readers may open its page in a browser that has no token. The signature covers the
path below the public URL and the expiry time, so a link gives access to that page only.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone
from typing import Final

LINK_TTL: Final = timedelta(days=35)
"""Five weekly reports."""
_REPORTS: Final = "/reports/"
_PAGE: Final = re.compile(r"/reports/[^/?#]+/[^/?#]+")
_QUERY: Final = re.compile(r"until=(?P<until>[1-9][0-9]{0,10})&sig=(?P<sig>[A-Za-z0-9_-]{43})")
_PURPOSE: Final = "report page v1"


class LinkStatus(enum.Enum):
    """Result of checking a signed link."""

    VALID = "valid"
    EXPIRED = "expired"
    FORGED = "forged"
    """Not signed with our key, or altered."""


class PageLinks:
    """Signs and verifies links to pages. `key`: 32 bytes used for this purpose only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, page: str, until: datetime) -> str:
        """Return the URL of a report page (as built by `reports.links`) with a signature valid until an instant.

        Raises:
            ValueError: the URL is not one of a report page.
        """
        path = _REPORTS + page.rpartition(_REPORTS)[2]
        if not _PAGE.fullmatch(path) or not page.endswith(path):
            message = "only the page of one report can be signed"
            raise ValueError(message)
        last = int(until.timestamp())
        return f"{page}?until={last}&sig={self._signature(path, last)}"

    def check(self, path: str, query: str, *, now: datetime) -> LinkStatus:
        """Verify a link; `path` and `query` exactly as received."""
        found = _QUERY.fullmatch(query)
        if found is None or not _PAGE.fullmatch(path):
            return LinkStatus.FORGED
        last = int(found["until"])
        if not hmac.compare_digest(self._signature(path, last).encode(), found["sig"].encode()):
            return LinkStatus.FORGED
        return LinkStatus.VALID if now.timestamp() <= last else LinkStatus.EXPIRED

    def _signature(self, path: str, last: int) -> str:
        digest = hmac.digest(self._key, f"{_PURPOSE}\n{path}\n{last}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def expires_at(*, due_at: datetime, made_at: datetime, catch_up: timedelta) -> datetime:
    """Return the expiry of a report's link. It depends on the report alone, so every rendering has the same link.

    Counted from when the report was due, or from when it was made if that was more than `catch_up` later.
    """
    since = due_at if made_at - due_at <= catch_up else made_at
    return since.astimezone(timezone.utc) + LINK_TTL
