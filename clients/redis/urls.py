"""REDIS_URL in the two spellings that Celery and the Redis client need."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

_TCP_SCHEMES: Final = frozenset({"redis", "rediss"})
_SOCKET_SCHEMES: Final = frozenset({"unix", "redis+socket"})


class InvalidRedisUrl(ValueError):
    """REDIS_URL has no known form. The message does not repeat it: it may hold a password."""

    def __init__(self) -> None:
        super().__init__(
            "REDIS_URL is not a valid Redis URL; write redis://host:6379/0, rediss://host:6380/0 or unix:///path/redis.sock"
        )


def redis_url(url: str) -> str:
    """Return the URL for the Redis client: `redis://`, `rediss://` or `unix://path?db=n`. Raises InvalidRedisUrl."""
    return _convert(url, scheme="unix", database="db")


def celery_url(url: str) -> str:
    """Return the URL for Celery: `redis://`, `rediss://` or `redis+socket://path?virtual_host=n`. Raises InvalidRedisUrl."""
    return _convert(url, scheme="redis+socket", database="virtual_host")


def _convert(url: str, *, scheme: str, database: str) -> str:
    parts = _parse(url)
    if parts.scheme in _TCP_SCHEMES:
        return url
    query = dict(parse_qsl(parts.query))
    for name in {"db", "virtual_host"} - {database}:
        if name in query:
            query[database] = query.pop(name).strip("/")
    return f"{scheme}://{parts.path}{'?' if query else ''}{urlencode(query)}"


def _parse(url: str) -> SplitResult:
    parts = urlsplit(url)
    is_complete = parts.hostname if parts.scheme in _TCP_SCHEMES else parts.path
    if parts.scheme not in _TCP_SCHEMES | _SOCKET_SCHEMES or not is_complete:
        raise InvalidRedisUrl
    return parts
