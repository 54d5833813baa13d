"""Liveness of one process: a file that it touches while it works, for a probe on the same machine.

It covers this process only, so another worker of the same queues does not hide a hung one. An unavailable Redis or database is not a
reason to restart.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import tempfile
from collections.abc import Callable, Collection, Hashable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import redis
import structlog

from clients.redis.urls import redis_url

log = structlog.get_logger(__name__)

MAX_AGE: Final = timedelta(minutes=5)
"""A process whose file is older hangs, unless Redis is unavailable."""
BEAT: Final = ("beat",)
"""What a beat serves."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")
_TIMEOUT_S: Final = 5


class LivenessFile:
    """The liveness file of one process, named after the installation, its user and what it serves."""

    def __init__(self, *, instance: str, serves: Collection[str]) -> None:
        name = _UNSAFE.sub("_", f"scaleops-worker-{os.getuid()}-{instance}-{'-'.join(sorted(serves))}.alive")
        self.path = Path(tempfile.gettempdir()) / name
        self._has_failed = False

    def touch(self) -> None:
        """Touch the file. An error is logged, the first time only, and does not stop the process."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.utime(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if not self._has_failed:
                log.warning("cannot touch liveness file, probes will fail", path=str(self.path), reason=error.strerror)
            self._has_failed = True

    def remove(self) -> None:
        """Remove the file, at a regular exit."""
        self.path.unlink(missing_ok=True)

    def touched_at(self) -> datetime | None:
        """Return when the file was last touched, or None if it does not exist."""
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, tz=timezone.utc)
        except FileNotFoundError:
            return None


def liveness_problem(file: LivenessFile, *, now: datetime, is_redis_up: Callable[[], bool]) -> str:
    """Return a sentence if the process should be restarted; empty if it is alive or only waits for Redis.

    A process touches its file before it connects: without a file it does not run, whatever Redis does.
    """
    touched = file.touched_at()
    # From the future it says nothing: the clock was wrong when the file was touched, which has not happened since.
    if touched is not None and (abs(now - touched) <= MAX_AGE or not is_redis_up()):
        return ""
    since = "does not exist" if touched is None else f"was last touched at {touched:%Y-%m-%d %H:%M:%S} UTC"
    return f"the liveness file {file.path.name} {since}: the process hangs, does not run on this machine, or cannot use its REDIS_URL"


def is_redis_up(url: str) -> bool:
    """Return False while Redis is unavailable. An address, password or certificate that is wrong is no outage and returns True."""
    with redis.Redis.from_url(redis_url(url), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
        try:
            client.ping()
        except (redis.AuthenticationError, redis.exceptions.AuthorizationError):
            return True
        except (redis.ConnectionError, redis.TimeoutError) as error:
            return is_misconfiguration(error)
        except redis.RedisError:
            return True
        return True


def is_misconfiguration(error: BaseException | None) -> bool:
    """Return True if the cause of an error is an unknown host name or a certificate, which waiting does not change."""
    while error is not None:
        if isinstance(error, ssl.SSLError) or (isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN):
            return True
        error = error.__cause__ or error.__context__
    return False


class LivenessLoop:
    """Touches the liveness file from a worker's main loop, unless a task runs beyond every time limit."""

    def __init__(self, file: LivenessFile, *, active: Callable[[], Collection[Hashable]], hung_after: timedelta) -> None:
        self._file = file
        self._active = active
        self._hung_after_s = hung_after.total_seconds()
        self._active_since: dict[Hashable, float] = {}

    def tick(self, now_s: float) -> bool:
        """Check the active tasks at `now_s`, monotonic seconds; return True if the file was touched."""
        self._active_since = {task: self._active_since.get(task, now_s) for task in self._active()}
        if any(now_s - since > self._hung_after_s for since in self._active_since.values()):
            return False
        self._file.touch()
        return True
