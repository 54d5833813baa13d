"""URLs that a report may contain: a workload in the ScaleOps dashboard, a page of the gateway."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from domain.months import Month
from domain.refs import DEFAULT_NAMESPACE, PLATFORM, UNOWNED, EntityRef
from domain.weeks import IsoWeek
from domain.workload import WorkloadKey

PLATFORM_SLUG: Final = "~platform"
"""A team's slug never begins with a tilde."""

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_.~").encode())
_MAX_ANCHOR_LENGTH: Final = 100
_IN_NAMES: Final = frozenset((string.ascii_letters + string.digits + "-_.").encode())


class WorkloadLink(Protocol):
    """Returns the dashboard URL of a workload, or None if links are off."""

    def __call__(self, workload_name: str, labels: tuple[str, ...]) -> str | None:
        """Build the URL from the workload's name, empty for all workloads, and the labels of its selector."""


def _no_link(workload_name: str, labels: tuple[str, ...]) -> str | None:  # noqa: ARG001 - implements WorkloadLink
    return None


@dataclass(frozen=True, kw_only=True)
class Links:
    """Targets of links. Without a `pages` base (WORKER_PUBLIC_URL) a report has no link to its page, without `catalog` none to Backstage."""

    workload: WorkloadLink = _no_link
    pages: str | None = None
    catalog: str | None = None
    """Backstage as a browser opens it."""

    def report(self, slug: str, period: IsoWeek | Month) -> str | None:
        """Return the URL of a report's page."""
        return None if self.pages is None else f"{self.pages.rstrip('/')}/reports/{percent_encode(slug)}/{period}"

    def component(self, ref: EntityRef) -> str | None:
        """Return the URL of a component's page."""
        return None if self.pages is None else component_page(self.pages, ref)

    def entity(self, ref: EntityRef) -> str | None:
        """Return the URL of an entity in Backstage, of the whole catalog for the platform; None also for what is no entity."""
        if self.catalog is None or ref == UNOWNED:
            return None
        return f"{self.catalog.rstrip('/')}/catalog" if ref == PLATFORM else catalog_page(self.catalog, ref)

    @property
    def dashboard(self) -> str | None:
        """The URL of the cost report in ScaleOps."""
        return self.workload("", ())


@dataclass(frozen=True, kw_only=True)
class MessageLinks:
    """The links of a message to pages of the gateway, as its readers can open them: signed if links are."""

    page: str | None = None
    """The page of the report."""
    component: Callable[[str], str | None] = lambda _: None
    """Returns the page of a component by its reference."""


def component_page(base: str, ref: EntityRef) -> str:
    """Return the URL of a component's page, below the base of links (WORKER_PUBLIC_URL)."""
    return "/".join([base.rstrip("/"), "components", *(percent_encode(part) for part in (ref.kind, ref.namespace, ref.name))])


def team_page(base: str, team: EntityRef) -> str:
    """Return the URL of a team's page."""
    return f"{base.rstrip('/')}/reports/{percent_encode(team_slug(team))}"


def status_page(base: str) -> str:
    """Return the URL of the status page."""
    return f"{base.rstrip('/')}/status"


def catalog_page(base: str, ref: EntityRef) -> str:
    """Return the URL of an entity in Backstage's catalog (https://backstage.io/docs/features/software-catalog/)."""
    path = (ref.namespace, ref.kind, ref.name)
    return "/".join([base.rstrip("/"), "catalog", *(percent_encode(part) for part in path)])


def slack_channel_link(channel: str) -> str:
    """Return the URL that opens a Slack channel for a person (https://docs.slack.dev/interactivity/deep-linking)."""
    return f"https://slack.com/app_redirect?channel={percent_encode(channel)}"


def team_slug(team: EntityRef) -> str:
    """Return the shortest unique path segment of a team: `payments`, `infra~payments`, `user~default~ann`, PLATFORM_SLUG.

    A slug contains no slash and does not begin with a dot.
    """
    if team == PLATFORM:
        return PLATFORM_SLUG
    parts = [team.name]
    if team.kind != "group":
        parts = [team.kind, team.namespace, team.name]
    elif team.namespace != DEFAULT_NAMESPACE:
        parts = [team.namespace, team.name]
    return "~".join(_encode(part, _IN_NAMES) for part in parts)


def workload_anchor(key: WorkloadKey) -> str:
    """Return the anchor of a workload on the page of its component: no two workloads have the same.

    `w-east/shop/Deployment/checkout`; of a longer one, such as of letters that are percent-encoded, the digest.
    """
    anchor = "/".join(percent_encode(part) for part in (key.cluster, key.namespace, key.type, key.name))
    return f"w-{anchor if len(anchor) <= _MAX_ANCHOR_LENGTH else sha256(anchor.encode()).hexdigest()}"


def percent_encode(text: str) -> str:
    """Percent-encode a text as one path segment."""
    return _encode(text, _PLAIN)


def _encode(text: str, plain: frozenset[int]) -> str:
    encoded = "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode())
    return f"%2E{encoded[1:]}" if encoded.startswith(".") else encoded
