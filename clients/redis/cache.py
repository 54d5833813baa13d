"""Cache and locks that all processes of one installation share in Redis.

Only a cache: everything may vanish (FLUSHALL, a restart), and while Redis is unavailable each process computes for itself and gets
every lock. The database decides what is true.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, TypeVar, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.exceptions import LockError
from redis.lock import Lock
from redis.retry import Retry

from clients.redis.urls import redis_url

log = structlog.get_logger(__name__)

T = TypeVar("T")

TIMEOUT_S: Final = 5.0
LOCK_TTL: Final = timedelta(seconds=30)
"""A lock expires this long after its holder died."""
CLAIM_TTL: Final = timedelta(seconds=60)
"""Another process computes a value when the one that claimed it has not delivered by then."""
_POLL_INTERVAL_S: Final = 0.02
_CLAIMED: Final = b""
_COMPUTED: Final = b"="
_COMPARE_AND_SET: Final = """
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1
"""
"""An empty value is never stored, so it denotes a missing key."""
_MAX_COMPARE_AND_SET_TRIES: Final = 20


class RedisCache:
    """Thread-safe. Create it after a fork, not before.

    Args:
        claim_ttl: how long one process may compute a value before another does.
    """

    def __init__(self, url: str, *, instance: str, claim_ttl: timedelta = CLAIM_TTL, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = redis.Redis.from_url(
            redis_url(url),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            health_check_interval=25,
            # One retry replaces a stale connection; the library's default would block for up to a minute a call.
            retry=Retry(NoBackoff(), 1),
        )
        self._prefix = f"scaleops-worker:{instance}:"
        self._claim_ttl = claim_ttl
        self._is_available = True

    def get(self, name: str) -> bytes | None:
        """Return the cached value; None if there is none or Redis is unavailable."""
        return self._try("get", lambda: cast("bytes | None", self._redis.get(self._prefix + name)), None)

    def put(self, name: str, value: bytes, *, ttl: timedelta) -> None:
        """Store a value."""
        self._try("set", lambda: self._redis.set(self._prefix + name, value, px=_milliseconds(ttl)), None)

    def delete(self, name: str) -> None:
        """Delete a value."""
        self._try("delete", lambda: self._redis.delete(self._prefix + name), None)

    def compare_and_set(self, name: str, change: Callable[[bytes | None, float], bytes], *, ttl: timedelta) -> bool:
        """Atomically replace a value by `change(value, Redis' own time in seconds)`, which may run several times.

        Returns False if Redis is unavailable or other writers won every attempt.
        """
        return self._try("compare and set", lambda: self._compare_and_set(self._prefix + name, change, ttl), default=False)

    def get_or_compute(self, name: str, compute: Callable[[], bytes], *, ttl: timedelta) -> bytes:
        """Return the cached value, or compute it in one process while the others wait. Errors of `compute` are not cached."""
        key = self._prefix + name
        deadline = time.monotonic() + self._claim_ttl.total_seconds()
        while time.monotonic() < deadline:
            current = self._try("claim", lambda: self._claim(key), None)
            if current is None:
                return self._compute(key, compute, ttl)
            if current.startswith(_COMPUTED):
                return current[len(_COMPUTED) :]
            time.sleep(_POLL_INTERVAL_S)
        return compute()

    @contextmanager
    def lock(self, name: str, *, ttl: timedelta = LOCK_TTL) -> Iterator[bool]:
        """Non-blocking lock, renewed by a thread while held. Yields True if acquired, and also if Redis is unavailable."""
        lock = self._redis.lock(f"{self._prefix}lock:{name}", timeout=ttl.total_seconds(), thread_local=False)
        if not self._try("lock", lambda: lock.acquire(blocking=False), default=True):
            yield False
            return
        released = threading.Event()
        renewer = threading.Thread(target=self._renew, args=(lock, ttl, released), name=f"renew lock {name}", daemon=True)
        renewer.start()
        try:
            yield True
        finally:
            released.set()
            renewer.join()
            self._try("unlock", lock.release, None)

    @contextmanager
    def blocking_lock(self, name: str, *, timeout: timedelta) -> Iterator[None]:
        """Wait for a lock, after `timeout` continue without it. If its holder dies it expires within half of `claim_ttl`."""
        deadline = time.monotonic() + timeout.total_seconds()
        while True:
            with self.lock(name, ttl=self._claim_ttl / 2) as is_acquired:
                if is_acquired or time.monotonic() >= deadline:
                    yield
                    return
            time.sleep(_POLL_INTERVAL_S)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _compare_and_set(self, key: str, change: Callable[[bytes | None, float], bytes], ttl: timedelta) -> bool:
        for _ in range(_MAX_COMPARE_AND_SET_TRIES):
            reads = self._redis.pipeline(transaction=False)
            reads.get(key)
            reads.time()
            current, (seconds, microseconds) = reads.execute()
            changed = change(current, seconds + microseconds / 1_000_000)
            if self._redis.eval(_COMPARE_AND_SET, 1, key, current or b"", changed, _milliseconds(ttl)):
                return True
        return False

    def _claim(self, key: str) -> bytes | None:
        """Claim a missing value and return None; else return what is stored."""
        current = self._redis.set(key, _CLAIMED, nx=True, get=True, px=_milliseconds(self._claim_ttl))
        return cast("bytes | None", current)

    def _compute(self, key: str, compute: Callable[[], bytes], ttl: timedelta) -> bytes:
        try:
            value = compute()
        except BaseException:
            self._try("release the claim", lambda: self._redis.delete(key), None)
            raise
        self._try("set", lambda: self._redis.set(key, _COMPUTED + value, px=_milliseconds(ttl)), None)
        return value

    def _renew(self, lock: Lock, ttl: timedelta, released: threading.Event) -> None:
        while not released.wait(ttl.total_seconds() / 3):
            self._try("renew lock", lock.reacquire, None)

    def _try(self, operation: str, run: Callable[[], T], default: T) -> T:
        try:
            result = run()
        except LockError:  # the lock was not acquired from Redis, or has expired: nothing to renew or release
            return default
        except redis.RedisError as error:
            level = logging.WARNING if self._is_available else logging.DEBUG
            log.log(level, "redis unavailable", operation=operation, reason=type(error).__name__)
            self._is_available = False
            return default
        if not self._is_available:
            self._is_available = True
            log.warning("redis available again")
        return result


def _milliseconds(duration: timedelta) -> int:
    return max(1, round(duration / timedelta(milliseconds=1)))
