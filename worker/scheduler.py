"""Celery's in-memory scheduler, by a clock that never jumps. It logs an outage of Redis once when it begins and once when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


class QuietScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Enqueues each entry once per interval. What could not be enqueued stays due.

    Celery's own ticks compare instants of the machine's clock: after it was a day ahead for a moment, nothing is due for a day.
    """

    on_tick: Callable[[], object] = staticmethod(lambda: None)
    """Called at least every few seconds, for the liveness file."""
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Celery's
        self._is_redis_down = False
        self._due_at: dict[str, float] = {}
        super().__init__(*arguments, **named)

    def tick(self, *_: Any, **__: Any) -> float:  # noqa: ANN401 - Celery's
        """Enqueue due entries, until one fails, and return the seconds until the next call."""
        self.on_tick()
        for name, entry in self.schedule.items():
            if self.monotonic() >= self._due_at.get(name, 0.0):
                if not self.enqueue(entry):
                    return float(self.max_interval)
                self._due_at[name] = self.monotonic() + entry.schedule.seconds
                self.on_tick()
        next_s = min(self._due_at.values()) - self.monotonic()
        return float(min(max(next_s, 0.0), self.max_interval))

    def enqueue(self, entry: ScheduleEntry) -> bool:
        """Return True if the entry was enqueued. Celery's implementation logs a stack trace per entry while Redis is unavailable."""
        try:
            self.apply_async(entry, producer=self.producer, advance=False)
        except (SchedulingError, OperationalError) as error:
            if not self._is_redis_down:
                reason = str(error.__cause__ or error.__context__ or error)
                log.warning("redis unavailable, scheduled tasks wait", reason=reason)
            self._is_redis_down = True
            return False
        if self._is_redis_down:
            log.warning("redis available again")
        self._is_redis_down = False
        return True

    def _ensure_connected(self) -> Any:  # noqa: ANN401 - Celery's
        """Connect, or raise: Celery would block, without a tick, until Redis is available."""
        return self.connection.ensure_connection(max_retries=1, interval_start=0, interval_max=0)
