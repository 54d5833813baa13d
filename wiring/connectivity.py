"""Sends each service harmless requests, to check the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

from clients.http.errors import ServiceError
from clients.redis.probe import probe_redis
from clients.slack.scopes import missing_scopes
from domain.bulk_trust import describe_standings
from domain.component import RoutingKey
from store import SchemaMismatch, StoreUnavailable
from tasks.maintenance.watch_status import describe_watch, read_watch_status
from wiring.catalog_review import CatalogReview, review_catalog
from wiring.clock import utc_now
from wiring.config_file import ConfigFile
from wiring.contexts import open_store
from wiring.loaded_config import LoadedConfig
from wiring.policy import routing_keys_by_team
from wiring.services import LiveServices
from wiring.settings import Settings, SettingsError

_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class ConnectivityCheck:
    """The outcome for one service."""

    service: str
    ok: bool | None
    """None: it is not configured, which is neither right nor wrong."""
    message: str

    @property
    def attempted(self) -> bool:
        """False if it is not configured, so that no request was sent."""
        return self.ok is not None


class CheckFailed(Exception):
    """What is configured cannot be used. The message says what to do."""


def check_connectivity(loaded: LoadedConfig) -> Iterator[ConnectivityCheck]:
    """Check each service in the order of a delivery. No message is posted, no incident opened."""
    settings = loaded.settings
    has_catalog = bool(settings.backstage_base_url or settings.backstage_catalog_file)
    if not (settings.scaleops_base_url or has_catalog or settings.slack_bot_token or settings.pagerduty_routing_key):
        message = "nothing is configured; set SCALEOPS_BASE_URL and BACKSTAGE_BASE_URL (or BACKSTAGE_CATALOG_FILE) first"
        yield ConnectivityCheck(service="configuration", ok=False, message=message)
    with closing(LiveServices(settings, config=loaded.config, clock=utc_now)) as services:
        yield _check("database", lambda: _database(settings))
        url = settings.redis_url
        yield _check("Redis", lambda: probe_redis(url.get_secret_value() if url else ""), is_configured=url is not None)
        yield _check("ScaleOps", lambda: _scaleops(services), is_configured=settings.scaleops_base_url is not None)
        reviews: list[CatalogReview] = []

        def read_catalog() -> str:
            reviews.append(review_catalog(services.catalog))
            problems = reviews[0].problems[:_SHOWN]
            return f"{reviews[0]}: {'; '.join(problems)}" if problems and not settings.backstage_catalog_file else str(reviews[0])

        name = "catalog file" if settings.backstage_catalog_file else "Backstage"
        yield _check(name, read_catalog, is_configured=has_catalog)
        if reviews and not reviews[0].incomplete_reason:
            yield _check(
                "configuration file",
                lambda: _compare_with_catalog(loaded.config, reviews[0]),
                is_configured=loaded.config != ConfigFile(),
            )
        yield _check("bulk responses", lambda: _bulk(settings))
        yield _check("watch sweeps", lambda: _watch(settings), is_configured=bool(settings.worker_watch_every))
        yield from _slack(services, loaded)
        yield from _pagerduty(services, loaded, reviews[0].keys if reviews else ())


def _check(service: str, request: Callable[[], str], *, is_configured: bool = True) -> ConnectivityCheck:
    if not is_configured:
        return ConnectivityCheck(service=service, ok=None, message="not configured")
    try:
        return ConnectivityCheck(service=service, ok=True, message=request())
    except (CheckFailed, ServiceError, SettingsError, StoreUnavailable, SchemaMismatch) as error:
        return ConnectivityCheck(service=service, ok=False, message=str(error))


def _database(settings: Settings) -> str:
    with closing(open_store(settings)) as store:
        store.check_writable()
        return f"{store.name} has the tables of this version"


def _scaleops(services: LiveServices) -> str:
    flags = services.scaleops.network_flags()
    monitored = sorted(cluster for cluster, is_on in flags.items() if is_on)
    return f"signed in; {len(flags)} clusters, network monitored in {', '.join(monitored) or 'none'}"


def _bulk(settings: Settings) -> str:
    """Say what the sweeps so far found; one that is not trusted costs more calls, and nothing else."""
    if settings.scaleops_bulk == "off":
        return "switched off (SCALEOPS_BULK=off)"
    with closing(open_store(settings)) as store, store.reading() as transaction:
        return "; ".join(describe_standings(transaction.bulk_checks.standings())) or "no full sweep has compared them yet"


def _watch(settings: Settings) -> str:
    with closing(open_store(settings)) as store, store.reading() as transaction:
        return describe_watch(read_watch_status(transaction), every=settings.worker_watch_every)


def _compare_with_catalog(config: ConfigFile, review: CatalogReview) -> str:
    """Raise CheckFailed for what the file says about entities that the catalog lacks: it would have no effect."""
    if not (config.teams or config.components or config.selectors.namespaces):
        return "it names no team or component"
    known = review.refs | review.teams
    lacking = [f"teams.{ref}" for ref in config.teams if ref not in review.teams]
    lacking += [f"components.{ref}" for ref in config.components if ref not in review.refs]
    lacking += [f"selectors.namespaces.{ref}" for ref in config.selectors.namespaces if ref not in known]
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        message = (
            f"{', '.join(lacking[:_SHOWN])}{more}: the catalog has no such component, or no such owner of one; correct the name"
        )
        raise CheckFailed(message)
    return "every team and component of it is in the catalog"


def _slack(services: LiveServices, loaded: LoadedConfig) -> Iterator[ConnectivityCheck]:
    """Check the token, its scopes, and every channel of the settings and the configuration file."""
    signed_in = _check("Slack", lambda: _sign_in(services), is_configured=loaded.settings.slack_bot_token is not None)
    yield signed_in
    if signed_in.ok:
        for channel, origin in _channels(loaded).items():
            yield _check("Slack channel", partial(_read_channel, services, channel, origin))


def _sign_in(services: LiveServices) -> str:
    identity = services.slack.probe()
    missing = missing_scopes(identity.scopes) if identity.scopes else ()
    without = "".join(f"; without {scope.name} {scope.without}" for scope in missing)
    if any(scope.is_required for scope in missing):
        names = ", ".join(scope.name for scope in missing)
        message = f"SLACK_BOT_TOKEN lacks the scopes {names}; add them to the app (deploy/slack-app-manifest.yaml) and install it again{without}"
        raise CheckFailed(message)
    unknown = "" if identity.scopes else "; Slack did not say which scopes the token has"
    return f"signed in as {identity.user} in the workspace {identity.workspace}{without}{unknown}"


def _channels(loaded: LoadedConfig) -> dict[str, str]:
    """Return each configured channel, and what names it first."""
    settings, config = loaded.settings, loaded.config
    named = [
        (settings.slack_default_channel, "SLACK_DEFAULT_CHANNEL"),
        (settings.worker_platform_channel, "WORKER_PLATFORM_CHANNEL"),
    ]
    named += [(team.slack_channel, f"teams.{ref}.slack_channel") for ref, team in config.teams.items()]
    named += [(channel, "routes.allowed_channels") for channel in config.routes.allowed_channels]
    channels: dict[str, str] = {}
    for channel, origin in named:
        if channel:
            channels.setdefault(channel, origin)
    return channels


def _read_channel(services: LiveServices, channel: str, origin: str) -> str:
    try:
        services.slack.check_channel(channel)
    except ServiceError as error:
        message = f"{origin}: {error}; check the id, and invite the bot to the channel"
        raise CheckFailed(message) from None
    return f"{origin}: the bot is a member of {channel}"


def _pagerduty(services: LiveServices, loaded: LoadedConfig, annotated: tuple[RoutingKey, ...]) -> Iterator[ConnectivityCheck]:
    """Prove each key once, by resolving an incident that was never opened: PagerDuty drops the event, but rejects an unknown key."""
    keys: dict[RoutingKey, str] = {}
    if services.default_routing_key is not None:
        keys[services.default_routing_key] = "PAGERDUTY_ROUTING_KEY"
    for ref, key in routing_keys_by_team(loaded.config).items():
        keys.setdefault(key, f"teams.{ref}.pagerduty_routing_key_file")
    for key in annotated:
        keys.setdefault(key, f"the catalog annotation with fingerprint {key.fingerprint}")
    if not keys:
        yield ConnectivityCheck(service="PagerDuty", ok=None, message="not configured")
    for key, origin in keys.items():
        yield _check("PagerDuty", partial(_prove, services, key, origin, loaded.settings.instance))


def _prove(services: LiveServices, key: RoutingKey, origin: str, instance: str) -> str:
    odd = "" if key.is_well_formed else f"{origin} is not an integration key, which has 32 letters or digits"
    try:
        services.pagerduty.send(key, {"event_action": "resolve", "dedup_key": f"{instance}:check-config"})
    except ServiceError as error:
        message = f"{origin}: {error}{'; ' if odd else ''}{odd}"
        raise CheckFailed(message) from None
    return f"accepts events with {origin}; no incident was opened{'; warning: ' if odd else ''}{odd}"
