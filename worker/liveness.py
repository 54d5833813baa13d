"""A process's own sign of life, for a liveness probe on the same machine: a file that it touches while it works as it should.

Not the work of others, so a worker that hangs is not taken for alive because another one serves its queues. And neither Redis nor
the database: that they are away is no reason to start a worker again.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Collection, Hashable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import redis

from clients.redis import redis_url

log = logging.getLogger(__name__)

MAY_BE_OLD: Final = timedelta(minutes=5)
"""A process that gave no sign for so long hangs, unless Redis is away."""
BEAT: Final = ("beat",)
"""What a beat serves."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")
_TIMEOUT_S: Final = 5


class LivenessFile:
    """The sign of one process, found by the installation, the user it runs as, and what it serves."""

    def __init__(self, *, instance: str, serves: Collection[str]) -> None:
        name = _UNSAFE.sub("_", f"scaleops-worker-{os.getuid()}-{instance}-{'-'.join(sorted(serves))}.alive")
        self.path = Path(tempfile.gettempdir()) / name
        self._is_troubled = False

    def give(self) -> None:
        """Touch the file. Failing to is told once, and is no reason to stop working."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.utime(descriptor)
            finally:
                os.close(descriptor)
        except OSError as refused:
            if not self._is_troubled:
                log.warning("no sign of life can be left at %s (%s); a liveness probe will miss it", self.path, refused.strerror)
            self._is_troubled = True

    def take_back(self) -> None:
        """Leave nothing behind, at a proper end."""
        self.path.unlink(missing_ok=True)

    def given_at(self) -> datetime | None:
        """When it was given last; None: never, or its process ended properly."""
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, tz=timezone.utc)
        except FileNotFoundError:
            return None


def liveness_problem(sign: LivenessFile, *, now: datetime, is_redis_there: Callable[[], bool]) -> str:
    """Answer a sentence when the process should be started again; empty when it lives, or only waits for Redis."""
    given = sign.given_at()
    if given is not None and now - given <= MAY_BE_OLD:
        return ""
    if not is_redis_there():
        return ""
    since = "was never given" if given is None else f"was given last at {given:%Y-%m-%d %H:%M:%S} UTC"
    return f"the sign of life {sign.path.name} {since}, and Redis is there: the process hangs, or does not run on this machine"


def is_redis_there(url: str) -> bool:
    """Ask Redis whether it answers."""
    with redis.Redis.from_url(redis_url(url), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


class LivenessLoop:
    """What a worker's main loop does every few seconds: it gives the sign, unless work under way hangs beyond every time limit."""

    def __init__(self, sign: LivenessFile, *, under_way: Callable[[], Collection[Hashable]], hangs_after: timedelta) -> None:
        self._sign = sign
        self._under_way = under_way
        self._hangs_after_s = hangs_after.total_seconds()
        self._seen: dict[Hashable, float] = {}

    def turn(self, now_s: float) -> bool:
        """Look at what is under way at `now_s`, seconds that only ever grow; say whether the sign was given."""
        self._seen = {work: self._seen.get(work, now_s) for work in self._under_way()}
        if any(now_s - since > self._hangs_after_s for since in self._seen.values()):
            return False
        self._sign.give()
        return True
