"""Checks what a worker needs of Redis: it answers, takes writes, and never evicts."""

from __future__ import annotations

from typing import Any, Final, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from clients.http.errors import ErrorKind, ServiceError
from clients.http.network import certificate_advice
from clients.redis.urls import redis_url

_TIMEOUT_S: Final = 5.0


def probe_redis(url: str) -> str:
    """Return what Redis is. Nothing is written.

    Raises:
        ServiceError: it cannot be reached or used, is a read-only replica, or may evict queued work.
    """
    options: dict[str, Any] = {"socket_timeout": _TIMEOUT_S, "socket_connect_timeout": _TIMEOUT_S, "retry": Retry(NoBackoff(), 0)}
    with redis.Redis.from_url(redis_url(url), **options) as client:
        try:
            client.ping()
            info = cast("dict[str, Any]", client.info())
        except redis.RedisError as error:
            message = f"Redis cannot be used ({error}{certificate_advice(error)}); check REDIS_URL"
            raise _refused(message) from None
    problem = redis_problem(info)
    if problem:
        raise _refused(problem)
    return f"Redis {info.get('redis_version', 'of an unknown version')} takes writes and evicts nothing"


def redis_problem(info: dict[str, Any]) -> str:
    """Return what is wrong with a Redis by its INFO; empty if nothing is."""
    if info.get("role", "master") != "master":
        return "Redis is a read-only replica; REDIS_URL must name the primary"
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return f"Redis has maxmemory-policy {policy}, which evicts queued work when memory is short; set it to noeviction"
    return ""


def _refused(message: str) -> ServiceError:
    return ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)
