"""Child processes kept alive: started in order, started again when they die, stopped in the opposite order.

    running ──died──> waiting (1 s, 2 s, ... 30 s; from 1 s again after a minute of life) ──> running
    running ──status 2: its settings are wrong──> left alone; if it is needed, everything stops with that status
    running ──told to stop──> SIGTERM ──grace──> SIGKILL

On Linux a child gets SIGTERM from the kernel when its supervisor is gone, however that ended.
"""

from __future__ import annotations

import ctypes
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

log = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 30.0
LIVES_WELL_AFTER_S: Final = 60.0
WRONG_SETTINGS: Final = 2
_LOOK_EVERY_S: Final = 0.2
_TELL_ME_WHEN_MY_PARENT_DIES: Final = 1  # PR_SET_PDEATHSIG of prctl(2)


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """One child: what it is called, how it is started, and how long it may take to stop."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    grace_s: float = 30.0
    is_needed: bool = True
    """Without it the others make no sense."""


@dataclass
class _Child:
    command: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    starts_again_at: float = 0.0
    deaths_in_a_row: int = 0
    is_given_up: bool = False


class Supervisor:
    """Keeps commands running until told to stop. `clock` answers seconds that only ever grow."""

    def __init__(self, commands: Sequence[ChildSpec], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._children = [_Child(command) for command in commands]
        self._clock = clock
        self._stop = threading.Event()
        self._status = 0

    def stop(self) -> None:
        """Let `run` end. May be called from a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Start everything and keep it running; come back with a status when everything is stopped."""
        try:
            while not self._stop.is_set():
                for child in self._children:
                    self._look_after(child)
                self._stop.wait(_LOOK_EVERY_S)
        finally:
            for child in reversed(self._children):
                self._end(child)
        return self._status

    def _look_after(self, child: _Child) -> None:
        now = self._clock()
        if child.process is not None:
            status = child.process.poll()
            if status is None:
                if now - child.started_at > LIVES_WELL_AFTER_S:
                    child.deaths_in_a_row = 0
                return
            child.process = None
            if status == WRONG_SETTINGS:
                self._give_up(child)
                return
            wait_s = min(2.0**child.deaths_in_a_row, LONGEST_WAIT_S)
            child.deaths_in_a_row += 1
            child.starts_again_at = now + wait_s
            log.warning("%s ended with status %s; it is started again in %g s", child.command.name, status, wait_s)
        if now >= child.starts_again_at and not child.is_given_up:
            # A session of its own: Ctrl-C reaches this process only, which then stops the children in their order.
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command.arguments,
                env=dict(child.command.environment),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - started before any thread
            )
            child.started_at = now

    def _give_up(self, child: _Child) -> None:
        child.is_given_up = True
        if child.command.is_needed:
            self._status = WRONG_SETTINGS
            self.stop()
        else:
            log.warning("%s cannot run with these settings; the others go on without it", child.command.name)

    def _end(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(child.command.grace_s)
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop within %g s and is killed", child.command.name, child.command.grace_s)
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_TELL_ME_WHEN_MY_PARENT_DIES, signal.SIGTERM)
