"""The address of the page about a component, a team or the installation, as a message contains it: signed if links are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.problems import Runbook
from domain.refs import OWNER_KINDS, PLATFORM, EntityRef
from reports.links import component_page, status_page, team_page
from reports.signed_links import COMPONENT_PAGE, LINK_TTL, STATUS_PAGE, TEAM_PAGE, PageLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAddress:
    """The address of a page, and the label of a link to it."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAddresses:
    """Returns the addresses. Without a base (WORKER_PUBLIC_URL) there are none."""

    base: str | None
    links: PageLinks | None = field(default=None, repr=False)
    """Signs them; None: a reader needs credentials."""
    docs_url: str | None = None
    """The documentation site with the run books; None: messages name the paths of the pages."""

    def runbook_links(self, runbooks: Iterable[Runbook]) -> tuple[PageAddress, ...]:
        """Return a link to each run book, once; none without a documentation site."""
        docs_url = self.docs_url
        if docs_url is None:
            return ()
        return tuple(PageAddress(label=f"Run book: {one}", url=one.url(docs_url)) for one in dict.fromkeys(runbooks))

    def page_about(self, about: EntityRef, *, origin: str, now: datetime) -> PageAddress | None:
        """Return the page where alerts about an entity are shown and answered.

        Args:
            about: a component, a team, or PLATFORM for the installation.
            origin: where the link is put, in words: `Slack C0123`.
            now: a signed link is valid from here on for LINK_TTL.
        """
        if self.base is None:
            return None
        if about == PLATFORM:
            page, url = STATUS_PAGE, status_page(self.base)
        elif about.kind in OWNER_KINDS:
            page, url = TEAM_PAGE, team_page(self.base, about)
        else:
            page, url = COMPONENT_PAGE, component_page(self.base, about)
        signed = url if self.links is None else self.links.sign(url, now + LINK_TTL, page=page, origin=origin)
        return PageAddress(label=f"Open {name_of_page(about)}", url=signed)


def name_of_page(about: EntityRef) -> str:
    """Return the name of the page where alerts about an entity are answered, as its reader calls it."""
    if about == PLATFORM:
        return "status page"
    return "team page" if about.kind in OWNER_KINDS else "component page"
