"""The outside, built when it is first asked for: a command needs only the settings of what it uses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TypeVar

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
from clients.throttle.limit_algorithm import Priority
from domain.clock import Clock
from domain.component import RoutingKey
from wiring.config_file import ConfigFile
from wiring.limiter import open_limiter
from wiring.policy import routing_keys_of_teams
from wiring.secrets import Sealer
from wiring.settings import Settings, SettingsError

Value = TypeVar("Value")


def required(value: Value | None, name: str, use: str) -> Value:
    """Answer the value of a setting that may be left out in general, but not for this use.

    Raises:
        SettingsError: naming the setting, and what it is needed for.
    """
    if value is None:
        message = f"{name} is not set; {use} needs it"
        raise SettingsError(message)
    return value


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


class LiveServices:
    """ScaleOps, the catalog, Slack and PagerDuty as the settings name them. Make it after a fork, not before.

    `kind` says for whom ScaleOps is asked; `on_pace` hears how fast it may be.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        config: ConfigFile,
        clock: Clock,
        shared_token: TokenCache | None = None,
        kind: Priority = Priority.SWEEP,
        on_pace: Callable[[LimiterStatus], None] | None = None,
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._on_pace = on_pace
        self._shared_token = shared_token
        self._config = config
        self._clock = clock
        self._open = ExitStack()

    @cached_property
    def scaleops(self) -> ScaleOpsClient:
        """ScaleOps; may be used by many threads."""
        return ScaleOpsClient(self._scaleops_line, self.credentials)

    @cached_property
    def credentials(self) -> Credentials:
        """Of ScaleOps: one login for whoever asks it in this process."""
        return self.scaleops_credentials(self._scaleops_line)

    @cached_property
    def _scaleops_line(self) -> HttpClient:
        base_url = required(self._settings.scaleops_base_url, "SCALEOPS_BASE_URL", "asking ScaleOps")
        return self._line("ScaleOps", base_url, pace=self.pace)

    @cached_property
    def pace(self) -> ConcurrencyLimiter:
        """How many calls to ScaleOps this process may have in flight, over all lines to it. Raises SettingsError."""
        pace = self._open.enter_context(open_limiter(self._settings, self._kind))
        if self._on_pace is not None:
            pace.listen(self._on_pace)
        return pace

    def scaleops_credentials(self, line: HttpClient) -> Credentials:
        """Answer how we sign in to ScaleOps, as SCALEOPS_AUTH says or the credentials imply."""
        settings = self._settings
        use = f"SCALEOPS_AUTH={settings.auth}"
        match settings.auth:
            case "token":
                return FixedToken(required(_revealed(settings.scaleops_token), "SCALEOPS_TOKEN", use))
            case "internal" | "ldap":
                login = PasswordLogin(
                    http=line,
                    user=required(settings.scaleops_user, "SCALEOPS_USER", use),
                    password=required(_revealed(settings.scaleops_password), "SCALEOPS_PASSWORD", use),
                )
                return CachedLogin(login, clock=self._clock, cache=self._shared_token)
            case "azure":
                azure = AzureLogin(
                    http=self._line("Azure AD", settings.scaleops_azure_login_url),
                    tenant_id=required(settings.scaleops_azure_tenant_id, "SCALEOPS_AZURE_TENANT_ID", use),
                    client_id=required(settings.scaleops_azure_client_id, "SCALEOPS_AZURE_CLIENT_ID", use),
                    client_secret=required(_revealed(settings.scaleops_azure_client_secret), "SCALEOPS_AZURE_CLIENT_SECRET", use),
                )
                return CachedLogin(azure, clock=self._clock, cache=self._shared_token)
            case _:
                return FixedToken(None)

    @cached_property
    def catalog(self) -> Catalog:
        """The live catalog, or the catalog file."""
        settings = self._settings
        parser = EntityParser(slack_annotations=self._config.routes.slack_annotations)
        if settings.backstage_catalog_file is not None:
            return CatalogFile(Path(settings.backstage_catalog_file), parser=parser)
        return BackstageCatalog(self._backstage_line, _revealed(settings.backstage_token), parser=parser)

    def catalog_with(self, token: str) -> Catalog:
        """Answer the live catalog as the holder of a token sees it."""
        parser = EntityParser(slack_annotations=self._config.routes.slack_annotations)
        return BackstageCatalog(self._backstage_line, token, parser=parser)

    @cached_property
    def _backstage_line(self) -> HttpClient:
        base_url = self._settings.backstage_base_url
        use = "reading the catalog"
        return self._line("Backstage", required(base_url, "BACKSTAGE_BASE_URL (or BACKSTAGE_CATALOG_FILE)", use))

    @cached_property
    def slack(self) -> SlackClient:
        """Slack, as our bot."""
        settings = self._settings
        token = required(_revealed(settings.slack_bot_token), "SLACK_BOT_TOKEN", "sending to Slack")
        return SlackClient(token=token, instance=settings.instance, base_url=settings.slack_base_url)

    @cached_property
    def pagerduty(self) -> PagerDutyClient:
        """PagerDuty, by the routing key of each event."""
        return PagerDutyClient(events_url=self._settings.pagerduty_events_url)

    @cached_property
    def sealer(self) -> Sealer | None:
        """None without WORKER_SECRET_KEY: routing keys are then not remembered."""
        secret = _revealed(self._settings.worker_secret_key)
        return Sealer(secret) if secret is not None else None

    @cached_property
    def default_routing_key(self) -> RoutingKey | None:
        """PAGERDUTY_ROUTING_KEY."""
        key = _revealed(self._settings.pagerduty_routing_key)
        return RoutingKey(key) if key is not None else None

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        """Find a key of the settings, of the configuration file or, last, of the catalog. Raises ServiceError of the catalog."""
        configured = [*routing_keys_of_teams(self._config).values(), self.default_routing_key]
        found = next((key for key in configured if key is not None and key.fingerprint == fingerprint), None)
        if found is not None or not self._has_catalog:
            return found
        return self._keys_of_the_catalog.get(fingerprint)

    @property
    def _has_catalog(self) -> bool:
        return bool(self._settings.backstage_base_url or self._settings.backstage_catalog_file)

    @cached_property
    def _keys_of_the_catalog(self) -> dict[str, RoutingKey]:
        found: dict[str, RoutingKey] = {}
        for page in self.catalog.listing():
            found |= page.routing_keys
        return found

    def close(self) -> None:
        """Let go of all connections."""
        self._open.close()

    def _line(self, service: str, base_url: str, *, pace: ConcurrencyLimiter | None = None) -> HttpClient:
        rules = HttpOptions(timeout_s=self._settings.scaleops_timeout_s, max_in_flight=self._settings.scaleops_max_concurrency)
        line = HttpClient(service, base_url, rules, pace=pace)
        self._open.callback(line.close)
        return line
