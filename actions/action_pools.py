"""Questions off the event loop: live ones wait in a lane of their own, so that a hung ScaleOps never keeps history from being answered."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from actions.errors import ServiceUnavailableError

T = TypeVar("T")


class ActionPools:
    """Threads for questions, used on one event loop. Whoever waits longer than `patience_s` for a thread is refused."""

    def __init__(self, *, live: int, stored: int, patience_s: float = 10.0) -> None:
        self._live = _Pool(live, "live-question")
        self._stored = _Pool(stored, "stored-question")
        self._patience_s = patience_s

    async def run(self, call: Callable[[], T], *, is_live: bool) -> T:
        """Make a blocking call in a thread; a caller who leaves does not free the thread before the call has ended.

        Raises:
            ServiceUnavailableError: too many are waiting. And whatever the call raises.
        """
        lane = self._live if is_live else self._stored
        try:
            async with asyncio.timeout(self._patience_s):
                await lane.free.acquire()
        except TimeoutError:
            slow = "ScaleOps answers" if is_live else "the database answers"
            message = f"{slow} too slowly: {lane.threads} questions are under way already; ask again later"
            raise ServiceUnavailableError(message) from None
        return await asyncio.wrap_future(lane.start(call))


class _Pool:
    """So many threads, and how many of them are free."""

    def __init__(self, threads: int, name: str) -> None:
        self.threads = threads
        self.free = asyncio.Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Start a call in a thread that is free; it is free again when the call has ended, whatever became of who waits for it."""
        started = self._pool.submit(contextvars.copy_context().run, call)
        started.add_done_callback(partial(self._ended, asyncio.get_running_loop()))
        return started

    def _ended(self, loop: asyncio.AbstractEventLoop, _: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self.free.release)
