"""The Celery tasks: a few lines around each stage, which enqueue the next stage when it has work.

    tick ──> sweep.advance ──> sweep.measure (a chunk) ... ──> evaluate ──> deliver
    tick ──> report ──> deliver          tick ──> deliver          tick ──> canary (one per queue)

A message that is late, out of order or delivered twice finds nothing to do in the database. The app, the queues and the beat schedule
are in `worker`, which registers these tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

import structlog
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from actions.live.sweep_memo import MemoizedScaleOps, SweepCache
from actions.ports import ScaleOps
from clients.heartbeat import HeartbeatClient
from clients.http.errors import ServiceError
from clients.redis import RedisCache
from domain.refs import EntityRef
from domain.sweeps import Sweep
from store import HeartbeatKind, SchemaMismatch, StoreUnavailable
from tasks.collect.chunks import AdvanceResult, Chunk, advance_sweep, measure_chunk
from tasks.collect.measuring import CollectFailed, MeasurePool
from tasks.context import StageContext, TaskTimings
from tasks.deliver.stage import DeliverResult, deliver
from tasks.evaluate.stage import evaluate
from tasks.maintenance.monitoring import monitor
from tasks.maintenance.purging import purge_expired
from tasks.pipeline import record_heartbeat, run_stage
from tasks.report.stage import report_due

log = structlog.get_logger(__name__)

MAX_REDELIVERIES: Final = 1
"""How often a message that killed its child is processed again at once. After that the next ticks enqueue what is left."""
DELIVER_BUDGET: Final = timedelta(seconds=60)
PURGE_BUDGET: Final = timedelta(minutes=2)

_EXPECTED_ERRORS: Final = (ServiceError, CollectFailed, SchemaMismatch, StoreUnavailable, OperationalError)
"""Logged without a stack trace; the next tick tries again."""


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """What a worker process needs besides the context of the stages."""

    context: StageContext
    memory: RedisCache
    heartbeat: HeartbeatClient | None = None
    """None without WORKER_HEARTBEAT_URL."""
    pool: MeasurePool | None = None
    """Threads kept from chunk to chunk; None: each chunk starts its own."""


class TaskMetrics(Protocol):
    """Where the tasks record what they did."""

    def record_run(self, stage: str, *, outcome: str, seconds: float) -> None:
        """Count a run of a task: `done`, `failed` or `stopped`."""

    def record_deliveries(self, delivered: DeliverResult) -> None:
        """Count messages by what became of them."""


class TaskHandlers:
    """The body of each task. `get_context` returns the context of this process, opened after the fork."""

    def __init__(self, app: Celery, get_context: Callable[[], WorkerContext], timings: TaskTimings, metrics: TaskMetrics) -> None:
        self._app = app
        self._get_context = get_context
        self._timings = timings
        self._metrics = metrics

    def advance_sweep(self) -> None:
        """Open the current slot's sweep, enqueue its chunks, or close it."""
        self._with_lock("sweep.advance", self._advance_sweep)

    def _advance_sweep(self, worker: WorkerContext) -> None:
        advanced = self._advance(worker.context)
        if advanced.opened is not None:
            log.info("sweep opened", sweep=advanced.opened.as_of.isoformat(), components=advanced.opened.expected)
        for sweep in advanced.closed:
            _log_closed(sweep)
        for chunk in advanced.chunks:
            self._enqueue("sweep.measure", chunk.as_of.isoformat(), [str(ref) for ref in chunk.refs])
        if advanced.closed:
            self._enqueue("evaluate")

    def _advance(self, context: StageContext) -> AdvanceResult:
        try:
            return advance_sweep(context, size=self._timings.chunk_size)
        except CollectFailed as error:
            record_heartbeat(context, "collect", HeartbeatKind.FAILED, reason=str(error))
            raise

    def measure_chunk(self, as_of: str, refs: Sequence[str]) -> None:
        """Measure one chunk."""
        worker = self._get_context()
        chunk = Chunk(as_of=datetime.fromisoformat(as_of), refs=tuple(EntityRef.parse(ref) for ref in refs))
        unavailable = f"unavailable:{as_of}"
        if worker.memory.get(unavailable):
            return
        try:
            closed = self._measure_chunk(worker, chunk)
        except CollectFailed as error:
            worker.memory.put(unavailable, b"1", ttl=self._timings.scaleops_cooldown)
            record_heartbeat(worker.context, "collect", HeartbeatKind.FAILED, reason=str(error))
            raise
        if closed is not None:
            _log_closed(closed)
            self._enqueue("evaluate")

    def _measure_chunk(self, worker: WorkerContext, chunk: Chunk) -> Sweep | None:
        def memoize(scaleops: ScaleOps) -> ScaleOps:
            return MemoizedScaleOps(scaleops, shared=SweepCache(worker.memory, as_of=chunk.as_of))

        name = f"chunk:{chunk.as_of:%Y%m%dT%H%M}:{chunk.refs[0]}"
        with worker.memory.lock(name, ttl=self._timings.lock_ttl) as is_ours:
            if not is_ours:
                return None
            may_begin = _within(self._timings.chunk_budget)
            return measure_chunk(worker.context, chunk, memoize=memoize, may_begin=may_begin, pool=worker.pool)

    def evaluate(self) -> None:
        """Evaluate closed sweeps."""
        self._with_lock("evaluate", self._evaluate)

    def _evaluate(self, worker: WorkerContext) -> None:
        evaluated = run_stage(worker.context, "evaluate", partial(evaluate, worker.context))
        if evaluated.sweeps:
            log.info(
                "sweeps evaluated", sweeps=len(evaluated.sweeps), messages=evaluated.messages, notices=dict(evaluated.notices)
            )
        for reason in evaluated.undeliverable:
            log.warning("notice has no destination", reason=reason)
        if evaluated.messages:
            self._enqueue("deliver")

    def report(self) -> None:
        """Make the reports that are due."""
        self._with_lock("report", self._report)

    def _report(self, worker: WorkerContext) -> None:
        reported = run_stage(worker.context, "report", partial(report_due, worker.context, is_collecting=True))
        if reported.made:
            log.info("reports made", reports=len(reported.made))
            self._enqueue("deliver")
        for reason in reported.skipped:
            log.warning("report skipped", reason=reason)
        for reason in reported.problems:
            log.warning("report problem", reason=reason)

    def deliver(self) -> None:
        """Send due messages."""
        context = self._get_context().context
        delivered = run_stage(context, "deliver", lambda: deliver(context, may_begin=_within(DELIVER_BUDGET)))
        self._metrics.record_deliveries(delivered)
        counts = {name: count for name, count in delivered.counts.items() if count}
        if counts:
            log.info("messages delivered", **counts)
        for reason in delivered.problems:
            log.warning("delivery problem", reason=reason)

    def canary(self, queue: str) -> None:
        """Record that beat, the broker, a worker of this queue and the store work."""
        record_heartbeat(self._get_context().context, queue, HeartbeatKind.CANARY)

    def monitor(self) -> None:
        """Check the health; ping the dead-man's switch, and notify the platform channel when problems last."""
        worker = self._get_context()
        if worker.heartbeat is not None:
            worker.heartbeat.start()
        result = monitor(worker.context)
        if result.is_notified:
            self._enqueue("deliver")
        if worker.heartbeat is not None and result.problems:
            worker.heartbeat.failure("\n".join(result.problems))
        elif worker.heartbeat is not None:
            worker.heartbeat.success()

    def purge(self) -> None:
        """Delete what has outlived its retention."""
        self._with_lock("purge", self._purge)

    def _purge(self, worker: WorkerContext) -> None:
        purged = run_stage(worker.context, "purge", lambda: purge_expired(worker.context, may_begin=_within(PURGE_BUDGET)))
        counts = {name: count for name, count in purged.counts.items() if count}
        if counts:
            log.info("expired data purged", **counts)

    def _with_lock(self, name: str, work: Callable[[WorkerContext], None]) -> None:
        worker = self._get_context()
        with worker.memory.lock(name, ttl=self._timings.lock_ttl) as is_ours:
            if is_ours:
                work(worker)

    def _enqueue(self, task: str, *arguments: Any) -> None:  # noqa: ANN401 - what JSON can hold
        self._app.send_task(task, args=arguments)


def register_tasks(
    app: Celery,
    get_context: Callable[[], WorkerContext],
    timings: TaskTimings,
    *,
    metrics: TaskMetrics,
    expected_errors: tuple[type[Exception], ...] = (),
) -> None:
    """Register all tasks on an app. `expected_errors`, and those of the stages, are logged without a stack trace."""
    handlers = TaskHandlers(app, get_context, timings, metrics)
    long = {"soft_time_limit": timings.long_soft_limit.total_seconds(), "time_limit": timings.long_hard_limit.total_seconds()}
    tasks: dict[str, tuple[Callable[..., None], dict[str, float]]] = {
        "sweep.advance": (handlers.advance_sweep, {}),
        "sweep.measure": (handlers.measure_chunk, {}),
        "evaluate": (handlers.evaluate, long),
        "report": (handlers.report, long),
        "deliver": (handlers.deliver, {}),
        "canary": (handlers.canary, {}),
        "monitor": (handlers.monitor, {}),
        "purge": (handlers.purge, {}),
    }
    for name, (work, options) in tasks.items():
        run = _instrumented(name, work, metrics, (*_EXPECTED_ERRORS, *expected_errors))
        # Unshared: a shared task is added to every other app of the process.
        app.task(run, name=name, shared=False, max_retries=MAX_REDELIVERIES, default_retry_delay=0, **options)


def _instrumented(
    name: str, work: Callable[..., None], metrics: TaskMetrics, expected: tuple[type[Exception], ...]
) -> Callable[..., None]:
    is_failing = False

    def run(*arguments: Any) -> None:  # noqa: ANN401 - what JSON can hold
        nonlocal is_failing
        started, outcome = time.monotonic(), "failed"
        try:
            work(*arguments)
            outcome = "done"
            if is_failing:
                log.warning("task succeeds again", task=name)
            is_failing = False
        except expected as error:
            (log.debug if is_failing else log.warning)("task failed", task=name, reason=str(error))
            is_failing = True
        except SoftTimeLimitExceeded:
            outcome = "stopped"
            log.warning("task stopped at its time limit", task=name)
        finally:
            metrics.record_run(name, outcome=outcome, seconds=time.monotonic() - started)

    return run


def enqueue_due(app: Celery, queues: Collection[str]) -> None:
    """Enqueue once what beat enqueues periodically in these queues, so that a worker that just started need not wait for a tick."""
    for entry in app.conf.beat_schedule.values():
        if entry["options"]["queue"] in queues:
            app.send_task(entry["task"], args=entry["args"], **entry["options"])


def _log_closed(sweep: Sweep) -> None:
    log.info(
        "sweep closed", sweep=sweep.as_of.isoformat(), components=sweep.expected, measured=sweep.measured, unknown=sweep.unknown
    )


def _within(budget: timedelta) -> Callable[[], bool]:
    ends = time.monotonic() + budget.total_seconds()
    return lambda: time.monotonic() < ends
