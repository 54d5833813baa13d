"""Exits the worker when its consumer has stalled: idle while messages are queued. A supervisor restarts it.

After an outage of its broker during work, Celery may go on without ever fetching a message again
(https://github.com/celery/celery/issues/10302, seen here with 5.7 in the tests that stop Redis).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Collection
from datetime import timedelta
from typing import Final

import redis
import structlog
from celery.worker import state

from clients.redis.urls import redis_url

log = structlog.get_logger(__name__)

EXIT_STATUS: Final = 75
"""EX_TEMPFAIL."""
_CHECKS: Final = 4
"""Consecutive checks that must find the consumer stalled."""


class StallWatchdog:
    """A thread of the worker's main process. `stalled_after`: how long messages may be queued while no task is received."""

    def __init__(self, url: str, *, keys: Collection[str], stalled_after: timedelta) -> None:
        self._redis = redis.Redis.from_url(redis_url(url), socket_timeout=5, socket_connect_timeout=5)
        self._keys = list(keys)
        self._interval_s = stalled_after.total_seconds() / _CHECKS

    def start(self) -> None:
        """Start the watchdog thread."""
        threading.Thread(target=self._watch, name="stall-watchdog", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        stalled, received = 0, state.total_count.total()
        while not pause.wait(self._interval_s):
            received_before, received = received, state.total_count.total()
            is_idle = received == received_before and not state.reserved_requests
            stalled = stalled + 1 if is_idle and self._has_backlog() else 0
            if stalled >= _CHECKS:
                log.critical("consumer stalled with messages queued, exiting for a restart", status=EXIT_STATUS)
                logging.shutdown()
                os._exit(EXIT_STATUS)

    def _has_backlog(self) -> bool:
        """Return True if a message is queued; False while Redis is unavailable, which is not a stall."""
        try:
            return any(self._redis.llen(key) for key in self._keys)
        except redis.RedisError:
            return False
