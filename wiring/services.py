"""The clients of outside services, each built when it is first used: a command needs only the settings of what it uses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from actions.ports import Catalog
from clients.backstage.catalog_file import CatalogFile
from clients.backstage.client import BackstageCatalog
from clients.backstage.entities import EntityParser
from clients.http.client import HttpClient, HttpOptions
from clients.pagerduty.client import PagerDutyClient
from clients.scaleops.auth import AzureLogin, PasswordLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import CachedLogin, Credentials, FixedToken, TokenCache
from clients.slack.client import SlackClient
from clients.throttle.concurrency_limiter import ConcurrencyLimiter, LimiterStatus
from clients.throttle.limit_algorithm import STATE_TTL_S, CallPriority
from domain.clock import Clock
from domain.component import RoutingKey
from wiring.config_file import ConfigFile
from wiring.policy import routing_keys_by_team
from wiring.secrets import Sealer, routing_key_sealer
from wiring.settings import Settings, required

LIMITER_STATE: Final = "limiter:2"
"""With the version of the state's schema."""
LIMITER_STATE_TTL: Final = timedelta(seconds=STATE_TTL_S)
_REPORT_TIMEOUT_S: Final = 1.0
"""A later report is useless."""


class LiveServices:
    """ScaleOps, the catalog, Slack and PagerDuty as the settings name them. Make it after a fork, not before.

    Args:
        token_cache: shares one ScaleOps login among several processes.
        priority: of the calls to ScaleOps.
        on_limiter_status: called after each report of the limiter.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        config: ConfigFile,
        clock: Clock,
        token_cache: TokenCache | None = None,
        priority: CallPriority = CallPriority.BACKGROUND,
        on_limiter_status: Callable[[LimiterStatus], None] | None = None,
    ) -> None:
        self._settings = settings
        self._config = config
        self._clock = clock
        self._token_cache = token_cache
        self._priority = priority
        self._on_limiter_status = on_limiter_status
        self._opened = ExitStack()

    @cached_property
    def scaleops(self) -> ScaleOpsClient:
        """ScaleOps, for any number of threads."""
        return ScaleOpsClient(self._scaleops_http, self.credentials)

    @cached_property
    def credentials(self) -> Credentials:
        """Of ScaleOps: one login for the whole process."""
        return self.scaleops_credentials(self._scaleops_http)

    @cached_property
    def _scaleops_http(self) -> HttpClient:
        base_url = required(self._settings.scaleops_base_url, "SCALEOPS_BASE_URL", "a request to ScaleOps")
        return self._http("ScaleOps", base_url, limiter=self.limiter)

    @cached_property
    def limiter(self) -> ConcurrencyLimiter:
        """Of the calls to ScaleOps of this process, over all its clients; shared through REDIS_URL if set. Raises SettingsError."""
        settings = self._settings
        update_shared_state = None
        if settings.redis_url is not None:
            from clients.redis.cache import RedisCache  # noqa: PLC0415 - half of all commands need no Redis, and it takes a while to import

            cache = RedisCache(settings.redis_url.get_secret_value(), instance=settings.instance, timeout_s=_REPORT_TIMEOUT_S)
            self._opened.callback(cache.close)
            update_shared_state = partial(cache.compare_and_set, LIMITER_STATE, ttl=LIMITER_STATE_TTL)
        ceiling = settings.scaleops_max_concurrency
        limiter = ConcurrencyLimiter("ScaleOps", ceiling, priority=self._priority, update_shared_state=update_shared_state)
        limiter.on_status = self._on_limiter_status
        self._opened.callback(limiter.close)
        return limiter

    def scaleops_credentials(self, http: HttpClient) -> Credentials:
        """Build the credentials that SCALEOPS_AUTH names or the other settings imply."""
        settings = self._settings
        purpose = f"SCALEOPS_AUTH={settings.auth}"
        match settings.auth:
            case "token":
                return FixedToken(required(_reveal(settings.scaleops_token), "SCALEOPS_TOKEN", purpose))
            case "internal" | "ldap":
                login = PasswordLogin(
                    http=http,
                    user=required(settings.scaleops_user, "SCALEOPS_USER", purpose),
                    password=required(_reveal(settings.scaleops_password), "SCALEOPS_PASSWORD", purpose),
                )
                return CachedLogin(login, clock=self._clock, cache=self._token_cache)
            case "azure":
                secret = _reveal(settings.scaleops_azure_client_secret)
                azure = AzureLogin(
                    http=self._http("Azure AD", settings.scaleops_azure_login_url),
                    tenant_id=required(settings.scaleops_azure_tenant_id, "SCALEOPS_AZURE_TENANT_ID", purpose),
                    client_id=required(settings.scaleops_azure_client_id, "SCALEOPS_AZURE_CLIENT_ID", purpose),
                    client_secret=required(secret, "SCALEOPS_AZURE_CLIENT_SECRET", purpose),
                )
                return CachedLogin(azure, clock=self._clock, cache=self._token_cache)
            case _:
                return FixedToken(None)

    @cached_property
    def catalog(self) -> Catalog:
        """The live catalog, or the catalog file."""
        if self._settings.backstage_catalog_file is not None:
            return CatalogFile(Path(self._settings.backstage_catalog_file), parser=self._entity_parser)
        return self.catalog_with(_reveal(self._settings.backstage_token))

    def catalog_with(self, token: str | None) -> Catalog:
        """Return the live catalog as the holder of a token sees it."""
        return BackstageCatalog(self._backstage_http, token, parser=self._entity_parser)

    @cached_property
    def _entity_parser(self) -> EntityParser:
        return EntityParser(slack_annotations=self._config.routes.slack_annotations)

    @cached_property
    def _backstage_http(self) -> HttpClient:
        setting = "BACKSTAGE_BASE_URL (or BACKSTAGE_CATALOG_FILE)"
        return self._http("Backstage", required(self._settings.backstage_base_url, setting, "reading the catalog"))

    @cached_property
    def slack(self) -> SlackClient:
        """Slack, as our bot."""
        settings = self._settings
        token = required(_reveal(settings.slack_bot_token), "SLACK_BOT_TOKEN", "sending to Slack")
        return SlackClient(token=token, instance=settings.instance, base_url=settings.slack_base_url)

    @cached_property
    def pagerduty(self) -> PagerDutyClient:
        """PagerDuty, by the routing key of each event."""
        return PagerDutyClient(events_url=self._settings.pagerduty_events_url)

    @cached_property
    def sealer(self) -> Sealer | None:
        """None without WORKER_SECRET_KEY: routing keys are then not stored."""
        return routing_key_sealer(self._settings)

    @cached_property
    def default_routing_key(self) -> RoutingKey | None:
        """PAGERDUTY_ROUTING_KEY."""
        key = _reveal(self._settings.pagerduty_routing_key)
        return RoutingKey(key) if key is not None else None

    @property
    def configured_routing_keys(self) -> tuple[RoutingKey, ...]:
        """The keys of the settings and the configuration file."""
        default = self.default_routing_key
        return (*routing_keys_by_team(self._config).values(), *(() if default is None else (default,)))

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        """Find a key in the settings, the configuration file or, last, the catalog. Raises ServiceError of the catalog."""
        found = next((key for key in self.configured_routing_keys if key.fingerprint == fingerprint), None)
        has_catalog = self._settings.backstage_base_url or self._settings.backstage_catalog_file
        return self._catalog_routing_keys.get(fingerprint) if found is None and has_catalog else found

    @cached_property
    def _catalog_routing_keys(self) -> dict[str, RoutingKey]:
        return {fingerprint: key for page in self.catalog.listing() for fingerprint, key in page.routing_keys.items()}

    def close(self) -> None:
        """Close all connections."""
        self._opened.close()

    def _http(self, service: str, base_url: str, *, limiter: ConcurrencyLimiter | None = None) -> HttpClient:
        options = HttpOptions(timeout_s=self._settings.scaleops_timeout_s, max_in_flight=self._settings.scaleops_max_concurrency)
        http = HttpClient(service, base_url, options, limiter=limiter)
        self._opened.callback(http.close)
        return http


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
