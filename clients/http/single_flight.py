"""One computation for all callers that need its result at the same moment: for threads, and for tasks of an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from clients.http.errors import ServiceError

K = TypeVar("K")
T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Computes one value in one thread. Threads that wait for it get the value, or a copy of the error."""

    def __init__(self) -> None:
        self.failures = 0
        """Failed computations since the last success."""
        self._lock = threading.Lock()
        self._finished = 0
        self._error: ServiceError | None = None

    def run(
        self, cached: Callable[[], T | None], compute: Callable[[], T], *, is_error_cached: Callable[[ServiceError], bool]
    ) -> T:
        """Return `cached()` unless it is None, else `compute()`, which stores the value where `cached` finds it.

        Raises:
            ServiceError: from `compute`, or a copy of the error of the computation that this thread waited for. A later thread
                gets a copy while `is_error_cached(error)`, and else computes again.
        """
        seen = self._finished
        with self._lock:
            value = cached()
            if value is not None:
                return value
            if self._error is not None and (self._finished != seen or is_error_cached(self._error)):
                raise self._error.copy()
            try:
                value = compute()
            except ServiceError as error:
                self._error = error
                self.failures += 1
                raise
            finally:
                self._finished += 1
            self._error, self.failures = None, 0
            return value


class AsyncSingleFlight(Generic[K, T]):
    """Runs one task a key at a time, for one event loop. Cancelling a caller does not cancel the task."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[T]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._tasks

    def start(self, key: K, compute: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Return the running task of a key, or start it."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(compute())
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

    async def run(self, key: K, compute: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of the running task of a key, or of a new one."""
        return await asyncio.shield(self.start(key, compute))

    def _finish(self, key: K, done: asyncio.Task[T]) -> None:
        del self._tasks[key]
        if not done.cancelled():
            done.exception()  # raised in every caller that waits; asyncio must not log it when none does
