"""Sends each service one harmless request, to check the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from clients.http.errors import ServiceError
from store import SchemaMismatch, Store, StoreUnavailable
from wiring.catalog_review import review_catalog
from wiring.clock import utc_now
from wiring.loaded_config import LoadedConfig
from wiring.services import LiveServices, required
from wiring.settings import SettingsError


@dataclass(frozen=True, kw_only=True)
class ConnectivityCheck:
    """The outcome for one service."""

    service: str
    ok: bool
    attempted: bool
    """False: it is not configured, so no request was sent."""
    message: str


def check_connectivity(loaded: LoadedConfig) -> Iterator[ConnectivityCheck]:
    """Check the database, ScaleOps, the catalog, Slack and PagerDuty in this order. No message is posted, no incident opened."""
    settings = loaded.settings
    catalog = "catalog file" if settings.backstage_catalog_file else "Backstage"
    has_catalog = bool(settings.backstage_base_url or settings.backstage_catalog_file)
    with closing(LiveServices(settings, config=loaded.config, clock=utc_now)) as services:
        yield _check("database", lambda: _database(settings.database_url.get_secret_value()))
        yield _check("ScaleOps", lambda: _scaleops(services), is_configured=settings.scaleops_base_url is not None)
        yield _check(catalog, lambda: _catalog(services), is_configured=has_catalog)
        yield _check("Slack", lambda: _slack(services), is_configured=settings.slack_bot_token is not None)
        has_key = settings.pagerduty_routing_key is not None
        yield _check("PagerDuty", lambda: _pagerduty(services, settings.instance), is_configured=has_key)


def _check(service: str, request: Callable[[], str], *, is_configured: bool = True) -> ConnectivityCheck:
    if not is_configured:
        return ConnectivityCheck(service=service, ok=True, attempted=False, message="not configured")
    try:
        return ConnectivityCheck(service=service, ok=True, attempted=True, message=request())
    except (ServiceError, SettingsError, StoreUnavailable, SchemaMismatch) as error:
        return ConnectivityCheck(service=service, ok=False, attempted=True, message=str(error))


def _database(url: str) -> str:
    with closing(Store.open(url)) as store:
        return f"{store.name} has the tables of this version"


def _scaleops(services: LiveServices) -> str:
    flags = services.scaleops.network_flags()
    monitored = sorted(cluster for cluster, is_on in flags.items() if is_on)
    return f"signed in; {len(flags)} clusters, network monitored in {', '.join(monitored) or 'none'}"


def _catalog(services: LiveServices) -> str:
    return str(review_catalog(services.catalog))


def _slack(services: LiveServices) -> str:
    identity = services.slack.probe()
    return f"signed in as {identity.user} in the workspace {identity.workspace}"


def _pagerduty(services: LiveServices, instance: str) -> str:
    """Resolve an incident that was never opened: PagerDuty drops the event, but rejects an unknown key."""
    key = required(services.default_routing_key, "PAGERDUTY_ROUTING_KEY", "a request to PagerDuty")
    services.pagerduty.send(key, {"event_action": "resolve", "dedup_key": f"{instance}:check-config"})
    return "accepts events with PAGERDUTY_ROUTING_KEY; no incident was opened"
