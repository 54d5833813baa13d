"""Asks each service one harmless question, to tell whether the settings are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from clients.http.errors import ServiceError
from store import SchemaMismatch, Store, StoreUnavailable
from wiring.clock import utc_now
from wiring.contexts import LoadedConfig
from wiring.services import LiveServices, required
from wiring.settings import SettingsError


@dataclass(frozen=True, kw_only=True)
class ConnectivityCheck:
    """What one service answered."""

    service: str
    is_good: bool
    is_asked: bool
    """False: it is not configured, so nothing was asked."""
    sentence: str


def probe_services(installation: LoadedConfig) -> Iterator[ConnectivityCheck]:
    """Ask the database, ScaleOps, the catalog, Slack and PagerDuty in turn. Nobody is paged and nothing is posted."""
    settings = installation.settings
    services = LiveServices(settings, config=installation.config, clock=utc_now)
    catalog = "catalog file" if settings.backstage_catalog_file else "Backstage"
    try:
        yield _probed("database", lambda: _database(settings.database_url.get_secret_value()))
        yield _probed("ScaleOps", lambda: _scaleops(services), unless=not settings.scaleops_base_url)
        yield _probed(
            catalog, lambda: _catalog(services), unless=not (settings.backstage_base_url or settings.backstage_catalog_file)
        )
        yield _probed("Slack", lambda: _slack(services), unless=settings.slack_bot_token is None)
        yield _probed("PagerDuty", lambda: _pagerduty(services, settings.instance), unless=settings.pagerduty_routing_key is None)
    finally:
        services.close()


def _probed(service: str, ask: Callable[[], str], *, unless: bool = False) -> ConnectivityCheck:
    if unless:
        return ConnectivityCheck(service=service, is_good=True, is_asked=False, sentence="not configured")
    try:
        return ConnectivityCheck(service=service, is_good=True, is_asked=True, sentence=ask())
    except (ServiceError, SettingsError, StoreUnavailable, SchemaMismatch) as failure:
        return ConnectivityCheck(service=service, is_good=False, is_asked=True, sentence=str(failure))


def _database(url: str) -> str:
    store = Store.open(url)
    name = store.name
    store.close()
    return f"{name} is there, with the tables of this version"


def _scaleops(services: LiveServices) -> str:
    flags = services.scaleops.network_flags()
    watched = sorted(cluster for cluster, is_on in flags.items() if is_on)
    return f"signed in; it knows {len(flags)} clusters, and watches the network of {', '.join(watched) or 'none'}"


def _catalog(services: LiveServices) -> str:
    listing = services.catalog.listing()
    first = next(iter(islice(listing, 1)), None)
    found = len(first.components) if first else 0
    return f"it answers; the first page holds {found} components with a label selector or kubernetes-id"


def _slack(services: LiveServices) -> str:
    identity = services.slack.probe()
    return f"signed in as {identity.user} in the workspace {identity.workspace}"


def _pagerduty(services: LiveServices, instance: str) -> str:
    """Resolve what was never opened: PagerDuty drops that, but refuses it from a key that it does not know."""
    key = required(services.default_routing_key, "PAGERDUTY_ROUTING_KEY", "asking PagerDuty")
    services.pagerduty.send(key, {"event_action": "resolve", "dedup_key": f"{instance}:check-config"})
    return "it takes events with PAGERDUTY_ROUTING_KEY; nobody was paged"
