"""Several upstream questions at a time, for one caller who waits for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, TypeVar

T = TypeVar("T")


class FanOut(Protocol):
    """Makes several calls and answers their results in the same order; the first error is raised."""

    def __call__(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls."""


def sequential(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls one after the other."""
    return [call() for call in calls]


class ThreadFanOut:
    """Makes calls in parallel. Any number of threads may ask; a call must not itself ask the same object.

    The threads start with the first use, so it may be made before a fork and used after it.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="question")

    def __call__(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls, the last one in the asking thread itself."""
        if not calls:
            return []
        waiting = [self._pool.submit(call) for call in calls[:-1]]
        try:
            last = calls[-1]()
        finally:
            for future in waiting:
                future.exception()  # waits; what is raised is raised below
        return [*(future.result() for future in waiting), last]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()


class AdaptiveFanOut:
    """Makes calls in turn while others keep enough of them in flight, and the rest in parallel as soon as they do not.

    Handing a call to another thread costs about as much CPU as digesting its answer, and gains nothing while no line is free.
    """

    def __init__(self, threads: FanOut, *, are_lines_busy: Callable[[], bool]) -> None:
        self._threads = threads
        self._are_lines_busy = are_lines_busy

    def __call__(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls."""
        answers: list[T] = []
        for number, call in enumerate(calls):
            if not self._are_lines_busy():
                return [*answers, *self._threads(calls[number:])]
            answers.append(call())
        return answers
