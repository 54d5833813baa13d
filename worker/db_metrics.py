"""What Prometheus reads off the rows: looked up when it asks, so that it is the same whichever worker it asks.

The database is opened for each look and closed again: the process that serves metrics forks the children that work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.messages import DeliveryStatus as MessageStatus
from store import HeartbeatKind, SchemaMismatch, StoreUnavailable
from tasks.maintenance.monitoring import HealthSnapshot, check_health
from wiring.contexts import LoadedConfig, build_stage_context

log = logging.getLogger(__name__)

KEPT_FOR_S: Final = 15.0
"""Several who ask at the same time cost one look."""


def look_at(installation: LoadedConfig) -> HealthSnapshot | None:
    """Look at the rows; None: the database cannot be used."""
    try:
        with build_stage_context(installation) as parts:
            return check_health(parts)
    except (SchemaMismatch, StoreUnavailable) as away:
        log.warning("metrics: %s", away)
        return None


class DatabaseCollector(Collector):
    """The metrics of the rows. Where the database is away, `scaleops_worker_database_up` is 0 and nothing else is said."""

    def __init__(self, check_health: Callable[[], HealthSnapshot | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = check_health
        self._clock = clock
        self._turn = threading.Lock()
        self._seen: HealthSnapshot | None = None
        self._looked_at: float | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Answer them as of now, or of at most 15 s ago."""
        seen = self._look_again()
        yield _gauge("database_up", "Whether the rows can be read", 0 if seen is None else 1)
        if seen is not None:
            yield from _metrics_of(seen)

    def _look_again(self) -> HealthSnapshot | None:
        with self._turn:
            if self._looked_at is None or self._clock() - self._looked_at >= KEPT_FOR_S:
                self._seen, self._looked_at = self._look(), self._clock()
            return self._seen


def _metrics_of(seen: HealthSnapshot) -> Iterator[GaugeMetricFamily]:
    status = seen.status
    outbox = _family("outbox_messages", "Messages in the outbox by status", "status")
    for name in MessageStatus:
        outbox.add_metric([name.value], status.outbox.get(name, 0))
    yield outbox
    oldest = 0.0 if status.oldest_pending is None else (status.now - status.oldest_pending).total_seconds()
    yield _gauge("outbox_oldest_seconds", "Age of the oldest unsent message", oldest)
    if status.newest_closed is not None:
        sweep = _family("sweep_components", "Components of the newest closed sweep by outcome", "outcome")
        sweep.add_metric(["measured"], status.newest_closed.measured)
        sweep.add_metric(["unknown"], status.newest_closed.unknown)
        yield sweep
        age = (status.now - status.newest_closed.as_of).total_seconds()
        yield _gauge("sweep_age_seconds", "Age of the newest closed sweep", age)
    ages = _family(
        "heartbeat_age_seconds", "Time since the last success of each stage and the last canary of each queue", "stage", "kind"
    )
    for heartbeat in status.heartbeats:
        if heartbeat.kind in (HeartbeatKind.OK, HeartbeatKind.CANARY):
            ages.add_metric([heartbeat.stage, heartbeat.kind.value], (status.now - heartbeat.at).total_seconds())
    yield ages
    yield _gauge("reports_overdue", "Teams whose newest due weekly report was not made yet", seen.reports_overdue)
    yield _gauge("problems", "Problems of this installation, as `status` lists them", len(seen.problems))


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"scaleops_worker_{name}", help_, value=value)


def _family(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"scaleops_worker_{name}", help_, labels=labels)
