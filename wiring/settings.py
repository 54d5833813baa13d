"""Every setting by its public name: what it may be, what it is when left out, and where its value came from.

Values come from the environment, then `.env`; a secret may also come from the file that `<NAME>_FILE` names.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from clients.http.loopback import is_loopback_url
from wiring.durations import parse_duration


class SettingsError(Exception):
    """A setting is wrong or missing. Each problem is a sentence that names the setting and says what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        more = f" (and {len(problems) - 1} more: run `scaleops-worker check-config`)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "is no web address; write it as https://host"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "holds a user or password; credentials have settings of their own"
        raise ValueError(message)
    return value.rstrip("/")


def _private_address(value: str) -> str:
    value = _web_address(value)
    if urlsplit(value).scheme != "https" and not is_loopback_url(value):
        message = "must begin with https:// (plain http is for this machine only)"
        raise ValueError(message)
    return value


def _time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        message = f"{value!r} is no IANA time zone; write for example Europe/Madrid"
        raise ValueError(message)
    return value


def _time_of_day(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):  # YAML 1.1 reads an unquoted 10:30 as 630
        value = f"{value // 60:02}:{value % 60:02}"
    if isinstance(value, str):
        try:
            return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone of its own
        except ValueError:
            message = f"{value!r} is no time of day; write for example 09:00"
            raise ValueError(message) from None
    return value


def _divides_a_day(value: timedelta) -> timedelta:
    if timedelta(days=1) % value:
        message = "must divide 24 hours: 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h (or minutes that do)"
        raise ValueError(message)
    return value


def _database(value: SecretStr) -> SecretStr:
    kind, colon, rest = value.get_secret_value().partition("://")
    if not colon or kind.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        message = "is no database address; write sqlite:///file.db or postgresql://user:password@host/name"
        raise ValueError(message)
    if kind.startswith("sqlite") and rest.strip("/") in {"", ":memory:"}:
        message = "names a SQLite database in memory, which would forget everything; write sqlite:///file.db"
        raise ValueError(message)
    try:
        make_url(value.get_secret_value())
    except (ArgumentError, ValueError):  # their texts may hold the password
        message = "cannot be read, perhaps its port is no number; write postgresql://user:password@host:5432/name"
        raise ValueError(message) from None
    return value


def _currency(value: str) -> str:
    if not re.fullmatch("[A-Z]{3}", value):
        message = f"{value!r} is no ISO 4217 currency code; write for example USD or EUR"
        raise ValueError(message)
    return value


def _rate(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d*/(s|min|h)", value):
        message = f"{value!r} is no rate; write for example 600/min"
        raise ValueError(message)
    return value


def _instance(value: str) -> str:
    if not re.fullmatch(r"[^\s:]{1,100}", value):
        message = "must be one word of at most 100 characters without a colon; it stands in dedup keys"
        raise ValueError(message)
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _comma_list(value: object) -> object:
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part) if isinstance(value, str) else value


def _no_control_characters(value: SecretStr) -> SecretStr:
    if any(ord(sign) < ord(" ") for sign in value.get_secret_value()):
        message = "holds a line break or another control character"
        raise ValueError(message)
    return value


Address = Annotated[str, AfterValidator(_web_address)]
PrivateAddress = Annotated[str, AfterValidator(_private_address)]
Zone = Annotated[str, AfterValidator(_time_zone)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Duration = Annotated[timedelta, BeforeValidator(lambda value: value if isinstance(value, timedelta) else parse_duration(value))]
Secret = Annotated[SecretStr, AfterValidator(_no_control_characters)]
Names = Annotated[tuple[str, ...], BeforeValidator(_comma_list)]
Weekday = Annotated[
    Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], BeforeValidator(_lower)
]


class Settings(BaseModel):
    """Every setting of the public contract; a field's name is the setting's name in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    scaleops_base_url: Address | None = None
    scaleops_auth: Annotated[Literal["none", "internal", "ldap", "token", "azure"] | None, BeforeValidator(_lower)] = None
    scaleops_user: str | None = None
    scaleops_password: Secret | None = None
    scaleops_token: Secret | None = None
    scaleops_azure_tenant_id: str | None = None
    scaleops_azure_client_id: str | None = None
    scaleops_azure_client_secret: Secret | None = None
    scaleops_azure_login_url: PrivateAddress = "https://login.microsoftonline.com"
    scaleops_link_to_dashboard: bool = False
    scaleops_currency: Annotated[str, AfterValidator(_currency)] = "USD"
    scaleops_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30
    scaleops_max_concurrency: Annotated[int, Field(ge=1, le=256)] = 16

    backstage_base_url: PrivateAddress | None = None
    backstage_token: Secret | None = None
    backstage_catalog_file: Path | None = None

    database_url: Annotated[Secret, AfterValidator(_database)] = SecretStr("sqlite:///scaleops-worker.db")
    redis_url: Secret | None = None

    slack_bot_token: Secret | None = None
    slack_default_channel: str | None = None
    slack_base_url: PrivateAddress = "https://slack.com/api"
    pagerduty_routing_key: Secret | None = None
    pagerduty_events_url: PrivateAddress = "https://events.pagerduty.com"

    worker_instance: Annotated[str, AfterValidator(_instance)] | None = None
    worker_secret_key: Annotated[Secret, Field(min_length=16)] | None = None
    worker_timezone: Zone = "UTC"
    worker_report_day: Weekday = "monday"
    worker_report_time: TimeOfDay = time(9, 0)
    worker_collect_every: Annotated[Duration, AfterValidator(_divides_a_day)] = timedelta(hours=6)
    worker_sweep_limit: Duration = timedelta(minutes=30)
    worker_platform_channel: str | None = None
    worker_heartbeat_url: PrivateAddress | None = None
    worker_public_url: Address | None = None
    worker_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    worker_config_file: Path | None = None

    gateway_host: str = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    gateway_public_url: Address | None = None
    gateway_auth: Annotated[Literal["backstage", "token", "none"], BeforeValidator(_lower)] = "backstage"
    gateway_tokens: Secret | None = None
    gateway_allowed_callers: Names = ("mcp-actions",)
    gateway_allowed_origins: Names = ()
    gateway_extra_routes: Names = ()
    gateway_proxy_scope: Annotated[Literal["catalog", "any"], BeforeValidator(_lower)] = "catalog"
    gateway_cache_ttl_s: Annotated[float, Field(ge=0, le=3600)] = 15
    gateway_rate_limit: Annotated[str, AfterValidator(_rate)] = "600/min"

    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    log_format: Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower)] = "auto"

    @model_validator(mode="after")
    def _one_catalog(self) -> Settings:
        if self.backstage_base_url and self.backstage_catalog_file:
            message = "BACKSTAGE_BASE_URL and BACKSTAGE_CATALOG_FILE are both set; keep the one that is the catalog"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Settings:
        ways = self._ways_in()
        if self.scaleops_auth is None and len(ways) > 1:
            message = (
                f"SCALEOPS_AUTH: credentials of {len(ways)} kinds are set ({', '.join(ways.values())}); "
                "unset all but one kind, or name the kind with SCALEOPS_AUTH and unset the others"
            )
            raise ValueError(message)
        other = [setting for way, setting in ways.items() if way != self._family_of_auth()]
        if self.scaleops_auth is not None and other:
            message = f"SCALEOPS_AUTH is {self.scaleops_auth}, but {' and '.join(other)} is set too; unset what is not used"
            raise ValueError(message)
        return self

    def _ways_in(self) -> dict[str, str]:
        ways: dict[str, str] = {}
        if self.scaleops_token:
            ways["token"] = "SCALEOPS_TOKEN"  # noqa: S105 - the name of a setting
        if self.scaleops_azure_tenant_id:
            ways["azure"] = "SCALEOPS_AZURE_TENANT_ID"
        if self.scaleops_user or self.scaleops_password:
            ways["internal"] = "SCALEOPS_USER and SCALEOPS_PASSWORD" if self.scaleops_user else "SCALEOPS_PASSWORD"
        return ways

    def _family_of_auth(self) -> str | None:
        return "internal" if self.scaleops_auth == "ldap" else self.scaleops_auth

    @property
    def auth(self) -> str:
        """How we sign in to ScaleOps: as SCALEOPS_AUTH says, else as the credentials that are set say."""
        return self.scaleops_auth or next(iter(self._ways_in()), "none")

    @property
    def instance(self) -> str:
        """The name of this installation in dedup keys and message metadata."""
        if self.worker_instance:
            return self.worker_instance
        return (urlsplit(self.scaleops_base_url).hostname if self.scaleops_base_url else None) or "scaleops"

    @property
    def platform_channel(self) -> str | None:
        """The Slack channel of the roll-up and of notices."""
        return self.worker_platform_channel or self.slack_default_channel


SECRETS: Final = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation) or "SecretStr" in str(field.metadata)
)
"""Field names of the settings that are never shown and may come from `<NAME>_FILE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a setting's value came from, in words: `environment`, `.env`, a file's name, or `default`."""

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """The settings of this process, and for each by name (upper case) where it came from."""

    settings: Settings
    origins: Mapping[str, Origin]
