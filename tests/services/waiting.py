"""Waiting for what other processes do, by polling."""

import time
from collections.abc import Callable
from typing import Final

TIMEOUT_S: Final = 90.0


def wait_until(what: str, is_true: Callable[[], bool], *, explain: Callable[[], str] = str, timeout_s: float = TIMEOUT_S) -> None:
    """Return when the condition holds; fail with its name and an explanation after the time-out."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}\n{explain()}"
        time.sleep(0.03)
