"""Waiting for what other processes do: look again and again, and say what was waited for when it does not come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

PATIENCE_S: Final = 90.0


def wait_until(what: str, is_so: Callable[[], bool], *, explain: Callable[[], str] = str, patience_s: float = PATIENCE_S) -> None:
    """Come back when it is so; fail with an explanation when it is not in all that time."""
    ends = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < ends, f"waited {patience_s:g} s for {what}\n{explain()}"
        time.sleep(0.03)
