"""What every stage is handed: the store, the services, the clock and the policy. Built in `wiring`, read by the stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from actions.ports import Catalog, DashboardLink, ScaleOps, no_link
from alerts.policy import AlertPolicy
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.clock import Clock
from domain.component import RoutingKey
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.weeks import Schedules
from reports.signed_links import PageLinks
from store import Store
from store.retention import Retention


class KeySealer(Protocol):
    """Seals routing keys for the database, and opens them again."""

    def seal(self, key: RoutingKey) -> bytes:
        """Answer what may stand in a row."""

    def open(self, sealed: bytes) -> RoutingKey | None:
        """Answer the key, or None when it was sealed under another WORKER_SECRET_KEY."""


class Services(Protocol):
    """The outside. Each is built when it is first asked for; a missing setting raises the SettingsError of `wiring`, which names it."""

    @property
    def scaleops(self) -> ScaleOps:
        """ScaleOps; may be used by many threads."""

    @property
    def catalog(self) -> Catalog:
        """The live catalog or the catalog file."""

    @property
    def slack(self) -> SlackClient:
        """Slack."""

    @property
    def pagerduty(self) -> PagerDutyClient:
        """PagerDuty, by the routing key of each event."""

    @property
    def sealer(self) -> KeySealer | None:
        """None without WORKER_SECRET_KEY: routing keys are then not remembered."""

    @property
    def default_routing_key(self) -> RoutingKey | None:
        """PAGERDUTY_ROUTING_KEY."""

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        """Find a key of the settings, of the configuration file or, last, of the catalog. Raises ServiceError of the catalog."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How this installation wants it, from settings and the configuration file. Each value's type lives where it decides."""

    instance: str
    """Names this installation in dedup keys and message metadata."""
    currency: str
    collect_every: timedelta
    """The length of a slot; divides 24 hours."""
    sweep_limit: timedelta
    """A sweep is closed this long after it was opened, with what is missing named."""
    max_in_flight: int
    """ScaleOps calls at a time."""
    schedules: Schedules
    """When the report of each team is due."""
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] = field(default_factory=dict)
    """`selectors.namespaces`: a component or team named here owns workloads of these namespaces only."""
    alerts: AlertPolicy
    """The rules; budgets and the clusters that are not production are there too."""
    routes: RoutePolicy = field(default_factory=RoutePolicy)
    removed_clusters: frozenset[str] = frozenset()
    """Clusters that are gone for good: their workloads are removed, not lost."""
    retention: Retention = field(default_factory=Retention)
    dashboard_link: DashboardLink = no_link
    public_url: str | None = None
    """Base of the links to report pages (WORKER_PUBLIC_URL); None: reports do not point to their pages."""
    page_links: PageLinks | None = field(default=None, repr=False)
    """Signs the links that are sent; None: who follows one must bring credentials."""


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """What a stage works with."""

    store: Store
    services: Services
    clock: Clock
    policy: Policy
