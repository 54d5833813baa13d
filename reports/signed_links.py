"""Signed links: access to the page of one report or component until an expiry time, without a token.

A report is posted to its team's channel, and its readers may open its page in a browser that has no token. The signature covers the
path below the public URL and the expiry time, so a link gives access to that page only. That of a component's page covers its origin
too (the channel that it was posted to), which is recorded with what its reader decides about an alert.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone
from typing import Final

from reports.links import percent_encode

LINK_TTL: Final = timedelta(days=35)
"""Five weekly reports."""
_REPORT: Final = re.compile(r"/reports/[^/?#]+/[^/?#]+")
_COMPONENT: Final = re.compile(r"/components/[^/?#]+/[^/?#]+/[^/?#]+")
_QUERY: Final = re.compile(
    r"until=(?P<until>[1-9][0-9]{0,10})(?:&via=(?P<via>[A-Za-z0-9_.~%-]{1,300}))?&sig=(?P<sig>[A-Za-z0-9_-]{43})"
    r"(?:&format=(?:csv|json)(?:&table=[a-z-]{1,40})?)?"
)
_TOKEN: Final = re.compile(r"(?P<until>[1-9][0-9]{0,10})\.(?P<sig>[A-Za-z0-9_-]{43})")
_REPORT_PURPOSE: Final = "report page v1"
_COMPONENT_PURPOSE: Final = "component page v1"
_FORM_PURPOSE: Final = "alert form v1"


class LinkStatus(enum.Enum):
    """Result of checking a signed link."""

    VALID = "valid"
    EXPIRED = "expired"
    FORGED = "forged"
    """Not signed with our key, or altered."""


class PageLinks:
    """Signs and verifies links to pages, and the forms on them. `key`: 32 bytes used for this purpose only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, page: str, until: datetime) -> str:
        """Return the URL of a report page (as built by `reports.links`) with a signature valid until an instant.

        Raises:
            ValueError: the URL is not one of a report page.
        """
        last = int(until.timestamp())
        return f"{page}?until={last}&sig={self._signature(_REPORT_PURPOSE, _path_of(page, '/reports/', _REPORT), last)}"

    def sign_component(self, page: str, until: datetime, *, origin: str) -> str:
        """Return the URL of a component's page with a signature valid until an instant. `origin`: where the link is put, in words.

        Raises:
            ValueError: the URL is not one of a component's page.
        """
        path, last, via = _path_of(page, "/components/", _COMPONENT), int(until.timestamp()), percent_encode(origin)
        return f"{page}?until={last}&via={via}&sig={self._signature(_COMPONENT_PURPOSE, path, via, last)}"

    def sign_form(self, alert: str, caller: str, *, until: datetime) -> str:
        """Return the token of a form that one caller may submit about one alert until an instant."""
        last = int(until.timestamp())
        return f"{last}.{self._signature(_FORM_PURPOSE, alert, caller, last)}"

    def check_form(self, alert: str, caller: str, token: str, *, now: datetime) -> LinkStatus:
        """Verify the token of a form."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return LinkStatus.FORGED
        last = int(found["until"])
        return self._compare(self._signature(_FORM_PURPOSE, alert, caller, last), found["sig"], last, now)

    def check(self, path: str, query: str, *, now: datetime) -> LinkStatus:
        """Verify a link; `path` and `query` exactly as received."""
        found = _QUERY.fullmatch(query)
        if found is None:
            return LinkStatus.FORGED
        last, via = int(found["until"]), found["via"]
        if via is None and _REPORT.fullmatch(path):
            expected = self._signature(_REPORT_PURPOSE, path, last)
        elif via is not None and _COMPONENT.fullmatch(path):
            expected = self._signature(_COMPONENT_PURPOSE, path, via, last)
        else:
            return LinkStatus.FORGED
        return self._compare(expected, found["sig"], last, now)

    def _compare(self, expected: str, found: str, last: int, now: datetime) -> LinkStatus:
        if not hmac.compare_digest(expected.encode(), found.encode()):
            return LinkStatus.FORGED
        return LinkStatus.VALID if now.timestamp() <= last else LinkStatus.EXPIRED

    def _signature(self, purpose: str, *parts: str | int) -> str:
        """Sign parts, none of which contains a line break."""
        signed = "\n".join([purpose, *map(str, parts)])
        digest = hmac.digest(self._key, signed.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def report_origin(slug: str) -> str:
    """Return the origin of links in the report of a team, by its slug."""
    return f"the report of {slug}"


def origin_of(query: str) -> str:
    """Return the origin in a verified link, percent-encoded; empty for the link of a report."""
    found = _QUERY.fullmatch(query)
    return (found and found["via"]) or ""


def expiry_of(query: str) -> datetime | None:
    """Return when a verified link expires; None if it is not a signed link."""
    found = _QUERY.fullmatch(query)
    return None if found is None else datetime.fromtimestamp(int(found["until"]), timezone.utc)


def _path_of(page: str, start: str, pattern: re.Pattern[str]) -> str:
    path = start + page.rpartition(start)[2]
    if not pattern.fullmatch(path) or not page.endswith(path):
        message = "only the page of one report or component can be signed"
        raise ValueError(message)
    return path


def expires_at(*, due_at: datetime, made_at: datetime, catch_up: timedelta) -> datetime:
    """Return the expiry of a report's link. It depends on the report alone, so every rendering has the same link.

    Counted from when the report was due, or from when it was made if that was more than `catch_up` later.
    """
    since = due_at if made_at - due_at <= catch_up else made_at
    return since.astimezone(timezone.utc) + LINK_TTL
