"""How fast this process may ask ScaleOps: a pace shared by way of Redis, where REDIS_URL names one, else its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from clients.limits import Kind
from clients.pace import Pace
from wiring.settings import Settings, SettingsError

if TYPE_CHECKING:
    from clients.redis import SharedMemory

NAME: Final = "pace:1"
"""With the version of what stands there."""
KEEP_FOR: Final = timedelta(minutes=10)
_TIMEOUT_S: Final = 1.0
"""A report that comes later is of no use."""


@contextmanager
def opened_pace(settings: Settings, kind: Kind) -> Iterator[Pace]:
    """Make the pace of this process; at the end give its share back.

    Raises:
        SettingsError: REDIS_URL is no address.
    """
    most = settings.scaleops_max_concurrency
    if settings.redis_url is None:
        yield from _closing(Pace("ScaleOps", most, kind=kind))
        return
    from clients.redis import BadRedisAddress, SharedMemory  # noqa: PLC0415 - half of all commands need no Redis, and it takes a while to import

    try:
        memory = SharedMemory(settings.redis_url.get_secret_value(), instance=settings.instance, timeout_s=_TIMEOUT_S)
    except BadRedisAddress as bad:
        raise SettingsError(str(bad)) from None
    try:
        yield from _closing(Pace("ScaleOps", most, kind=kind, board=MemoryBoard(memory)))
    finally:
        memory.close()


def _closing(pace: Pace) -> Iterator[Pace]:
    try:
        yield pace
    finally:
        pace.close()


class MemoryBoard:
    """A `clients.pace.Board` in the memory that all workers share."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory

    def update(self, change: Callable[[bytes | None, float], bytes]) -> bool:
        """Replace what is kept."""
        return self._memory.update(NAME, change, keep_for=KEEP_FOR)
