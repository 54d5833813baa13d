"""Links that let whoever holds them see one report page until a day: what is signed, and how a link is checked.

A report is sent to its team's channel; who reads it there may read its page, though a browser brings no token along. The signature covers
the path below the public address and the last second, so a link shows that page and nothing else.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone
from typing import Final

GOOD_FOR: Final = timedelta(days=35)
"""Five reports: a link in Slack can be followed until a month's reports stand above it."""
_REPORTS: Final = "/reports/"
_PAGE: Final = re.compile(r"/reports/[^/?#]+/[^/?#]+")
_QUERY: Final = re.compile(r"until=(?P<until>[0-9]{1,11})&sig=(?P<sig>[A-Za-z0-9_-]{43})")
_PURPOSE: Final = "report page v1"


class LinkStatus(enum.Enum):
    """What a signed link is worth."""

    GOOD = "good"
    EXPIRED = "expired"
    FORGED = "forged"
    """Not signed by us, or changed since."""


class PageLinks:
    """Signs links to pages and checks them. `key`: 32 bytes that are used for nothing else."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, page: str, until: datetime) -> str:
        """Answer the address of a report page (as `reports.links` writes it) with its signature, good until an instant.

        Raises:
            ValueError: it is the address of no report page.
        """
        path = _REPORTS + page.rpartition(_REPORTS)[2]
        if not _PAGE.fullmatch(path) or not page.endswith(path):
            message = "only the page of one report can be signed"
            raise ValueError(message)
        last = int(until.timestamp())
        return f"{page}?until={last}&sig={self._signature(path, last)}"

    def check(self, path: str, query: str, *, now: datetime) -> LinkStatus:
        """Say what a link is worth: its path and query exactly as they were sent."""
        found = _QUERY.fullmatch(query)
        if found is None or not _PAGE.fullmatch(path):
            return LinkStatus.FORGED
        last = int(found["until"])
        if not hmac.compare_digest(self._signature(path, last).encode(), found["sig"].encode()):
            return LinkStatus.FORGED
        return LinkStatus.GOOD if now.timestamp() <= last else LinkStatus.EXPIRED

    def _signature(self, path: str, last: int) -> str:
        digest = hmac.digest(self._key, f"{_PURPOSE}\n{path}\n{last}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def expires_at(*, due_at: datetime, made_at: datetime, catch_up: timedelta) -> datetime:
    """Answer until when the link in a report is good: by what the report itself holds, so that it is the same however often it is written.

    Counted from when it was due; of one that was made by hand long after, from when it was made.
    """
    since = due_at if made_at - due_at <= catch_up else made_at
    return since.astimezone(timezone.utc) + GOOD_FOR
