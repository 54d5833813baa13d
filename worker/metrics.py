"""What Prometheus may read of a worker: stages, deliveries, and how far things are behind. No entity is named.

The processes of a worker write to files (PROMETHEUS_MULTIPROC_DIR, set before this is imported), its main process serves their
sum. What is read off the rows is set by whichever worker looks at the installation, every few minutes: take the newest of several.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from clients.pace import Standing
from domain.messages import Status as MessageStatus
from tasks.deliver import Delivered
from tasks.rounds import STAGES
from tasks.watching import CANARY, Watched

_SECONDS = (0.05, 0.25, 1, 5, 15, 60, 180, 600)

_RUNS = Counter("scaleops_worker_stage_runs", "Runs of each stage by outcome", ["stage", "outcome"])
_TIMES = Histogram("scaleops_worker_stage_seconds", "Time a run of a stage takes", ["stage"], buckets=_SECONDS)
_DELIVERIES = Counter("scaleops_worker_deliveries", "Messages by what came of them", ["result"])
_OUTBOX = Gauge("scaleops_worker_outbox_messages", "Messages in the outbox by status", ["status"], multiprocess_mode="mostrecent")
_OLDEST = Gauge("scaleops_worker_outbox_oldest_seconds", "Age of the oldest unsent message", multiprocess_mode="mostrecent")
_SWEEP = Gauge(
    "scaleops_worker_sweep_components",
    "Components of the newest closed sweep by outcome",
    ["outcome"],
    multiprocess_mode="mostrecent",
)
_SWEEP_AGE = Gauge("scaleops_worker_sweep_age_seconds", "Age of the newest closed sweep", multiprocess_mode="mostrecent")
_SILENCE = Gauge(
    "scaleops_worker_pulse_age_seconds", "Time since each stage and each queue's canary was done last", ["name"],
    multiprocess_mode="mostrecent",
)  # fmt: skip
_REPORT_LAG = Gauge(
    "scaleops_worker_reports_overdue", "Teams whose newest due weekly report was not made yet", multiprocess_mode="mostrecent"
)
_CALLS_LIMIT = Gauge(
    "scaleops_worker_calls_limit",
    "Calls to ScaleOps that all processes asking it may have in flight together",
    multiprocess_mode="mostrecent",
)
_CALLS_SHARE = Gauge("scaleops_worker_calls_share", "Calls of that limit which are for this worker", multiprocess_mode="livesum")
_CALLS_CUTS = Counter(
    "scaleops_worker_calls_limit_cuts", "Cuts of that limit that followed from what this worker met", ["reason"]
)
_TROUBLES = Gauge("scaleops_worker_troubles", "What a person should look at", multiprocess_mode="mostrecent")


def note_run(stage: str, *, outcome: str, seconds: float) -> None:
    """Count a run of a stage: `done`, `failed` or `stopped`."""
    _RUNS.labels(stage, outcome).inc()
    _TIMES.labels(stage).observe(seconds)


def note_deliveries(delivered: Delivered) -> None:
    """Count what a round of sending came to."""
    for result in ("sent", "put_off", "unknown", "failed", "expired", "cancelled"):
        _DELIVERIES.labels(result).inc(getattr(delivered, result))


def note_state(watched: Watched) -> None:
    """Set what is read off the rows."""
    status = watched.status
    for name in MessageStatus:
        _OUTBOX.labels(name.value).set(status.outbox.get(name, 0))
    _OLDEST.set(0 if status.oldest_pending is None else (status.now - status.oldest_pending).total_seconds())
    if status.newest_closed is not None:
        _SWEEP.labels("measured").set(status.newest_closed.measured)
        _SWEEP.labels("unknown").set(status.newest_closed.unknown)
        _SWEEP_AGE.set((status.now - status.newest_closed.as_of).total_seconds())
    for pulse in status.pulses:
        if pulse.name in STAGES or pulse.name.startswith(CANARY):
            _SILENCE.labels(pulse.name).set((status.now - pulse.at).total_seconds())
    _REPORT_LAG.set(watched.reports_overdue)
    _TROUBLES.set(len(watched.troubles))


def note_pace(standing: Standing) -> None:
    """Set how many calls to ScaleOps may be in flight; told once a second while there are any."""
    _CALLS_LIMIT.set(standing.total)
    _CALLS_SHARE.set(standing.share)
    if standing.cut is not None:
        _CALLS_CUTS.labels(standing.cut.value).inc()


def serve(port: int) -> None:
    """Serve the sum of all processes on every address, in a thread of this process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library types it for some versions only
    start_http_server(port, registry=registry)
