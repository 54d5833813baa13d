"""Memory that all workers share: short-lived answers asked for once, and turns that one process holds at a time.

Everything in it may vanish (FLUSHALL, a restart), and Redis may be away: then each process asks for itself and takes its turn. The
database decides what is true; this only saves work.

    answer: nothing ──first asker claims──> being asked ──> kept for a while
                        │ everybody else waits and reads       └──asking failed──> nothing
    turn:   free ──taken──> held, renewed by a thread ──> free at the end, or a lease after its holder died
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from clients.redis.urls import redis_url

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S: Final = 5.0
TURN_LEASE: Final = timedelta(seconds=30)
"""A turn is free again so long after its holder died."""
ASKING_LEASE: Final = timedelta(seconds=60)
"""Somebody else asks when the one who claimed a question has not answered by then."""
_LOOK_AGAIN_S: Final = 0.02
_BEING_ASKED: Final = b""
_ANSWERED: Final = b"="
_RENEW: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end"
_REPLACE: Final = """
local standing = redis.call('get', KEYS[1])
if (standing or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1
"""
"""Only if nobody else replaced it since it was read. An empty value is never kept, so it can stand for none."""
_MOST_TRIES: Final = 20
_RELEASE: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


class RedisCache:
    """The shared memory of one installation. Safe for any number of threads; make it after a fork, not before."""

    def __init__(self, url: str, *, instance: str, asking_lease: timedelta = ASKING_LEASE, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = redis.Redis.from_url(
            redis_url(url),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            health_check_interval=25,
            # A connection that went stale is made anew, once; the library's own retries would hold work up for a minute a call.
            retry=Retry(NoBackoff(), 1),
        )
        self._prefix = f"scaleops-worker:{instance}:"
        self._asking_lease = asking_lease

    def get(self, name: str) -> bytes | None:
        """Answer what is remembered; None: nothing, or Redis is away."""
        return self._try("read", lambda: cast("bytes | None", self._redis.get(self._prefix + name)), None)

    def put(self, name: str, value: bytes, *, keep_for: timedelta) -> None:
        """Remember something for a while."""
        self._try("write", lambda: self._redis.set(self._prefix + name, value, px=_milliseconds(keep_for)), None)

    def forget(self, name: str) -> None:
        """Remember it no longer."""
        self._try("write", lambda: self._redis.delete(self._prefix + name), None)

    def update(self, name: str, change: Callable[[bytes | None, float], bytes], *, keep_for: timedelta) -> bool:
        """Replace what is remembered by what `change` makes of it and of Redis' own time (seconds), as if nobody else did.

        Answers no when Redis is away, or when others were quicker again and again. `change` may be called several times.
        """
        return self._try("update what is shared", lambda: self._update(self._prefix + name, change, keep_for), default=False)

    def get_or_compute(self, question: str, ask: Callable[[], bytes], *, keep_for: timedelta) -> bytes:
        """Answer a question that somebody asked already, or ask it while everybody else waits. What `ask` raises is raised."""
        key = self._prefix + question
        waits_until = time.monotonic() + self._asking_lease.total_seconds()
        while time.monotonic() < waits_until:
            standing = self._try("claim a question", lambda: self._claim(key), None)
            if standing is None:
                return self._ask(key, ask, keep_for)
            if standing.startswith(_ANSWERED):
                return standing[len(_ANSWERED) :]
            time.sleep(_LOOK_AGAIN_S)
        return ask()

    @contextmanager
    def turn(self, name: str, *, lease: timedelta = TURN_LEASE) -> Iterator[bool]:
        """Say whether it is our turn: nobody else hears yes until the block ends. Yes, too, when Redis cannot be asked."""
        key, mine = f"{self._prefix}turn:{name}", uuid.uuid4().hex
        taken = self._try("take a turn", lambda: bool(self._redis.set(key, mine, nx=True, px=_milliseconds(lease))), default=True)
        if not taken:
            yield False
            return
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(key, mine, lease, over), name=f"turn {name}", daemon=True)
        renewing.start()
        try:
            yield True
        finally:
            over.set()
            renewing.join()
            self._try("give a turn back", lambda: self._redis.eval(_RELEASE, 1, key, mine), None)

    @contextmanager
    def waiting_turn(self, name: str, *, patience: timedelta) -> Iterator[None]:
        """Wait for our turn, not longer than `patience`: then go on without it. A holder that died holds it half an asking lease."""
        waits_until = time.monotonic() + patience.total_seconds()
        while True:
            with self.turn(name, lease=self._asking_lease / 2) as mine:
                if mine or time.monotonic() >= waits_until:
                    yield
                    return
            time.sleep(_LOOK_AGAIN_S)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _update(self, key: str, change: Callable[[bytes | None, float], bytes], keep_for: timedelta) -> bool:
        for _ in range(_MOST_TRIES):
            reading = self._redis.pipeline(transaction=False)
            reading.get(key)
            reading.time()
            standing, (seconds, microseconds) = reading.execute()
            changed = change(standing, seconds + microseconds / 1_000_000)
            if self._redis.eval(_REPLACE, 1, key, standing or b"", changed, _milliseconds(keep_for)):
                return True
        return False

    def _claim(self, key: str) -> bytes | None:
        """Claim a question nobody answered or asks; else answer what stands there."""
        standing = self._redis.set(key, _BEING_ASKED, nx=True, get=True, px=_milliseconds(self._asking_lease))
        return cast("bytes | None", standing)

    def _ask(self, key: str, ask: Callable[[], bytes], keep_for: timedelta) -> bytes:
        try:
            answer = ask()
        except BaseException:
            self._try("give a question back", lambda: self._redis.delete(key), None)
            raise
        self._try("write", lambda: self._redis.set(key, _ANSWERED + answer, px=_milliseconds(keep_for)), None)
        return answer

    def _renew(self, key: str, mine: str, lease: timedelta, over: threading.Event) -> None:
        while not over.wait(lease.total_seconds() / 3):
            self._try("keep a turn", lambda: self._redis.eval(_RENEW, 1, key, mine, _milliseconds(lease)), None)

    def _try(self, what: str, do: Callable[[], T], default: T) -> T:
        try:
            return do()
        except redis.RedisError as away:
            log.warning("Redis could not be asked to %s (%s); going on without it", what, type(away).__name__)
            return default


def _milliseconds(duration: timedelta) -> int:
    return max(1, round(duration / timedelta(milliseconds=1)))
