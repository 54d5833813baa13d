"""REDIS_URL, checked once, in the two spellings that Celery and the Redis client need. TLS verifies certificates unless it says otherwise."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from domain.urls import ENCODE_CREDENTIALS, has_unencoded_credentials

_TCP_SCHEMES: Final = frozenset({"redis", "rediss"})
_SOCKET_SCHEMES: Final = frozenset({"unix", "redis+socket"})
_EXAMPLES: Final = "write redis://host:6379/0, rediss://host:6380/0 or unix:///path/redis.sock"
_ONE_REDIS: Final = "which is not supported; name one Redis, or an address that follows the primary"
_DATABASE: Final = frozenset({"db", "virtual_host"})
_CREDENTIALS: Final = frozenset({"username", "password"})
_TLS: Final = ("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_VERIFICATION: Final = frozenset({"required", "optional", "none"})
_BOOLEANS: Final = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?")


class InvalidRedisUrl(ValueError):
    """REDIS_URL cannot be used. The message does not repeat it: it may hold a password."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"REDIS_URL {problem}")


def redis_url(url: str) -> str:
    """Return the URL for the Redis client: `redis://`, `rediss://` or `unix://path?db=n`. Raises InvalidRedisUrl."""
    return _convert(url, scheme="unix", database="db")


def celery_url(url: str) -> str:
    """Return the URL for Celery: `redis://`, `rediss://` or `redis+socket://path?virtual_host=n`. Raises InvalidRedisUrl."""
    return _convert(url, scheme="redis+socket", database="virtual_host")


def verifies_certificates(url: str) -> bool:
    """Return False only for TLS whose certificates or host names are not checked. Raises InvalidRedisUrl."""
    parts, query = _parse(url)
    return parts.scheme != "rediss" or (query["ssl_cert_reqs"] != "none" and _is_checked(query))


def _convert(url: str, *, scheme: str, database: str) -> str:
    parts, query = _parse(url)
    number = next((query.pop(name).strip("/") for name in sorted(_DATABASE) if name in query), "")
    if parts.scheme in _TCP_SCHEMES:
        number = number or parts.path.strip("/") or "0"
        return f"{parts.scheme}://{parts.netloc}/{number}{'?' if query else ''}{urlencode(query)}"
    if number:
        query[database] = number
    return f"{scheme}://{parts.path}{'?' if query else ''}{urlencode(query)}"


def _parse(url: str) -> tuple[SplitResult, dict[str, str]]:
    """Return the parts of a valid URL, and its parameters in the spelling that both libraries take."""
    parts = _split(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    is_tcp = parts.scheme in _TCP_SCHEMES
    known = {*_DATABASE, *(_TLS if parts.scheme == "rediss" else ()), *(() if is_tcp else _CREDENTIALS)}
    for name in query:
        if name not in known:
            tls = " (it needs rediss://)" if name in _TLS else ""
            problem = f"has the parameter {_shown(name)}, which is not supported{tls}; supported are {', '.join(sorted(known))}"
            raise InvalidRedisUrl(problem)
    numbers = {parts.path.strip("/")} if is_tcp else set()
    numbers |= {query[name].strip("/") for name in _DATABASE if name in query}
    if any(not (number.isascii() and number.isdigit()) for number in numbers - {""}):
        problem = f"has a database that is not a number; {_EXAMPLES}"
        raise InvalidRedisUrl(problem)
    if parts.scheme == "rediss":
        query |= _normal_tls(query)
    return parts, query


def _split(url: str) -> SplitResult:
    scheme = url.partition("://")[0].lower()
    if "sentinel" in scheme or "cluster" in scheme:
        kind = "Sentinel" if "sentinel" in scheme else "cluster"
        problem = f"names a {kind}, {_ONE_REDIS}"
        raise InvalidRedisUrl(problem)
    if "://" not in url or scheme not in _TCP_SCHEMES | _SOCKET_SCHEMES:
        problem = f"is not a Redis URL; {_EXAMPLES}"
        raise InvalidRedisUrl(problem)
    if scheme in _SOCKET_SCHEMES:
        parts = urlsplit(url)
        if parts.netloc or not parts.path.strip("/"):
            problem = "names no socket; write unix:///path/redis.sock with three slashes"
            raise InvalidRedisUrl(problem)
        return parts
    if has_unencoded_credentials(url):
        raise InvalidRedisUrl(ENCODE_CREDENTIALS)
    hosts = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    if "," in hosts or ";" in hosts:
        problem = f"names several hosts, {_ONE_REDIS}"
        raise InvalidRedisUrl(problem)
    try:
        parts = urlsplit(url)
        is_valid = bool(parts.hostname and _HOST.fullmatch(parts.hostname)) and parts.port != 0 and not parts.fragment
    except ValueError:
        is_valid = False
    if not is_valid:
        problem = f"has no valid host and port; {_EXAMPLES}"
        raise InvalidRedisUrl(problem)
    return parts


def _normal_tls(query: dict[str, str]) -> dict[str, str]:
    """Return what decides about certificates, always: without it Celery verifies none. CERT_REQUIRED is Celery's spelling of required."""
    reqs = query.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if reqs not in _VERIFICATION:
        problem = "has an ssl_cert_reqs other than required, optional or none"
        raise InvalidRedisUrl(problem)
    if query.get("ssl_check_hostname", "true").lower() not in _BOOLEANS:
        problem = "has an ssl_check_hostname other than true or false"
        raise InvalidRedisUrl(problem)
    return {"ssl_cert_reqs": reqs, "ssl_check_hostname": "true" if _is_checked(query) and reqs != "none" else "false"}


def _is_checked(query: dict[str, str]) -> bool:
    return _BOOLEANS.get(query.get("ssl_check_hostname", "true").lower()) == "true"


def _shown(name: str) -> str:
    """Return a parameter's name, if it can be one: it may be a part of a password."""
    return name if re.fullmatch(r"[a-z_]{1,40}", name) else "(not shown)"
