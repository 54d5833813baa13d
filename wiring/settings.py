"""Every setting by its public name: its type, default and checks. `environment.py` reads the values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from clients.http.loopback import is_loopback_url
from clients.redis.urls import InvalidRedisUrl, redis_url
from domain.urls import is_cluster_internal_host
from domain.weeks import DAY_NAMES, parse_day, parse_time, parse_zone
from wiring.durations import parse_duration


class SettingsError(Exception):
    """A setting is invalid or missing. Each problem is a sentence that names the setting and says what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        more = f" (and {len(problems) - 1} more: run `scaleops-worker check-config`)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "is not a valid URL; write it as https://host"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "contains a user or password; set the credentials by their own settings"
        raise ValueError(message)
    if parts.query or parts.fragment:
        message = "contains a query or fragment; write only https://host and a path"
        raise ValueError(message)
    return value.rstrip("/")


def _check_private_url(value: str) -> str:
    value = _check_url(value)
    if is_plain_http(value):
        message = "must begin with https:// (plain http is for loopback only)"
        raise ValueError(message)
    return value


def _check_backstage_url(value: str) -> str:
    value = _check_url(value)
    if is_plain_http(value) and not is_cluster_internal_host(urlsplit(value).hostname):
        message = (
            "must begin with https:// (plain http is for loopback and for names inside a cluster: "
            "without a dot, or ending in .svc or .cluster.local)"
        )
        raise ValueError(message)
    return value


def is_plain_http(url: str) -> bool:
    """Return True if requests to a URL cross a network without TLS."""
    return urlsplit(url).scheme == "http" and not is_loopback_url(url)


def check_channel_id(value: str) -> str:
    """Return the id of a Slack channel. Raises ValueError for a name: Slack accepts none for most methods."""
    if not re.fullmatch(r"[CDGU][A-Z0-9]{2,}", value):
        message = f"{value!r} is not a Slack channel id; write the id (for example C0123ABCD), not the name"
        raise ValueError(message)
    return value


def _parse_time_of_day(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):  # YAML 1.1 reads an unquoted 10:30 as 630
        value = f"{value // 60:02}:{value % 60:02}"
    return parse_time(value) if isinstance(value, str) else value


def _check_divides_day(value: timedelta) -> timedelta:
    if timedelta(days=1) % value:
        message = "must divide 24 hours: 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h (or minutes that do)"
        raise ValueError(message)
    return value


def _check_database_url(value: SecretStr) -> SecretStr:
    from store.urls import InvalidDatabaseUrl, parse_url  # noqa: PLC0415 - half of all commands keep the default, and SQL takes a while to import

    try:
        parse_url(value.get_secret_value())
    except InvalidDatabaseUrl as error:
        raise ValueError(str(error).removeprefix("DATABASE_URL ")) from None
    return value


def _check_redis_url(value: SecretStr) -> SecretStr:
    try:
        redis_url(value.get_secret_value())
    except InvalidRedisUrl as error:
        raise ValueError(str(error).removeprefix("REDIS_URL ")) from None
    return value


def _matching(pattern: str, problem: str) -> AfterValidator:
    """Return a validator of a whole text; `problem` may name the `{value}`."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(problem.format(value=repr(value)))
        return value

    return AfterValidator(check)


def _lowercase(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _split_commas(value: object) -> object:
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part) if isinstance(value, str) else value


def _check_printable(value: SecretStr) -> SecretStr:
    if any(ord(character) < ord(" ") for character in value.get_secret_value()):
        message = "contains a line break or another control character"
        raise ValueError(message)
    return value


Url = Annotated[str, AfterValidator(_check_url)]
ChannelId = Annotated[str, AfterValidator(check_channel_id)]
PrivateUrl = Annotated[str, AfterValidator(_check_private_url)]
Zone = Annotated[str, AfterValidator(lambda name: parse_zone(name).key)]
TimeOfDay = Annotated[time, BeforeValidator(_parse_time_of_day)]
Duration = Annotated[timedelta, BeforeValidator(lambda value: value if isinstance(value, timedelta) else parse_duration(value))]
OptionalDuration = Annotated[
    timedelta,
    BeforeValidator(
        lambda value: (
            timedelta(0) if str(value).strip() == "0" else value if isinstance(value, timedelta) else parse_duration(value)
        )
    ),
]
"""A duration, or `0` for none."""
Secret = Annotated[SecretStr, AfterValidator(_check_printable)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split_commas)]
Currency = Annotated[str, _matching("[A-Z]{3}", "{value} is not an ISO 4217 currency code; write for example USD or EUR")]
Rate = Annotated[str, _matching(r"[1-9]\d*/(s|min|h)", "{value} is not a valid rate; write for example 600/min")]
Instance = Annotated[
    str, _matching(r"[^\s:]{1,100}", "must be one word of at most 100 characters without a colon; it is part of dedup keys")
]
Weekday = Annotated[str, AfterValidator(lambda name: DAY_NAMES[parse_day(name)])]


class Settings(BaseModel):
    """Every setting; a field has the setting's name in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    scaleops_base_url: Url | None = None
    scaleops_auth: Annotated[Literal["none", "internal", "ldap", "token", "azure"] | None, BeforeValidator(_lowercase)] = None
    scaleops_user: str | None = None
    scaleops_password: Secret | None = None
    scaleops_token: Secret | None = None
    scaleops_azure_tenant_id: str | None = None
    scaleops_azure_client_id: str | None = None
    scaleops_azure_client_secret: Secret | None = None
    scaleops_azure_login_url: PrivateUrl = "https://login.microsoftonline.com"
    scaleops_link_to_dashboard: bool = False
    scaleops_currency: Currency = "USD"
    scaleops_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30
    scaleops_bulk: Literal["auto", "off"] = "auto"
    scaleops_max_concurrency: Annotated[int, Field(ge=1, le=256)] = 16

    backstage_base_url: Annotated[str, AfterValidator(_check_backstage_url)] | None = None
    backstage_app_url: Url | None = None
    backstage_token: Secret | None = None
    backstage_catalog_file: Path | None = None

    database_url: Annotated[Secret, AfterValidator(_check_database_url)] = SecretStr("sqlite:///scaleops-worker.db")
    database_statement_timeout: Duration = timedelta(minutes=1)
    database_lock_timeout: Duration = timedelta(seconds=30)
    database_idle_transaction_timeout: Duration = timedelta(minutes=2)
    redis_url: Annotated[Secret, AfterValidator(_check_redis_url)] | None = None

    slack_bot_token: Secret | None = None
    slack_default_channel: ChannelId | None = None
    slack_base_url: PrivateUrl = "https://slack.com/api"
    pagerduty_routing_key: Secret | None = None
    pagerduty_events_url: PrivateUrl = "https://events.pagerduty.com"

    worker_instance: Instance | None = None
    worker_secret_key: Annotated[Secret, Field(min_length=16)] | None = None
    worker_timezone: Zone = "UTC"
    worker_report_day: Weekday = "monday"
    worker_report_time: TimeOfDay = time(9, 0)
    worker_collect_every: Annotated[Duration, AfterValidator(_check_divides_day)] = timedelta(hours=6)
    worker_watch_every: OptionalDuration = timedelta(minutes=15)
    worker_sweep_limit: Duration = timedelta(minutes=30)
    worker_platform_channel: ChannelId | None = None
    worker_heartbeat_url: PrivateUrl | None = None
    worker_public_url: Url | None = None
    worker_metrics_host: str = "127.0.0.1"
    worker_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    worker_config_file: Path | None = None

    gateway_host: str = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    gateway_public_url: Url | None = None
    gateway_auth: Annotated[Literal["backstage", "token", "none"], BeforeValidator(_lowercase)] = "backstage"
    gateway_tokens: Secret | None = None
    gateway_allowed_callers: Names = ("mcp-actions",)
    gateway_allowed_origins: Names = ()
    gateway_extra_routes: Names = ()
    gateway_proxy_scope: Annotated[Literal["catalog", "any"], BeforeValidator(_lowercase)] = "catalog"
    gateway_cache_ttl_s: Annotated[float, Field(ge=0, le=3600)] = 15
    gateway_rate_limit: Rate = "600/min"

    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lowercase)] = "info"
    log_format: Annotated[Literal["auto", "console", "json"], BeforeValidator(_lowercase)] = "auto"

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
        other = " and ".join(setting for login, setting in configured.items() if login != self._auth_family())
        if self.scaleops_auth is not None and other:
            verb = "are" if " and " in other else "is"
            message = f"SCALEOPS_AUTH is {self.scaleops_auth}, but {other} {verb} set too; unset what is not used"
            raise ValueError(message)
        return self

    def _configured_logins(self) -> dict[str, str]:
        """Return the settings that are set, by the login they belong to."""
        configured: dict[str, str] = {}
        if self.scaleops_token:
            configured["token"] = "SCALEOPS_TOKEN"  # noqa: S105 - the name of a setting
        if self.scaleops_azure_tenant_id:
            configured["azure"] = "SCALEOPS_AZURE_TENANT_ID"
        if self.scaleops_user or self.scaleops_password:
            named = {"SCALEOPS_USER": self.scaleops_user, "SCALEOPS_PASSWORD": self.scaleops_password}
            configured["internal"] = " and ".join(name for name, value in named.items() if value)
        return configured

    def _auth_family(self) -> str | None:
        return "internal" if self.scaleops_auth == "ldap" else self.scaleops_auth

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

    @property
    def platform_channel(self) -> str | None:
        """The Slack channel of the roll-up and of notices to the platform team."""
        return self.worker_platform_channel or self.slack_default_channel


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
