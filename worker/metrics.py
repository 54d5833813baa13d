"""Prometheus metrics of a worker: stages, deliveries, and the ScaleOps call limit. No entity is named.

The processes of a worker write to files (PROMETHEUS_MULTIPROC_DIR, set before this is imported) and its main process serves their
sum; sum over workers. Metrics of the database (`worker.db_metrics`) are the same at every worker.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tasks.deliver.stage import DeliverResult
from wiring.limiter_metrics import LimiterMetrics

_BUCKETS_S = (0.05, 0.25, 1, 5, 15, 60, 180, 600)

_RUNS = Counter("scaleops_worker_stage_runs", "Runs of each stage by outcome", ["stage", "outcome"])
_SECONDS = Histogram("scaleops_worker_stage_seconds", "Duration of the runs of each stage", ["stage"], buckets=_BUCKETS_S)
_DELIVERIES = Counter("scaleops_worker_deliveries", "Delivery attempts by result", ["result"])
record_limit = LimiterMetrics("scaleops_worker").record


def record_run(stage: str, *, outcome: str, seconds: float) -> None:
    """Count a run of a stage: `done`, `failed` or `stopped`."""
    _RUNS.labels(stage, outcome).inc()
    _SECONDS.labels(stage).observe(seconds)


def record_deliveries(delivered: DeliverResult) -> None:
    """Count messages by what became of them."""
    for result, count in delivered.counts.items():
        _DELIVERIES.labels(result).inc(count)


def serve(host: str, port: int, database: Collector) -> None:
    """Serve the sum of all processes and the metrics of the database, in a thread of this process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library types it for some versions only
    registry.register(database)
    start_http_server(port, addr=host, registry=registry)
