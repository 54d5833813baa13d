"""A semaphore whose size can change, shared by threads and asyncio tasks, FIFO."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress


class ResizableSemaphore:
    """Safe for any number of threads and event loops. A smaller size takes effect as permits are released."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._in_flight = 0
        self._waiters: deque[Future[None]] = deque()
        self._peak = 0

    @property
    def size(self) -> int:
        """The number of permits."""
        return self._size

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Acquire a permit; block until there is one."""
        waiter = self._admit_or_enqueue()
        if waiter is None:
            return
        try:
            waiter.result()
        except BaseException:
            self._cancel(waiter)
            raise

    async def acquire_async(self, timeout_s: float) -> None:
        """Acquire a permit on an event loop. Raises TimeoutError."""
        waiter = self._admit_or_enqueue()
        if waiter is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(waiter)
        except BaseException:
            self._cancel(waiter)
            raise

    def release(self) -> None:
        """Return a permit."""
        with self._lock:
            self._in_flight -= 1
            self._admit()

    def resize(self, size: int) -> None:
        """Change the number of permits."""
        with self._lock:
            self._size = size
            self._admit()

    def take_peak(self) -> int:
        """Return the highest number of calls in flight and waiting since the last call of this method."""
        with self._lock:
            peak, self._peak = self._peak, self._in_flight + len(self._waiters)
            return peak

    def _admit_or_enqueue(self) -> Future[None] | None:
        """Acquire a permit if there is one, and return None; else return what waits for it."""
        with self._lock:
            waiter: Future[None] | None = None
            if self._waiters or self._in_flight >= self._size:
                waiter = Future()
                self._waiters.append(waiter)
            else:
                self._in_flight += 1
            self._peak = max(self._peak, self._in_flight + len(self._waiters))
        return waiter

    def _admit(self) -> None:
        while self._waiters and self._in_flight < self._size:
            waiter = self._waiters.popleft()
            if waiter.set_running_or_notify_cancel():
                self._in_flight += 1
                waiter.set_result(None)

    def _cancel(self, waiter: Future[None]) -> None:
        """Withdraw a waiter; return its permit if it was admitted in the meantime."""
        if waiter.cancel():
            with self._lock, suppress(ValueError):
                self._waiters.remove(waiter)
        else:
            self.release()
