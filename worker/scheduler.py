"""Celery's in-memory scheduler, which logs an outage of Redis once when it begins and once when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from celery.beat import ScheduleEntry, Scheduler, SchedulingError

log = structlog.get_logger(__name__)


class QuietScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Enqueues due entries. A failed enqueue is not retried; the next tick covers it."""

    on_tick: Callable[[], object] = staticmethod(lambda: None)
    """Called at least every few seconds, for the liveness file."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Celery's
        self._is_redis_down = False
        super().__init__(*arguments, **named)

    def tick(self, *arguments: Any, **named: Any) -> float:  # noqa: ANN401 - Celery's
        """Enqueue at most one due entry and return the seconds until the next call."""
        self.on_tick()
        seconds: float = super().tick(*arguments, **named)
        return seconds

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:  # noqa: ANN401 - Celery's
        """Enqueue an entry. Celery's implementation logs a stack trace per entry and minute while Redis is unavailable."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            if not self._is_redis_down:
                reason = type(error.__cause__ or error.__context__ or error).__name__
                log.warning("redis unavailable, scheduled tasks are skipped", reason=reason)
            self._is_redis_down = True
            return
        if self._is_redis_down:
            log.warning("redis available again")
        self._is_redis_down = False
