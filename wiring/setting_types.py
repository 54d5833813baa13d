"""The types of settings and of keys of the configuration file: what a value may be, with the sentence for one that may not."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from clients.http.loopback import is_loopback_url
from clients.redis.urls import InvalidRedisUrl, redis_url
from domain.urls import is_cluster_internal_host
from domain.weeks import DAY_NAMES, parse_day, parse_time, parse_zone
from wiring.durations import parse_duration


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


def lowercase(value: object) -> object:
    """Return a word in lower case, anything else as it is."""
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
BackstageUrl = Annotated[str, AfterValidator(_check_backstage_url)]
DatabaseUrl = Annotated[Secret, AfterValidator(_check_database_url)]
RedisUrl = Annotated[Secret, AfterValidator(_check_redis_url)]
SlotInterval = Annotated[Duration, AfterValidator(_check_divides_day)]
"""A duration that divides a day."""
