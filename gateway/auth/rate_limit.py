"""Rate limits per caller: a token bucket that fills steadily and holds one period's calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from cachetools import LRUCache

from gateway.responses import unavailable

MAX_CALLERS: Final = 10_000
_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A number of calls per period."""

    calls: int
    period_s: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Parse `600/min`, which the settings have validated."""
        calls, _, period = text.partition("/")
        return cls(calls=int(calls), period_s=_SECONDS[period])


class RateLimit:
    """Buckets by caller; the least recently used is dropped first."""

    def __init__(self, rate: Rate, *, timer: Callable[[], float]) -> None:
        self._rate = rate
        self._per_second = rate.calls / rate.period_s
        self._timer = timer
        self._buckets: LRUCache[str, tuple[float, float]] = LRUCache(MAX_CALLERS)

    def allow(self, caller: str) -> None:
        """Count one call. Raises HttpError: 429 with Retry-After, the bucket is empty."""
        self._buckets[caller] = self.check(caller) - 1, self._timer()

    def check(self, caller: str) -> float:
        """Return the calls that are left, without counting one. Raises HttpError like `allow`."""
        now, capacity = self._timer(), float(self._rate.calls)
        try:
            left, updated_at = self._buckets[caller]
        except KeyError:
            return capacity
        left = min(capacity, left + (now - updated_at) * self._per_second)
        if left < 1:
            wait_s = (1 - left) / self._per_second
            message = f"too many calls: the limit is {self._rate.calls} in {self._rate.period_s:g} s per caller"
            raise unavailable(message, status=HTTPStatus.TOO_MANY_REQUESTS, retry_after_s=wait_s)
        return left
