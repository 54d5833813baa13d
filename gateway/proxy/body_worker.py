"""Runs the parsing of a response: a small body at once, a large one in a thread, so that the event loop is not blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from clients.http.byte_budget import ByteBudget

T = TypeVar("T")

LARGE_BYTES: Final = 256 * 1024
"""Parsing and filtering this much takes about 10 ms."""
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""The largest response that the proxy accepts: some thousands of workloads."""
THREADS: Final = 1
"""A parsed response takes several times its size, and two threads would share one interpreter."""
MAX_HELD_BYTES: Final = 128 * 1024 * 1024
"""Of the responses that are being received, parsed or sent: with the cache and the parsed one, below the memory limit of the manifest."""


class BodyWorker:
    """For one event loop."""

    def __init__(self, budget: ByteBudget, *, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="large-bodies")
        self._budget = budget

    async def run(self, body: bytes, work: Callable[[bytes], T]) -> T:
        """Return `work(body)`.

        Raises:
            ServiceError: too many bytes are held already.
        """
        if len(body) <= LARGE_BYTES:
            return work(body)
        with self._budget.holding(body):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, body)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
