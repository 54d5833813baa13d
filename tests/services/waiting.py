"""Waiting for what other processes do, by polling; and work in several threads at once."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
TIMEOUT_S: Final = 90.0


def run_together(*works: Callable[[], T]) -> list[T]:
    """Begin each in a thread of its own at the same moment; return what they return."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        start.wait(timeout=20)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begin, works))


def wait_until(what: str, is_true: Callable[[], bool], *, explain: Callable[[], str] = str, timeout_s: float = TIMEOUT_S) -> None:
    """Return when the condition holds; fail with its name and an explanation after the time-out."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}\n{explain()}"
        time.sleep(0.03)
