"""Signed links: access to one page until an expiry time, without a token.

Reports and alerts are posted to channels, and their readers may open a page in a browser that has no token. The signature covers the
path below the public URL and the expiry time, so a link gives access to that page only. A page with a form has its origin in the link,
too (the channel that it was posted to): the signature covers it, and it is recorded with what its reader decides about an alert.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from reports.links import percent_encode

LINK_TTL: Final = timedelta(days=35)
"""Five weekly reports."""
_QUERY: Final = re.compile(
    r"(?P<link>until=(?P<until>[1-9][0-9]{0,10})(?:&via=(?P<via>[A-Za-z0-9_.~%-]{1,300}))?&sig=(?P<sig>[A-Za-z0-9_-]{43}))"
    r"(?:&week=[0-9]{4}-W[0-9]{2})?(?:&format=(?:csv|json)(?:&table=[a-z-]{1,40})?)?"
)
_TOKEN: Final = re.compile(r"(?P<until>[1-9][0-9]{0,10})\.(?P<sig>[A-Za-z0-9_-]{43})")
_FORM_PURPOSE: Final = "alert form v1"
_REPORT_ORIGIN: Final = "the report of "


@dataclass(frozen=True, slots=True, kw_only=True)
class SignablePage:
    """A kind of page that a link can open."""

    purpose: str
    """A signature for one purpose is none for another."""
    start: str
    path: re.Pattern[str]
    has_form: bool = True
    """Alerts are answered there, and its links have an origin."""


REPORT_PAGE: Final = SignablePage(
    purpose="report page v1", start="/reports/", path=re.compile(r"/reports/[^/?#]+/[^/?#]+"), has_form=False
)
TEAM_PAGE: Final = SignablePage(purpose="team page v1", start="/reports/", path=re.compile(r"/reports/[^/?#]+"))
COMPONENT_PAGE: Final = SignablePage(
    purpose="component page v1", start="/components/", path=re.compile(r"/components/[^/?#]+/[^/?#]+/[^/?#]+")
)
STATUS_PAGE: Final = SignablePage(purpose="status page v1", start="/status", path=re.compile(r"/status"))
_PAGES: Final = (REPORT_PAGE, TEAM_PAGE, COMPONENT_PAGE, STATUS_PAGE)


def signable_page(path: str) -> SignablePage | None:
    """Return the kind of the page at a path, exactly as it was received; None if no link opens it."""
    return next((page for page in _PAGES if page.path.fullmatch(path)), None)


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

    def sign(self, address: str, until: datetime, *, page: SignablePage = REPORT_PAGE, origin: str = "") -> str:
        """Return the URL of a page (as built by `reports.links`) with a signature valid until an instant.

        Args:
            address: the URL.
            until: the last instant.
            page: its kind.
            origin: where the link is put, in words: for pages with a form.

        Raises:
            ValueError: the URL is not one of such a page, or the origin of a page with a form is missing.
        """
        path, last, via = _path_of(address, page), int(until.timestamp()), percent_encode(origin)
        if bool(via) != page.has_form:
            message = "the link to a page with a form says where it is put, and no other link does"
            raise ValueError(message)
        said = f"&via={via}" if via else ""
        return f"{address}?until={last}{said}&sig={self._page_signature(page, path, via, last)}"

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
        page = signable_page(path)
        if page is None or (via is not None) != page.has_form:
            return LinkStatus.FORGED
        return self._compare(self._page_signature(page, path, via or "", last), found["sig"], last, now)

    def _page_signature(self, page: SignablePage, path: str, via: str, last: int) -> str:
        return self._signature(page.purpose, path, *([via] if page.has_form else []), last)

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
    """Return the origin of links in the report or on the page of a team, by its slug."""
    return f"{_REPORT_ORIGIN}{slug}"


def team_of_origin(origin: str) -> str | None:
    """Return the slug of the team in whose report or on whose page a link was put; None for every other origin."""
    return origin.removeprefix(_REPORT_ORIGIN) if origin.startswith(_REPORT_ORIGIN) else None


def origin_of(query: str) -> str:
    """Return the origin in a verified link, percent-encoded; empty for the link to a page without a form."""
    found = _QUERY.fullmatch(query)
    return (found and found["via"]) or ""


def expiry_of(query: str) -> datetime | None:
    """Return when a verified link expires; None if it is not a signed link."""
    found = _QUERY.fullmatch(query)
    return None if found is None else datetime.fromtimestamp(int(found["until"]), timezone.utc)


def link_in(query: str) -> str:
    """Return the query of a signed link, without the week and the table that were added to it; empty if it is not one."""
    found = _QUERY.fullmatch(query)
    return "" if found is None else found["link"]


def _path_of(address: str, page: SignablePage) -> str:
    path = page.start + address.rpartition(page.start)[2]
    if not page.path.fullmatch(path) or not address.endswith(path):
        message = "only the page of one report, team or component, or the status page, can be signed"
        raise ValueError(message)
    return path


def expires_at(*, due_at: datetime, made_at: datetime, catch_up: timedelta) -> datetime:
    """Return the expiry of a report's link. It depends on the report alone, so every rendering has the same link.

    Counted from when the report was due, or from when it was made if that was more than `catch_up` later.
    """
    since = due_at if made_at - due_at <= catch_up else made_at
    return since.astimezone(timezone.utc) + LINK_TTL
