"""SIGTERM ends every command, also as process 1 of a container, for which the kernel has no default action.

SIGTERM ──> Terminated is raised; in `finishing_units` only after the unit of work in progress
        ──GRACE_S──> the process exits: what is committed is kept, and the next run continues
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

GRACE_S: Final = 20.0
"""For the work in progress; Kubernetes kills after 30 s."""
SENTENCE: Final = "stopped by SIGTERM; completed work is kept, and the next run continues"


class Terminated(BaseException):
    """The process was asked to stop. No Exception, so that nothing takes it for a failure of its own."""


class Termination:
    """The state of this process: whether it was asked to stop, and whether a unit of work is finished first."""

    def __init__(self) -> None:
        self._is_requested = False
        self._is_finishing = False

    def install(self) -> None:
        """Handle SIGTERM from now on. Servers and Celery replace the handler by their own."""
        self._is_requested = self._is_finishing = False
        signal.signal(signal.SIGTERM, lambda *_: self._request())
        signal.signal(signal.SIGALRM, lambda *_: _exit_now())

    @contextmanager
    def finishing_units(self) -> Iterator[Callable[[], bool]]:
        """Let the unit in progress end: the block gets a function that says whether another may begin."""
        self._is_finishing = True
        try:
            yield lambda: not self._is_requested
        finally:
            self._is_finishing = False
        if self._is_requested:
            raise Terminated

    def _request(self) -> None:
        if not self._is_requested:
            self._is_requested = True
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)
        if not self._is_finishing:
            raise Terminated


TERMINATION: Final = Termination()


def _exit_now() -> None:
    os.write(2, f"scaleops-worker: {SENTENCE}\n".encode())
    os._exit(0)
