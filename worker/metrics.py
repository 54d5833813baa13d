"""Prometheus metrics of a worker: stages, deliveries, and the ScaleOps call limit. No entity is named.

The processes of a worker write to files (PROMETHEUS_MULTIPROC_DIR, set before this is imported) and its main process serves their
sum; sum over workers. Metrics of the database (`worker.db_metrics`) are the same at every worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from alerts.states import NoticeKind
from domain.sweeps import WatchSweep
from tasks.deliver.stage import DeliverResult
from wiring.limiter_metrics import LimiterMetrics

_BUCKETS_S = (0.05, 0.25, 1, 5, 15, 60, 180, 600)

_WATCH_BUCKETS_S = (1, 5, 15, 60, 180, 600, 900, 1800, 3600)

_RUNS = Counter("scaleops_worker_stage_runs", "Runs of each stage by outcome", ["stage", "outcome"])
_SECONDS = Histogram(
    "scaleops_worker_stage_duration_seconds", "Duration of the runs of each stage", ["stage"], buckets=_BUCKETS_S
)
_WATCH_SWEEPS = Counter("scaleops_worker_watch_sweeps", "Closed watch sweeps by source and outcome", ["source", "outcome"])
_WATCH_SECONDS = Histogram(
    "scaleops_worker_watch_sweep_duration_seconds", "Duration of watch sweeps", ["source"], buckets=_WATCH_BUCKETS_S
)
_PAGE_AGE_SECONDS = Histogram(
    "scaleops_worker_page_evidence_age_seconds",
    "Age of the evidence when an incident is opened: time since the sweep that shows it",
    buckets=_WATCH_BUCKETS_S,
)
_DELIVERIES = Counter("scaleops_worker_deliveries", "Delivery attempts by result", ["result"])
_NOTICES = Counter("scaleops_worker_notices", "Notices about alerts by kind", ["kind"])
record_limit = LimiterMetrics("scaleops_worker").record


def record_run(stage: str, *, outcome: str, seconds: float) -> None:
    """Count a run of a stage: `done`, `failed` or `stopped`."""
    _RUNS.labels(stage, outcome).inc()
    _SECONDS.labels(stage).observe(seconds)


def record_deliveries(delivered: DeliverResult) -> None:
    """Count messages by what became of them."""
    for result, count in delivered.counts.items():
        _DELIVERIES.labels(result).inc(count)


def record_notices(notices: Mapping[NoticeKind, int]) -> None:
    """Count the notices of an evaluation by their kind, those that did not occur as zero."""
    for kind in NoticeKind:
        _NOTICES.labels(kind.value).inc(notices.get(kind, 0))


def record_watch(sweep: WatchSweep) -> None:
    """Count a closed watch sweep by its source and outcome, with its duration."""
    _WATCH_SWEEPS.labels(sweep.source.value, "failed" if sweep.failure else "succeeded").inc()
    if sweep.closed_at is not None:
        _WATCH_SECONDS.labels(sweep.source.value).observe((sweep.closed_at - sweep.opened_at).total_seconds())


def record_page(age: timedelta) -> None:
    """Record the age of the evidence when an incident is opened."""
    _PAGE_AGE_SECONDS.observe(max(0.0, age.total_seconds()))


def serve(host: str, port: int, database: Collector) -> None:
    """Serve the sum of all processes and the metrics of the database, in a thread of this process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library types it for some versions only
    registry.register(database)
    start_http_server(port, addr=host, registry=registry)
