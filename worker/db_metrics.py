"""Prometheus metrics of the database, read at scrape time, so that every worker serves the same values.

The database is opened for each reading and closed again: the process that serves metrics forks the children.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.messages import DeliveryStatus as MessageStatus
from store import HeartbeatKind, SchemaMismatch, StoreUnavailable
from tasks.maintenance.monitoring import HealthSnapshot, check_health
from wiring.contexts import build_stage_context
from wiring.loaded_config import LoadedConfig

log = structlog.get_logger(__name__)

TTL_S: Final = 15.0
"""Scrapes within this time share one reading."""


@dataclass(frozen=True)
class GaugeSpec:
    """Help text and labels of a metric."""

    help: str
    labels: tuple[str, ...] = ()


DATABASE_METRICS: Final[Mapping[str, GaugeSpec]] = {
    "scaleops_worker_database_up": GaugeSpec("1 if the database can be read"),
    "scaleops_worker_outbox_messages": GaugeSpec("Messages in the outbox by status", ("status",)),
    "scaleops_worker_outbox_oldest_message_age_seconds": GaugeSpec("Age of the oldest unsent message; 0 without one"),
    "scaleops_worker_open_alerts": GaugeSpec("Alerts that are open"),
    "scaleops_worker_sweep_components": GaugeSpec("Components of the newest closed sweep by outcome", ("outcome",)),
    "scaleops_worker_sweep_age_seconds": GaugeSpec("Age of the newest closed sweep"),
    "scaleops_worker_watch_sweep_age_seconds": GaugeSpec("Age of the newest closed watch sweep"),
    "scaleops_worker_watch_sweep_failed": GaugeSpec("1 if the newest closed watch sweep failed"),
    "scaleops_worker_watch_interval_seconds": GaugeSpec(
        "Time between the two newest sweeps of either kind that looked for danger"
    ),
    "scaleops_worker_heartbeat_age_seconds": GaugeSpec(
        "Time since each stage's last success and each queue's last canary", ("stage", "kind")
    ),
    "scaleops_worker_bulk_trusted": GaugeSpec(
        "Whether a bulk response of the full sweeps is trusted (1) or not (0)", ("subject", "cluster")
    ),
    "scaleops_worker_reports_overdue": GaugeSpec("Teams whose newest due weekly report has not been made"),
    "scaleops_worker_problems": GaugeSpec("Problems of this installation, as `status` lists them"),
}
"""Every metric of the database, by name."""


def read_health(installation: LoadedConfig) -> HealthSnapshot | None:
    """Open the database and read the health; None if it cannot be used."""
    try:
        with build_stage_context(installation) as context:
            return check_health(context)
    except (SchemaMismatch, StoreUnavailable) as error:
        log.debug("database unavailable for metrics", reason=str(error))
        return None


class DatabaseCollector(Collector):
    """The metrics of the database. While it is unavailable only `scaleops_worker_database_up` is served, as 0."""

    def __init__(self, sample: Callable[[], HealthSnapshot | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sample = sample
        self._clock = clock
        self._lock = threading.Lock()
        self._health: HealthSnapshot | None = None
        self._sampled_at: float | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics of a reading that is at most 15 s old."""
        health = self._current()
        yield _gauge("database_up", 0 if health is None else 1)
        if health is not None:
            yield from _metrics_of(health)

    def _current(self) -> HealthSnapshot | None:
        with self._lock:
            if self._sampled_at is None or self._clock() - self._sampled_at >= TTL_S:
                was_up = self._sampled_at is None or self._health is not None
                self._health, self._sampled_at = self._sample(), self._clock()
                if was_up != (self._health is not None):
                    log.warning("database unavailable for metrics" if was_up else "database available again for metrics")
            return self._health


def _metrics_of(health: HealthSnapshot) -> Iterator[GaugeMetricFamily]:
    status = health.status
    outbox = _family("outbox_messages")
    for name in MessageStatus:
        outbox.add_metric([name.value], status.outbox.get(name, 0))
    yield outbox
    oldest = 0.0 if status.oldest_pending is None else (status.now - status.oldest_pending).total_seconds()
    yield _gauge("outbox_oldest_message_age_seconds", oldest)
    yield _gauge("open_alerts", status.open_alerts)
    if status.newest_closed is not None:
        sweep = _family("sweep_components")
        sweep.add_metric(["measured"], status.newest_closed.measured)
        sweep.add_metric(["unknown"], status.newest_closed.unknown)
        yield sweep
        yield _gauge("sweep_age_seconds", (status.now - status.newest_closed.as_of).total_seconds())
    if status.watch is not None:
        newest = status.watch.newest
        yield _gauge("watch_sweep_age_seconds", (status.now - newest.as_of).total_seconds())
        yield _gauge("watch_sweep_failed", 1 if newest.failure else 0)
        if status.watch.cadence is not None:
            yield _gauge("watch_interval_seconds", status.watch.cadence.total_seconds())
    ages = _family("heartbeat_age_seconds")
    for heartbeat in status.heartbeats:
        if heartbeat.kind in (HeartbeatKind.OK, HeartbeatKind.CANARY):
            ages.add_metric([heartbeat.stage, heartbeat.kind.value], (status.now - heartbeat.at).total_seconds())
    yield ages
    bulk = _family("bulk_trusted")
    for one in status.bulk:
        bulk.add_metric([one.newest.subject.value, one.newest.cluster], one.newest.trusted)
    yield bulk
    yield _gauge("reports_overdue", health.reports_overdue)
    yield _gauge("problems", len(health.problems))


def _gauge(name: str, value: float) -> GaugeMetricFamily:
    family = _family(name)
    family.add_metric([], value)
    return family


def _family(name: str) -> GaugeMetricFamily:
    full_name = f"scaleops_worker_{name}"
    spec = DATABASE_METRICS[full_name]
    return GaugeMetricFamily(full_name, spec.help, labels=spec.labels)
