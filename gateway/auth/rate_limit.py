"""How often one caller may ask: a bucket that fills steadily and holds one period's worth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from gateway.responses import unavailable

MOST_CALLERS: Final = 10_000
_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls in a period."""

    calls: int
    period_s: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `600/min`, which the settings have checked already."""
        calls, _, period = text.partition("/")
        return cls(calls=int(calls), period_s=_SECONDS[period])


class RateLimit:
    """Buckets by caller; the longest unused is forgotten first."""

    def __init__(self, rate: Rate, *, timer: Callable[[], float]) -> None:
        self._rate = rate
        self._per_second = rate.calls / rate.period_s
        self._timer = timer
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one call.

        Raises:
            Refused: 429 with Retry-After, the bucket is empty.
        """
        now = self._timer()
        left = self._require_room(caller, now)
        if caller in self._buckets:
            self._buckets.move_to_end(caller)
        elif len(self._buckets) >= MOST_CALLERS:
            self._buckets.popitem(last=False)
        self._buckets[caller] = left - 1, now

    def require_room(self, caller: str) -> None:
        """Check that one more call may be counted, and count none. Raises Refused like `take`."""
        self._require_room(caller, self._timer())

    def _require_room(self, caller: str, now: float) -> float:
        left, at = self._buckets.get(caller, (float(self._rate.calls), now))
        left = min(float(self._rate.calls), left + (now - at) * self._per_second)
        if left < 1:
            wait_s = (1 - left) / self._per_second
            message = f"too many calls: {self._rate.calls} in {self._rate.period_s:g} s are allowed to one caller"
            raise unavailable(message, status=HTTPStatus.TOO_MANY_REQUESTS, retry_after_s=wait_s)
        return left
