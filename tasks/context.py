"""The context of every stage: store, services, clock and policy. Built in `wiring`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from actions.ports import Catalog, DashboardLink, SweepScaleOps, no_link
from alerts.policy import AlertPolicy
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.clock import Clock, skew_problem
from domain.component import RoutingKey
from domain.months import MonthlySchedule
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.weeks import Schedules
from reports.page_addresses import PageAddresses
from reports.signed_links import PageLinks
from store import Store
from store.retention import Retention
from tasks.spans import NULL_TRACER, WorkTracer


class KeySealer(Protocol):
    """Encrypts routing keys for the database."""

    def seal(self, key: RoutingKey) -> bytes:
        """Return the encrypted key."""

    def open(self, sealed: bytes) -> RoutingKey | None:
        """Return the key, or None if it was sealed with another WORKER_SECRET_KEY."""


class Services(Protocol):
    """External services, each built on first use; a missing setting raises the SettingsError of `wiring`."""

    @property
    def scaleops(self) -> SweepScaleOps:
        """ScaleOps; thread-safe."""

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
        """None without WORKER_SECRET_KEY: routing keys are then not stored."""

    @property
    def default_routing_key(self) -> RoutingKey | None:
        """PAGERDUTY_ROUTING_KEY."""

    @property
    def configured_routing_keys(self) -> Sequence[RoutingKey]:
        """The keys of the settings and the configuration file."""

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        """Return a key of the settings, the configuration file or, last, the catalog. Raises ServiceError of the catalog."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The decisions of this installation, from settings and the configuration file."""

    instance: str
    """Name of this installation in dedup keys and message metadata."""
    currency: str
    collect_every: timedelta
    """The length of a slot; divides 24 hours."""
    sweep_limit: timedelta
    """A sweep is closed this long after it was opened; what is missing is recorded as unknown."""
    max_in_flight: int
    """ScaleOps calls in flight."""
    schedules: Schedules
    """When the report of each team is due."""
    watch_every: timedelta = timedelta(0)
    """The length of a slot of watch sweeps; divides `collect_every`. Zero: there are none."""
    uses_bulk: bool = True
    """SCALEOPS_BULK: whether sweeps make the requests without a filter, and use the responses that prove complete."""
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] = field(default_factory=dict)
    """`selectors.namespaces`: a component or team named here owns workloads of these namespaces only."""
    alerts: AlertPolicy
    """Rules, budgets and non-production clusters."""
    routes: RoutePolicy = field(default_factory=RoutePolicy)
    quiet_teams: frozenset[EntityRef] = frozenset()
    """Teams whose quiet weeks are reported in one short message."""
    shared_namespaces: frozenset[str] = frozenset()
    """Namespaces whose unclaimed cost is shared on purpose."""
    removed_clusters: frozenset[str] = frozenset()
    """Decommissioned clusters: their workloads count as removed, not as lost."""
    retention: Retention = field(default_factory=Retention)
    dashboard_link: DashboardLink = no_link
    pagerduty_changes: bool = False
    """Send change events to PagerDuty (`pagerduty.changes`)."""
    catalog_url: str | None = None
    """Backstage as a browser opens it; None: there are no links to it."""
    public_url: str | None = None
    """Base of the links to report pages (WORKER_PUBLIC_URL); None: reports have no links to their pages."""
    page_links: PageLinks | None = field(default=None, repr=False)
    """Signs the links that are sent; None: a reader needs credentials."""
    docs_url: str | None = None
    """The documentation site (WORKER_DOCS_URL), with the run books of problems; None: messages name the pages."""

    @property
    def pages(self) -> PageAddresses:
        """Addresses of pages, as messages contain them."""
        return PageAddresses(base=self.public_url, links=self.page_links, docs_url=self.docs_url)

    @property
    def monthly_schedule(self) -> MonthlySchedule:
        """When the monthly roll-up is due: in the zone and at the time of the weekly one."""
        return MonthlySchedule(zone=self.schedules.default.zone, at=self.schedules.default.at)


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """What a stage needs."""

    store: Store
    services: Services
    clock: Clock
    """The database's clock, which all processes share."""
    policy: Policy
    local_clock: Clock | None = None
    """Of this machine; None: the same clock."""
    tracer: WorkTracer = NULL_TRACER
    """Records sweeps and deliveries as traces."""

    def clock_problem(self) -> str:
        """Return a sentence if the clock of this machine contradicts the database's; else empty. Raises StoreUnavailable."""
        return skew_problem(self.local_clock(), self.clock()) if self.local_clock is not None else ""
