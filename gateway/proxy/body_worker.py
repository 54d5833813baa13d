"""Runs the parsing of a response: a small body at once, a large one in a thread, so that the event loop is not blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from gateway.responses import unavailable

T = TypeVar("T")

LARGE_BYTES: Final = 256 * 1024
"""Parsing and filtering this much takes about 10 ms."""
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""The largest response that the proxy accepts: some thousands of workloads."""
THREADS: Final = 2
MAX_QUEUED_BYTES: Final = 128 * 1024 * 1024
"""Bounds the memory that large responses take while they wait for a thread."""


class BodyWorker:
    """For one event loop."""

    def __init__(self, *, threads: int = THREADS, max_queued_bytes: int = MAX_QUEUED_BYTES) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="large-bodies")
        self._max_queued_bytes = max_queued_bytes
        self._queued_bytes = 0

    async def run(self, body: bytes, work: Callable[[bytes], T]) -> T:
        """Return `work(body)`.

        Raises:
            HttpError: 503, the threads have too much to do.
        """
        size = len(body)
        if size <= LARGE_BYTES:
            return work(body)
        if self._queued_bytes + size > self._max_queued_bytes:
            message = "the gateway is parsing too many large responses of ScaleOps; try again in a few seconds"
            raise unavailable(message, retry_after_s=5)
        self._queued_bytes += size
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, body)
        finally:
            self._queued_bytes -= size

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
