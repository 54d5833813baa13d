"""Thread pools for blocking actions. Live actions have their own pool, so a hung ScaleOps never blocks history."""

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
    """Threads for actions, used from one event loop. A caller that waits longer than `timeout_s` for a thread gets an error."""

    def __init__(self, *, live: int, stored: int, timeout_s: float = 10.0) -> None:
        self._live = _Pool(live, "live-action")
        self._stored = _Pool(stored, "stored-action")
        self._timeout_s = timeout_s

    async def run(self, call: Callable[[], T], *, is_live: bool) -> T:
        """Run a blocking call in a thread. A cancelled caller does not free the thread before the call has ended.

        Raises:
            ServiceUnavailableError: no thread became free in time. And whatever the call raises.
        """
        pool = self._live if is_live else self._stored
        try:
            async with asyncio.timeout(self._timeout_s):
                await pool.free.acquire()
        except TimeoutError:
            slow = "ScaleOps" if is_live else "the database"
            message = f"{slow} responds too slowly: {pool.threads} actions are running already; try again later"
            raise ServiceUnavailableError(message) from None
        return await asyncio.wrap_future(pool.start(call))


class _Pool:
    def __init__(self, threads: int, name: str) -> None:
        self.threads = threads
        self.free = asyncio.Semaphore(threads)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Start a call in a free thread, which is free again when the call has ended, even if the caller was cancelled."""
        started = self._executor.submit(contextvars.copy_context().run, call)
        started.add_done_callback(partial(self._release, asyncio.get_running_loop()))
        return started

    def _release(self, loop: asyncio.AbstractEventLoop, _: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(self.free.release)
