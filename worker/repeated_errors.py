"""Logs a series of equal errors of a library as two events: when it begins, without a stack trace, and when it has ended.

While Redis answers that its memory is used up, kombu logs a stack trace every five seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

QUIET_S: Final = 90.0
"""A series has ended when its error has not occurred for this long; Celery's own retries are at most 32 s apart."""
LOGGERS: Final = ("kombu.asynchronous.hub", "celery.worker.consumer.consumer", "celery.worker.consumer.connection")


class RepeatedErrors(logging.Filter):
    """Passes the first error of each series. `check` must be called now and then, to log the end of a series."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._last_seen: dict[tuple[str, str], float] = {}

    def install(self) -> None:
        """Filter what these libraries log from now on."""
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True for the first error of a series, and for everything that is no error."""
        if record.levelno < logging.WARNING:
            return True
        key = record.name, str(record.msg)  # the text before its arguments, which may differ from one to the next
        is_first = key not in self._last_seen
        self._last_seen[key] = self._monotonic()
        if is_first and record.exc_info:
            record.msg, record.args = "%s: %s", (record.getMessage(), record.exc_info[1])
            record.exc_info = record.exc_text = None
        return is_first

    def check(self) -> None:
        """Log which series have ended."""
        now = self._monotonic()
        for key, last in list(self._last_seen.items()):
            if now - last >= QUIET_S:
                del self._last_seen[key]
                log.warning("error has not occurred again", source=key[0], error=key[1])
