"""Upstream calls in parallel, for one caller that waits for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, TypeVar

T = TypeVar("T")


class FanOut(Protocol):
    """Makes calls and returns their results in the same order; raises the first error."""

    def __call__(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls."""


def sequential(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls one after the other."""
    return [call() for call in calls]


class ThreadFanOut:
    """Makes calls in parallel. Thread-safe; a call must not use the same object.

    The threads start with the first use, so it may be created before a fork and used after it.
    """

    def __init__(self, max_threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=max_threads, thread_name_prefix="fan-out")

    def __call__(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls, the last one in the calling thread."""
        if not calls:
            return []
        waiting = [self._pool.submit(call) for call in calls[:-1]]
        try:
            last = calls[-1]()
        finally:
            for future in waiting:
                future.exception()  # waits; errors are raised below
        return [*(future.result() for future in waiting), last]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()


class AdaptiveFanOut:
    """Makes calls sequentially while other callers keep all connections busy, and the rest in parallel once they do not.

    Handing a call to a thread costs about as much CPU as parsing its response, and gains nothing while no connection is free.
    """

    def __init__(self, threads: FanOut, *, is_saturated: Callable[[], bool]) -> None:
        self._threads = threads
        self._is_saturated = is_saturated

    def __call__(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls."""
        results: list[T] = []
        for number, call in enumerate(calls):
            if not self._is_saturated():
                return [*results, *self._threads(calls[number:])]
            results.append(call())
        return results
