"""Supervises child processes: starts them in order, restarts them when they exit, stops them in reverse order.

    running ──exited──> waiting (1 s, 2 s, ... 30 s; from 1 s again after a minute of running) ──> running
    running ──status 2: invalid settings──> not restarted; if it is required, everything stops with that status
    running ──stop()──> SIGTERM ──grace──> SIGKILL

On Linux a child gets SIGTERM from the kernel when its supervisor is gone, however that ended.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

log = structlog.get_logger(__name__)

MAX_RESTART_DELAY_S: Final = 30.0
STABLE_AFTER_S: Final = 60.0
INVALID_SETTINGS: Final = 2
_POLL_INTERVAL_S: Final = 0.2
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """How a child is named, started and stopped."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    grace_s: float = 30.0
    is_required: bool = True
    """The others stop when this one cannot run."""


@dataclass
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    consecutive_exits: int = 0
    is_disabled: bool = False


class Supervisor:
    """Keeps children running until it is stopped. `clock` returns monotonic seconds; `on_poll` is called after each look at them."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        clock: Callable[[], float] = time.monotonic,
        on_poll: Callable[[], object] = lambda: None,
    ) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._clock = clock
        self._on_poll = on_poll
        self._stop = threading.Event()
        self._status = 0

    def stop(self) -> None:
        """Let `run` return. May be called from a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Start the children and keep them running; return the exit status once all are stopped."""
        try:
            while not self._stop.is_set():
                for child in self._children:
                    self._check(child)
                self._on_poll()
                self._stop.wait(_POLL_INTERVAL_S)
        finally:
            for child in reversed(self._children):
                self._terminate(child)
        return self._status

    def _check(self, child: _Child) -> None:
        now = self._clock()
        if child.process is not None:
            status = child.process.poll()
            if status is None:
                if now - child.started_at > STABLE_AFTER_S:
                    child.consecutive_exits = 0
                return
            child.process = None
            if status == INVALID_SETTINGS:
                self._disable(child)
                return
            delay_s = min(2.0**child.consecutive_exits, MAX_RESTART_DELAY_S)
            child.consecutive_exits += 1
            child.restart_at = now + delay_s
            log.warning("child exited", child=child.spec.name, status=status, restart_in_s=delay_s)
        if now >= child.restart_at and not child.is_disabled:
            self._start(child, now)

    def _start(self, child: _Child, now: float) -> None:
        # In its own session: Ctrl-C reaches this process only, which then stops the children in order.
        child.process = subprocess.Popen(  # noqa: S603 - our own commands
            child.spec.arguments,
            env=dict(child.spec.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - started before any thread
        )
        child.started_at = now

    def _disable(self, child: _Child) -> None:
        child.is_disabled = True
        if child.spec.is_required:
            self._status = INVALID_SETTINGS
            self.stop()
        else:
            log.warning("child cannot run with these settings, going on without it", child=child.spec.name)

    def _terminate(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(child.spec.grace_s)
        except subprocess.TimeoutExpired:
            log.warning("child did not stop in time and is killed", child=child.spec.name, grace_s=child.spec.grace_s)
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
