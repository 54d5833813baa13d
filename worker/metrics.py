"""What Prometheus may read of a worker: stages, deliveries, and how far things are behind. No entity is named.

The processes of a worker write to files (PROMETHEUS_MULTIPROC_DIR, set before this is imported), its main process serves their
sum: over several workers, add up. What is read off the rows (`worker.rows`) is the same at every worker.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from clients.throttle.concurrency_limiter import LimiterStatus
from tasks.deliver.stage import DeliverResult

_SECONDS = (0.05, 0.25, 1, 5, 15, 60, 180, 600)

_RUNS = Counter("scaleops_worker_stage_runs", "Runs of each stage by outcome", ["stage", "outcome"])
_TIMES = Histogram("scaleops_worker_stage_seconds", "Time a run of a stage takes", ["stage"], buckets=_SECONDS)
_DELIVERIES = Counter("scaleops_worker_deliveries", "Messages by what came of them", ["result"])
_CALLS_LIMIT = Gauge(
    "scaleops_worker_calls_limit",
    "Calls to ScaleOps that all processes asking it may have in flight together",
    multiprocess_mode="mostrecent",
)
_CALLS_SHARE = Gauge("scaleops_worker_calls_share", "Calls of that limit which are for this worker", multiprocess_mode="livesum")
_CALLS_CUTS = Counter(
    "scaleops_worker_calls_limit_cuts", "Cuts of that limit that followed from what this worker met", ["reason"]
)


def note_run(stage: str, *, outcome: str, seconds: float) -> None:
    """Count a run of a stage: `done`, `failed` or `stopped`."""
    _RUNS.labels(stage, outcome).inc()
    _TIMES.labels(stage).observe(seconds)


def note_deliveries(delivered: DeliverResult) -> None:
    """Count what a round of sending came to."""
    for result in ("sent", "put_off", "unknown", "failed", "expired", "cancelled"):
        _DELIVERIES.labels(result).inc(getattr(delivered, result))


def note_pace(standing: LimiterStatus) -> None:
    """Set how many calls to ScaleOps may be in flight; told once a second while there are any."""
    _CALLS_LIMIT.set(standing.total)
    _CALLS_SHARE.set(standing.share)
    if standing.cut is not None:
        _CALLS_CUTS.labels(standing.cut.value).inc()


def serve(port: int, rows: Collector) -> None:
    """Serve the sum of all processes, and what is read off the rows, on every address, in a thread of this process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library types it for some versions only
    registry.register(rows)
    start_http_server(port, registry=registry)
