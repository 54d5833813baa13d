"""So many calls at a time and no more: the gate that threads and an event loop of one process pass, one turn a call.

Who has to wait is let in in order, thread or not. The number may change at any time: fewer takes effect as turns are given back.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol, TypeVar


class _Waiter(Protocol):
    is_in: bool
    """It was let in; set under the gate's lock."""

    def wake(self) -> None:
        """Tell it."""


W = TypeVar("W", bound=_Waiter)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakUsage:
    """How many passed and wanted to pass a gate, at most at one time since it was last looked at."""

    inside: int
    wanting: int
    """Inside and waiting."""
    now: int
    """Inside and waiting at this moment."""


class ResizableSemaphore:
    """Safe for any number of threads and event loops. Costs next to nothing while there is room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._inside = 0
        self._queue: deque[_Waiter] = deque()
        self._most_inside = 0
        self._most_wanting = 0

    @property
    def size(self) -> int:
        """How many turns there are."""
        return self._size

    def enter(self) -> None:
        """Take a turn; block until there is one."""
        waiter = self._enter_or_queue(_Thread)
        if waiter is None:
            return
        try:
            waiter.wait()
        except BaseException:
            self._withdraw(waiter)
            raise

    async def enter_async(self, patience_s: float) -> None:
        """Take a turn on an event loop.

        Raises:
            TimeoutError: there was none within so many seconds.
        """
        waiter = self._enter_or_queue(_Task)
        if waiter is None:
            return
        try:
            async with asyncio.timeout(patience_s):
                await waiter.told
        except BaseException:
            self._withdraw(waiter)
            raise

    def leave(self) -> None:
        """Give the turn back."""
        with self._lock:
            self._inside -= 1
            if self._queue:
                self._let_in()

    def resize(self, size: int) -> None:
        """Have another number of turns."""
        with self._lock:
            self._size = size
            self._let_in()

    def look(self) -> PeakUsage:
        """Answer what went on since the last look."""
        with self._lock:
            now = self._inside + len(self._queue)
            crowd = PeakUsage(inside=max(self._most_inside, self._inside), wanting=max(self._most_wanting, now), now=now)
            self._most_inside, self._most_wanting = self._inside, now
            return crowd

    def _enter_or_queue(self, make: type[W]) -> W | None:
        with self._lock:
            if self._inside < self._size and not self._queue:
                self._inside += 1
                self._most_inside = max(self._most_inside, self._inside)
                return None
            waiter = make()
            self._queue.append(waiter)
            self._most_wanting = max(self._most_wanting, self._inside + len(self._queue))
            return waiter

    def _let_in(self) -> None:
        while self._queue and self._inside < self._size:
            waiter = self._queue.popleft()
            waiter.is_in = True
            self._inside += 1
            self._most_inside = max(self._most_inside, self._inside)
            try:
                waiter.wake()
            except RuntimeError:  # its event loop was closed, and nobody is left to take the turn
                self._inside -= 1

    def _withdraw(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.is_in:
                self._queue.remove(waiter)
                return
        self.leave()


class _Thread:
    def __init__(self) -> None:
        self.is_in = False
        self._told = threading.Lock()
        self._told.acquire()

    def wait(self) -> None:
        self._told.acquire()

    def wake(self) -> None:
        self._told.release()


class _Task:
    def __init__(self) -> None:
        self.is_in = False
        self._loop = asyncio.get_running_loop()
        self.told: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> None:
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        if not self.told.done():
            self.told.set_result(None)
