"""Watches ScaleOps while a sweep asks it, to tell "it is down" from "this question failed"."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from actions.ports import ScaleOps
from clients.calls import CallFailed, Fault
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

T = TypeVar("T")

AWAY: Final = frozenset({Fault.UNREACHABLE, Fault.OVERLOADED, Fault.DENIED})
"""Failures that are ScaleOps' own, not the question's."""
FIRST_FAILURES: Final = 3
"""So many failures and no answer at all: it is down, or our credentials are wrong; more logins would only lock us out."""


class Watched:
    """Passes every question on, and counts what became of it. After `stop` it passes nothing on."""

    def __init__(self, scaleops: ScaleOps, *, patience: int) -> None:
        self._scaleops = scaleops
        self._patience = patience
        self._lock = threading.Lock()
        self._answers = 0
        self._failures = 0
        self._away_in_a_row = 0
        self._last: CallFailed | None = None
        self._stopped: str | None = None

    @property
    def has_answered(self) -> bool:
        """Say whether any question got an answer."""
        return self._answers > 0

    def stop(self, reason: str) -> None:
        """Fail every question from now on, with this reason."""
        self._stopped = reason

    def is_down(self) -> CallFailed | None:
        """Answer the last failure if nothing came back so far, or nothing for many questions in a row; else None."""
        with self._lock:
            never = not self._answers and self._failures >= FIRST_FAILURES
            no_longer = self._away_in_a_row >= self._patience
            return self._last if never or no_longer else None

    def never_answered(self) -> CallFailed | None:
        """Answer the last failure if questions were asked and not one got an answer."""
        with self._lock:
            return None if self._answers else self._last

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """Ask ScaleOps."""
        return self._ask(partial(self._scaleops.workloads, labels))

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Ask ScaleOps."""
        question = partial(self._scaleops.costs, cluster=cluster, namespaces=namespaces, types=types)
        return self._ask(partial(question, labels=labels, cost_range=cost_range))

    def network_flags(self) -> Mapping[str, bool]:
        """Ask ScaleOps."""
        return self._ask(self._scaleops.network_flags)

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Ask ScaleOps."""
        return self._ask(partial(self._scaleops.network, key, start=start, end=end))

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Ask ScaleOps."""
        return self._ask(partial(self._scaleops.policies, cluster))

    def _ask(self, question: Callable[[], T]) -> T:
        if self._stopped is not None:
            raise CallFailed(self._stopped, fault=Fault.UNREACHABLE, permanent=False)
        try:
            answer = question()
        except CallFailed as failure:
            with self._lock:
                self._failures += 1
                self._away_in_a_row = self._away_in_a_row + 1 if failure.fault in AWAY else 0
                self._last = failure
            raise
        with self._lock:
            self._answers += 1
            self._away_in_a_row = 0
        return answer
