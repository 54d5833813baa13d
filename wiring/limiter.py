"""How fast this process may ask ScaleOps: a pace shared by way of Redis, where REDIS_URL names one, else its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from clients.throttle.limit_algorithm import Priority
from wiring.settings import Settings, SettingsError

if TYPE_CHECKING:
    from clients.redis import RedisCache

NAME: Final = "pace:1"
"""With the version of what stands there."""
KEEP_FOR: Final = timedelta(minutes=10)
_TIMEOUT_S: Final = 1.0
"""A report that comes later is of no use."""


@contextmanager
def open_limiter(settings: Settings, kind: Priority) -> Iterator[ConcurrencyLimiter]:
    """Make the pace of this process; at the end give its share back.

    Raises:
        SettingsError: REDIS_URL is no address.
    """
    most = settings.scaleops_max_concurrency
    if settings.redis_url is None:
        yield from _closing(ConcurrencyLimiter("ScaleOps", most, kind=kind))
        return
    from clients.redis import InvalidRedisUrl, RedisCache  # noqa: PLC0415 - half of all commands need no Redis, and it takes a while to import

    try:
        memory = RedisCache(settings.redis_url.get_secret_value(), instance=settings.instance, timeout_s=_TIMEOUT_S)
    except InvalidRedisUrl as bad:
        raise SettingsError(str(bad)) from None
    try:
        yield from _closing(ConcurrencyLimiter("ScaleOps", most, kind=kind, board=RedisSharedState(memory)))
    finally:
        memory.close()


def _closing(pace: ConcurrencyLimiter) -> Iterator[ConcurrencyLimiter]:
    try:
        yield pace
    finally:
        pace.close()


class RedisSharedState:
    """A `clients.pace.Board` in the memory that all workers share."""

    def __init__(self, memory: RedisCache) -> None:
        self._memory = memory

    def update(self, change: Callable[[bytes | None, float], bytes]) -> bool:
        """Replace what is kept."""
        return self._memory.compare_and_set(NAME, change, ttl=KEEP_FOR)
