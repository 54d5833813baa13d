"""The limiter of calls to ScaleOps: shared through Redis if REDIS_URL is set, else of this process alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from clients.throttle.limit_algorithm import STATE_TTL_S, CallPriority
from wiring.settings import Settings, SettingsError

STATE_KEY: Final = "limiter:2"
"""With the version of the state's schema."""
STATE_TTL: Final = timedelta(seconds=STATE_TTL_S)
_TIMEOUT_S: Final = 1.0
"""A later report is useless."""


@contextmanager
def open_limiter(settings: Settings, priority: CallPriority) -> Iterator[ConcurrencyLimiter]:
    """Build the limiter of this process; at the end release its share.

    Raises:
        SettingsError: REDIS_URL is not a URL.
    """
    ceiling = settings.scaleops_max_concurrency
    if settings.redis_url is None:
        with closing(ConcurrencyLimiter("ScaleOps", ceiling, priority=priority)) as limiter:
            yield limiter
        return
    from clients.redis import InvalidRedisUrl, RedisCache  # noqa: PLC0415 - half of all commands need no Redis, and it takes a while to import

    try:
        cache = RedisCache(settings.redis_url.get_secret_value(), instance=settings.instance, timeout_s=_TIMEOUT_S)
    except InvalidRedisUrl as error:
        raise SettingsError(str(error)) from None
    update_shared_state = partial(cache.compare_and_set, STATE_KEY, ttl=STATE_TTL)
    limiter = ConcurrencyLimiter("ScaleOps", ceiling, priority=priority, update_shared_state=update_shared_state)
    with closing(cache), closing(limiter):
        yield limiter
