"""Every setting by its public name: its type, default and checks. `environment.py` reads the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from wiring.logins import CREDENTIALS, configured_logins, kind_of_credentials
from wiring.setting_types import (
    BackstageUrl,
    ChannelId,
    Currency,
    DatabaseUrl,
    Duration,
    Instance,
    Names,
    OptionalDuration,
    PrivateUrl,
    Rate,
    RedisUrl,
    Secret,
    SlotInterval,
    TimeOfDay,
    Url,
    Weekday,
    Zone,
    lowercase,
)

Value = TypeVar("Value")


class SettingsError(Exception):
    """A setting is invalid or missing. Each problem is a sentence that names the setting and says what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        more = f" (and {len(problems) - 1} more: run `scaleops-worker check-config`)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)


def required(value: Value | None, name: str, purpose: str) -> Value:
    """Return the value of a setting that is optional in general, but not for this purpose.

    Raises:
        SettingsError: naming the setting, and what it is needed for.
    """
    if value is None:
        message = f"{name} is not set; {purpose} requires it"
        raise SettingsError(message)
    return value


class Settings(BaseModel):
    """Every setting; a field has the setting's name in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    scaleops_base_url: Url | None = None
    """URL of the ScaleOps dashboard; with several clusters that of the parent."""
    scaleops_auth: Annotated[Literal["none", "internal", "ldap", "token", "azure"] | None, BeforeValidator(lowercase)] = None
    """The login. If unset, `token` with SCALEOPS_TOKEN, `azure` with a tenant, client or secret of Azure AD, `internal` with
    SCALEOPS_USER, else `none`; `ldap` has to be set. Credentials of two kinds are an error."""
    scaleops_user: str | None = None
    """The user for `internal` and `ldap`; a Viewer account is enough."""
    scaleops_password: Secret | None = None
    """The password of SCALEOPS_USER."""
    scaleops_token: Secret | None = None
    """A bearer token of ScaleOps, in place of a user."""
    scaleops_azure_tenant_id: str | None = None
    """Azure AD client credentials: the tenant."""
    scaleops_azure_client_id: str | None = None
    """Azure AD client credentials: the client."""
    scaleops_azure_client_secret: Secret | None = None
    """Azure AD client credentials: the secret of the client."""
    scaleops_azure_login_url: PrivateUrl = "https://login.microsoftonline.com"
    """Login service of Azure AD; national clouds have their own."""
    scaleops_link_to_dashboard: bool = False
    """Include links to the ScaleOps dashboard in outputs and reports."""
    scaleops_currency: Currency = "USD"
    """ISO 4217 code of all amounts; the ScaleOps API names none."""
    scaleops_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30
    """Time-out of one call to ScaleOps, in seconds."""
    scaleops_bulk: Literal["auto", "off"] = "auto"
    """`auto`: a sweep fetches the inventory and all costs of a cluster in one call each, and uses them while they agree with the
    calls for single components. `off`: only the calls for single components."""
    scaleops_max_concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """Maximum calls to ScaleOps in flight per process; reduced while ScaleOps throttles or times out."""

    backstage_base_url: BackstageUrl | None = None
    """URL of the Backstage backend: https, or http for a name inside a cluster: without a dot, or ending in `.svc` or
    `.cluster.local`."""
    backstage_app_url: Url | None = None
    """URL of Backstage in a browser, base of links to catalog pages; if unset, BACKSTAGE_BASE_URL, unless only a cluster resolves
    that name or it is this machine."""
    backstage_token: Secret | None = None
    """A static token of `backend.auth.externalAccess` that may read the catalog."""
    backstage_catalog_file: Path | None = None
    """A file or folder of catalog YAML or JSON, in place of BACKSTAGE_BASE_URL; setting both is an error."""

    database_url: DatabaseUrl = SecretStr("sqlite:///scaleops-worker.db")
    """URL of the database: SQLite, or PostgreSQL (`postgresql://...`) with the parameters of libpq (`sslmode`,
    `tcp_user_timeout`, `keepalives_idle`, `target_session_attrs`); a password is percent-encoded."""
    database_statement_timeout: Duration = timedelta(minutes=1)
    """PostgreSQL: a statement is cancelled after this; 10 s later the connection is closed if nothing came back."""
    database_lock_timeout: Duration = timedelta(seconds=30)
    """PostgreSQL: how long a statement waits for a row or table that is locked."""
    database_idle_transaction_timeout: Duration = timedelta(minutes=2)
    """PostgreSQL: the transaction of a process that was stopped is rolled back after this."""
    redis_url: RedisUrl | None = None
    """Broker and shared cache of the distributed worker: `redis://host:6379/0`, `rediss://` (certificates are verified) or
    `unix:///path`; a password is percent-encoded; if set, every command observes the common limit on calls to ScaleOps;
    not needed in embedded mode."""

    slack_bot_token: Secret | None = None
    """Bot token (`xoxb-...`) of the app of `deploy/slack-app-manifest.yaml`."""
    slack_default_channel: ChannelId | None = None
    """Id of the channel for teams without a channel of their own."""
    slack_base_url: PrivateUrl = "https://slack.com/api"
    """URL of the Slack Web API."""
    pagerduty_routing_key: Secret | None = None
    """Events API v2 integration key for teams without a key of their own, and for pages of the platform."""
    pagerduty_events_url: PrivateUrl = "https://events.pagerduty.com"
    """URL of the PagerDuty Events API; in the EU `https://events.eu.pagerduty.com`."""

    worker_instance: Instance | None = None
    """Name of this installation in dedup keys and message metadata. If unset, the host of SCALEOPS_BASE_URL. Changing it orphans
    open incidents."""
    worker_secret_key: Annotated[Secret, Field(min_length=16)] | None = None
    """At least 16 characters, the same in worker and gateway. Seals the PagerDuty routing keys in the database, so that an incident is
    resolved with the key that opened it, and the ScaleOps token in Redis; signs the links to pages."""
    worker_timezone: Zone = "UTC"
    """Time zone of reports, an IANA name."""
    worker_report_day: Weekday = "monday"
    """Day of the weekly report."""
    worker_report_time: TimeOfDay = time(9, 0)
    """Time of day of the weekly report."""
    worker_collect_every: SlotInterval = timedelta(hours=6)
    """Interval of full sweeps; divides 24 hours."""
    worker_watch_every: OptionalDuration = timedelta(minutes=15)
    """Interval of watch sweeps, which look for workloads in danger between two full sweeps; divides WORKER_COLLECT_EVERY;
    `0` switches them off."""
    worker_sweep_limit: Duration = timedelta(minutes=30)
    """A sweep is closed after this at the latest; missing components are recorded."""
    worker_platform_channel: ChannelId | None = None
    """Id of the channel for the roll-up and for notices about the installation. If unset, SLACK_DEFAULT_CHANNEL."""
    worker_heartbeat_url: PrivateUrl | None = None
    """URL of a dead man's switch, pinged every five minutes."""
    worker_public_url: Url | None = None
    """Public URL of the gateway's report pages; base of links, which need WORKER_SECRET_KEY."""
    worker_docs_url: Url | None = None
    """URL of the documentation site that `make docs` builds. Problems link to their run books there; if unset, they name the page."""
    worker_metrics_host: str = "127.0.0.1"
    """Listen address of the worker's metrics; `0.0.0.0` for a scrape from another machine."""
    worker_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port of the worker's metrics; if unset, none are served."""
    worker_config_file: Path | None = None
    """Path of the configuration file. If unset, `scaleops-worker.yaml` in the working directory, if it exists."""

    gateway_host: str = "127.0.0.1"
    """Listen address of the gateway."""
    gateway_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Listen port of the gateway."""
    gateway_public_url: Url | None = None
    """External URL of the gateway: the accepted Host name (if unset, that of WORKER_PUBLIC_URL), and the MCP resource."""
    gateway_auth: Annotated[Literal["backstage", "token", "none"], BeforeValidator(lowercase)] = "backstage"
    """Who may call: `backstage` (tokens of Backstage), `token` (GATEWAY_TOKENS) or `none` (on loopback only)."""
    gateway_tokens: Secret | None = None
    """Static tokens: `name=token,...`. Their holders see everything."""
    gateway_allowed_callers: Names = ("mcp-actions",)
    """Backstage plugins that may call the gateway, comma separated."""
    gateway_allowed_origins: Names = ()
    """Origins that may call from a browser (CORS), comma separated."""
    gateway_extra_routes: Names = ()
    """Further (method, path) pairs the proxy passes for callers that are not users, comma separated: `GET /api/v1/policies,
    GET /api/v1/clusters?name`."""
    gateway_proxy_scope: Annotated[Literal["catalog", "any"], BeforeValidator(lowercase)] = "catalog"
    """What a user may request through the proxy: `catalog` (workloads of components that the catalog shows them) or `any`."""
    gateway_cache_ttl_s: Annotated[float, Field(ge=0, le=3600)] = 15
    """TTL of the proxy's response cache in seconds; 0 disables it."""
    gateway_rate_limit: Rate = "600/min"
    """Rate limit per caller of the gateway."""

    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lowercase)] = "info"
    """Least severe level that is logged: `debug`, `info`, `warning` or `error`."""
    log_format: Annotated[Literal["auto", "console", "json"], BeforeValidator(lowercase)] = "auto"
    """Format of log lines: `console`, `json`, or `auto` (`console` on a terminal, else `json`)."""

    @model_validator(mode="after")
    def _check_watch_slots(self) -> Settings:
        if self.worker_watch_every and self.worker_collect_every % self.worker_watch_every:
            message = "WORKER_WATCH_EVERY: must divide WORKER_COLLECT_EVERY, or be 0 to switch watch sweeps off"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_one_catalog(self) -> Settings:
        if self.backstage_base_url and self.backstage_catalog_file:
            message = "BACKSTAGE_BASE_URL and BACKSTAGE_CATALOG_FILE are both set; unset one"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_one_login(self) -> Settings:
        configured = self._configured_logins()
        if self.scaleops_auth is None and len(configured) > 1:
            message = (
                f"SCALEOPS_AUTH: credentials of {len(configured)} kinds are set ({', '.join(configured.values())}); "
                "unset all but one kind, or name the kind with SCALEOPS_AUTH and unset the others"
            )
            raise ValueError(message)
        other = " and ".join(setting for login, setting in configured.items() if login != kind_of_credentials(self.scaleops_auth))
        if self.scaleops_auth is not None and other:
            verb = "are" if " and " in other else "is"
            message = f"SCALEOPS_AUTH is {self.scaleops_auth}, but {other} {verb} set too; unset what is not used"
            raise ValueError(message)
        return self

    def _configured_logins(self) -> dict[str, str]:
        """Return the settings that are set, by the login they belong to."""
        names = [name for credentials in CREDENTIALS.values() for name in credentials if getattr(self, name.lower())]
        return {login: " and ".join(found) for login, found in configured_logins(names).items()}

    @property
    def auth(self) -> str:
        """The login at ScaleOps: SCALEOPS_AUTH, else the one whose credentials are set."""
        return self.scaleops_auth or next(iter(self._configured_logins()), "none")

    @property
    def instance(self) -> str:
        """The name of this installation in dedup keys and message metadata."""
        if self.worker_instance:
            return self.worker_instance
        return (urlsplit(self.scaleops_base_url).hostname if self.scaleops_base_url else None) or "scaleops"


SECRETS: Final = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation) or "SecretStr" in str(field.metadata)
)
"""Fields that are never shown and may come from `<NAME>_FILE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """The settings of this process, and the source of each by its name in upper case.

    A source is `environment`, the path of `.env`, the path of a secret file, or `default`.
    """

    settings: Settings
    origins: Mapping[str, str]
