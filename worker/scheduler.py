"""Celery's scheduler, in memory, that takes Redis being away in its stride: a sentence when it goes, one when it is back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, SchedulingError

log = logging.getLogger(__name__)


class QuietScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Rings what is due. What could not be rung is rung at its next time, for that asks the same."""

    on_tick: Callable[[], object] = staticmethod(lambda: None)
    """Called at least every few seconds: beat's sign of life."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Celery's
        self._is_redis_away = False
        super().__init__(*arguments, **named)

    def tick(self, *arguments: Any, **named: Any) -> float:  # noqa: ANN401 - Celery's
        """Ring one thing if one is due; answer the seconds until the next look."""
        self.on_tick()
        seconds: float = super().tick(*arguments, **named)
        return seconds

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:  # noqa: ANN401 - Celery's
        """Ring. Celery's own way writes the stack for each entry, every minute that Redis is away."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as failure:
            if not self._is_redis_away:
                why = type(failure.__cause__ or failure.__context__ or failure).__name__
                log.warning("Redis cannot be asked (%s): nothing is rung until it is back, and then what is due is done", why)
            self._is_redis_away = True
            return
        if self._is_redis_away:
            log.warning("Redis is back: everything is rung again")
        self._is_redis_away = False
