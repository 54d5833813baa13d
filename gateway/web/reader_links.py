"""Addresses that the reader of a page may open.

A caller with credentials gets plain addresses. The reader of a signed link gets addresses signed until that link expires, and only
within what the link was made for: the link to a team's page or report leads to the components that the team owns now, and a link to a
component leads nowhere else. Where there is no address the page shows text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actions.errors import NotAllowedError
from domain.component import Component
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.request import GatewayRequest
from reports.links import PLATFORM_SLUG, component_page, percent_encode, team_page, team_slug
from reports.signed_links import COMPONENT_PAGE, REPORT_PAGE, PageLinks, expiry_of, link_in, report_origin, team_of_origin

OVERVIEW: Final = "/reports"
STATUS: Final = "/status"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderLinks:
    """The addresses for one reader. `slug` is the team whose page or report is read; None on every other page."""

    signer: PageLinks | None
    until: datetime | None
    """When the link that was used expires; None: the reader has credentials."""
    slug: str | None = None

    @classmethod
    def of(cls, request: GatewayRequest, signer: PageLinks | None, *, slug: str | None = None) -> ReaderLinks:
        """Return the addresses for the caller of a request."""
        has_link = request.require_caller().kind == "link"
        return cls(signer=signer, until=expiry_of(request.query.decode("latin-1")) if has_link else None, slug=slug)

    @property
    def has_credentials(self) -> bool:
        """True if the reader may open more than one page."""
        return self.until is None

    @property
    def overview(self) -> str | None:
        """The overview of all reports."""
        return OVERVIEW if self.has_credentials else None

    @property
    def status(self) -> str | None:
        """The status page."""
        return STATUS if self.has_credentials else None

    def team(self, team: EntityRef) -> str | None:
        """Return the page of a team."""
        return team_page("", team) if self.has_credentials else None

    def report(self, period: str, *, is_newest: bool = False) -> str | None:
        """Return the report of this team for a week or month. With a signed link only the newest one can be opened."""
        address = f"/reports/{percent_encode(self.slug or PLATFORM_SLUG)}/{period}"
        if self.until is None:
            return address
        if self.signer is None or not is_newest:
            return None
        return self.signer.sign(address, self.until, page=REPORT_PAGE)

    def component(self, component: Component) -> str | None:
        """Return the page of a component. With the signed link of a team only one that the team owns can be opened."""
        address = component_page("", component.ref)
        if self.until is None:
            return address
        if self.signer is None or self.slug is None or not is_within(self.slug, component):
            return None
        return self.signer.sign(address, self.until, page=COMPONENT_PAGE, origin=report_origin(self.slug))


def is_within(slug: str, component: Component) -> bool:
    """Return True if the links of a team lead to a component: it owns the component now."""
    return slug == team_slug(component.team)


def require_within_link(caller: Caller, component: Component) -> None:
    """Refuse a link from the report or page of a team to a component that has another owner by now.

    Raises:
        NotAllowedError: it has.
    """
    slug = team_of_origin(caller.origin)
    if slug is not None and not is_within(slug, component):
        message = f"this link is from the report or the page of {slug}, which does not own {component.ref} any more"
        raise NotAllowedError(message)


def signed_part(request: GatewayRequest) -> str:
    """Return the query of the signed link that the caller used; empty for other callers."""
    return link_in(request.query.decode("latin-1")) if request.require_caller().kind == "link" else ""


def page_query(request: GatewayRequest, *, week: str | None = None) -> str:
    """Return a query for the same page: the signature of the link, if there is one, and the week."""
    parts = [signed_part(request), "" if week is None else f"week={week}"]
    return "?" + "&".join(part for part in parts if part)


def export_query(request: GatewayRequest, *, week: str | None = None) -> str:
    """Return what the links to the tables of a page begin with."""
    query = page_query(request, week=week)
    return query if query == "?" else f"{query}&"
