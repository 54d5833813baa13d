"""Reads upstream's answers: a small one at once, a large one in threads of its own, so that others are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from gateway.responses import unavailable

T = TypeVar("T")

LARGE_BYTES: Final = 256 * 1024
"""Reading this much takes some 10 ms: as long as others may be kept waiting."""
LARGEST_BYTES: Final = 16 * 1024 * 1024
"""The largest answer that the proxy passes: some thousands of workloads."""
THREADS: Final = 2
MOST_WAITING_BYTES: Final = 128 * 1024 * 1024
"""So much may wait for the threads; a flood of large answers must not gather in memory."""


class BodyWorker:
    """Reads for one event loop."""

    def __init__(self, *, threads: int = THREADS, most_waiting_bytes: int = MOST_WAITING_BYTES) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="large-answers")
        self._most_waiting_bytes = most_waiting_bytes
        self._waiting_bytes = 0

    async def read(self, body: bytes, work: Callable[[bytes], T]) -> T:
        """Answer what the work makes of a body.

        Raises:
            Refused: 503, too much is being read already.
        """
        size = len(body)
        if size <= LARGE_BYTES:
            return work(body)
        if self._waiting_bytes + size > self._most_waiting_bytes:
            message = "too many large answers of ScaleOps are being read at the moment"
            raise unavailable(message, retry_after_s=5)
        self._waiting_bytes += size
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, body)
        finally:
            self._waiting_bytes -= size

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
