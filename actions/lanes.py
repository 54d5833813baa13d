"""Questions off the event loop: live ones wait in a lane of their own, so that a hung ScaleOps never keeps history from being answered."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from actions.errors import ServiceUnavailableError

T = TypeVar("T")


class Lanes:
    """Threads for questions, made and used on one event loop. Whoever waits longer than `patience_s` for a thread is refused."""

    def __init__(self, *, live: int, stored: int, patience_s: float = 10.0) -> None:
        self._live = CapacityLimiter(live)
        self._stored = CapacityLimiter(stored)
        self._threads = CapacityLimiter(math.inf)
        self._patience_s = patience_s

    async def run(self, call: Callable[[], T], *, is_live: bool) -> T:
        """Make a blocking call in a thread; a caller who leaves does not free the thread before the call has ended.

        Raises:
            ServiceUnavailableError: too many are waiting. And whatever the call raises.
        """
        lane = self._live if is_live else self._stored
        asker = object()
        with anyio.move_on_after(self._patience_s) as waiting:
            await lane.acquire_on_behalf_of(asker)
        if waiting.cancelled_caught:
            slow = "ScaleOps answers" if is_live else "the database answers"
            message = f"{slow} too slowly: {int(lane.total_tokens)} questions are under way already; ask again later"
            raise ServiceUnavailableError(message)
        try:
            return await to_thread.run_sync(call, limiter=self._threads)
        finally:
            lane.release_on_behalf_of(asker)
