"""Ends a worker that has gone deaf: idle, while messages lie in its queues. Whoever supervises it starts it again.

After its broker went away in the middle of work, Celery may go on living without ever asking for a message again
(https://github.com/celery/celery/issues/10302, seen here with 5.7 in the tests that take Redis away).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Collection
from datetime import timedelta
from typing import Final

import redis
from celery.worker import state

from clients.redis import redis_url

log = logging.getLogger(__name__)

EXIT_STATUS: Final = 75
"""EX_TEMPFAIL: to be tried again."""
_LOOKS: Final = 4
"""So many looks in a row must find it deaf."""


class StallWatchdog:
    """A thread of the worker's main process. `deaf_after` is how long messages may lie while nothing is worked on."""

    def __init__(self, url: str, *, keys: Collection[str], deaf_after: timedelta) -> None:
        self._redis = redis.Redis.from_url(redis_url(url), socket_timeout=5, socket_connect_timeout=5)
        self._keys = list(keys)
        self._every_s = deaf_after.total_seconds() / _LOOKS

    def start(self) -> None:
        """Begin to listen to the listener."""
        threading.Thread(target=self._watch, name="hearing", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        deaf_looks, heard = 0, state.total_count.total()
        while not pause.wait(self._every_s):
            now_heard = state.total_count.total()
            is_deaf = now_heard == heard and not state.reserved_requests and self._do_messages_lie()
            deaf_looks, heard = deaf_looks + 1 if is_deaf else 0, now_heard
            if deaf_looks >= _LOOKS:
                log.critical("messages lie in the queues, and this worker no longer hears of them; it ends, to be started again")
                logging.shutdown()
                os._exit(EXIT_STATUS)

    def _do_messages_lie(self) -> bool:
        """Say whether there is a message; while Redis is away nobody can hear, and that is no deafness."""
        try:
            return any(self._redis.llen(key) for key in self._keys)
        except redis.RedisError:
            return False
