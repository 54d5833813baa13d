"""A REDIS_URL in the two spellings its users need: Celery's, and that of the Redis client."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

_BY_NETWORK: Final = frozenset({"redis", "rediss"})
_BY_SOCKET: Final = frozenset({"unix", "redis+socket"})


class InvalidRedisUrl(ValueError):
    """REDIS_URL is none of the known forms; the message names them and never repeats it, for it may hold a password."""

    def __init__(self) -> None:
        super().__init__(
            "REDIS_URL is no Redis address; write redis://host:6379/0, rediss://host:6380/0 or unix:///path/redis.sock"
        )


def redis_url(url: str) -> str:
    """Answer the address as the Redis client wants it: `redis://`, `rediss://` or `unix://path?db=n`.

    Raises:
        InvalidRedisUrl: it is none.
    """
    parts = _parts(url)
    if parts.scheme in _BY_NETWORK:
        return url
    query = dict(parse_qsl(parts.query))
    number = query.pop("virtual_host", None)
    if number is not None:
        query["db"] = number.strip("/")
    return f"unix://{parts.path}{_query(query)}"


def celery_url(url: str) -> str:
    """Answer the address as Celery wants it: `redis://`, `rediss://` or `redis+socket://path?virtual_host=n`.

    Raises:
        InvalidRedisUrl: it is none.
    """
    parts = _parts(url)
    if parts.scheme in _BY_NETWORK:
        return url
    query = dict(parse_qsl(parts.query))
    number = query.pop("db", None)
    if number is not None:
        query["virtual_host"] = number
    return f"redis+socket://{parts.path}{_query(query)}"


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    has_place = bool(parts.hostname) if parts.scheme in _BY_NETWORK else bool(parts.path)
    if parts.scheme not in _BY_NETWORK | _BY_SOCKET or not has_place:
        raise InvalidRedisUrl
    return parts


def _query(query: dict[str, str]) -> str:
    return f"?{urlencode(query)}" if query else ""
