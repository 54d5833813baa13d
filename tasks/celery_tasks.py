"""The Celery tasks: a few lines around each stage, which enqueue the next stage when it has work.

    tick ──> sweep.advance ──> sweep.inventory, sweep.measure (a chunk) ... ──> evaluate ──> deliver
    tick ──> watch ──> evaluate ──> deliver
    tick ──> report ──> deliver          tick ──> deliver          tick ──> canary (one per queue)

A message that is late, out of order or delivered twice finds nothing to do in the database. The app, the queues and the beat schedule
are in `worker`, which registers these tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

import structlog
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from actions.live.bulk_costs import BulkCosts
from actions.live.sweep_memo import MemoizedScaleOps, SweepCache
from actions.ports import ScaleOps
from alerts.states import NoticeKind
from clients.heartbeat import HeartbeatClient
from clients.http.errors import ServiceError
from clients.redis.cache import RedisCache
from domain.refs import EntityRef
from domain.sweeps import Sweep, WatchSweep
from store import HeartbeatKind, SchemaMismatch, StoreUnavailable
from tasks.collect.chunks import Chunk, advance_sweep, measure_chunk
from tasks.collect.inventory import take_inventory
from tasks.collect.measuring import CollectFailed, MeasurePool
from tasks.collect.watch import watch
from tasks.context import StageContext
from tasks.deliver.stage import DeliverResult, deliver
from tasks.evaluate.stage import evaluate
from tasks.maintenance.monitoring import monitor
from tasks.maintenance.purging import purge_expired
from tasks.pipeline import record_heartbeat, recorded_failure, run_stage
from tasks.report.stage import report_due
from tasks.spans import sweep_span
from tasks.timings import TaskTimings

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

    def record_notices(self, notices: Mapping[NoticeKind, int]) -> None:
        """Count the notices of an evaluation by their kind."""

    def record_watch(self, sweep: WatchSweep) -> None:
        """Count a closed watch sweep by its source and outcome, with its duration."""

    def record_page(self, age: timedelta) -> None:
        """Record the age of the evidence when an incident is opened: the time since the sweep that shows it."""


class TaskHandlers:
    """The body of each task. `worker` is the context of this process."""

    def __init__(self, app: Celery, timings: TaskTimings, metrics: TaskMetrics) -> None:
        self._app = app
        self._timings = timings
        self._metrics = metrics
        self._bulk_costs: BulkCosts | None = None
        """Of the newest sweep, kept from chunk to chunk."""

    def advance_sweep(self, worker: WorkerContext) -> None:
        """Open the current slot's sweep, enqueue its chunks, or close it."""
        with recorded_failure(worker.context, "collect"):
            advanced = advance_sweep(worker.context, size=self._timings.chunk_size)
        if advanced.opened is not None:
            log.info("sweep opened", sweep=advanced.opened.as_of.isoformat(), components=advanced.opened.expected)
        for as_of in dict.fromkeys(chunk.as_of for chunk in advanced.chunks):
            with sweep_span(worker.context.tracer, "enqueue", as_of):
                self._enqueue(
                    "sweep.inventory", as_of.isoformat()
                )  # also when the messages were lost; fetched before, it is not again
                for chunk in (one for one in advanced.chunks if one.as_of == as_of):
                    self._enqueue("sweep.measure", as_of.isoformat(), [str(ref) for ref in chunk.refs])
        self._finish(*advanced.closed)

    def measure_chunk(self, worker: WorkerContext, as_of: str, refs: Sequence[str]) -> None:
        """Measure one chunk, unless another worker does."""
        chunk = Chunk(as_of=datetime.fromisoformat(as_of), refs=tuple(EntityRef.parse(ref) for ref in refs))
        unavailable = f"unavailable:{as_of}"
        if worker.memory.get(unavailable):
            return

        def memoize(scaleops: ScaleOps) -> ScaleOps:
            return MemoizedScaleOps(scaleops, shared=SweepCache(worker.memory, as_of=chunk.as_of))

        name = f"chunk:{chunk.as_of:%Y%m%dT%H%M}:{chunk.refs[0]}"
        with worker.memory.lock(name, ttl=self._timings.lock_ttl) as is_ours:
            if not is_ours:
                return
            may_begin = _within(self._timings.chunk_budget)
            try:
                with recorded_failure(worker.context, "collect"):
                    closed = measure_chunk(
                        worker.context,
                        chunk,
                        memoize=memoize,
                        may_begin=may_begin,
                        pool=worker.pool,
                        bulk_costs=self._bulk_costs_of(worker, chunk.as_of),
                    )
            except CollectFailed:
                worker.memory.put(unavailable, b"1", ttl=self._timings.scaleops_cooldown)
                raise
        if closed is not None:
            self._finish(closed)

    def watch(self, worker: WorkerContext) -> None:
        """Do the watch sweep of the current slot."""
        watched = watch(worker.context)
        if watched.sweep is not None:
            counts = {"source": str(watched.sweep.source), "in_danger": watched.in_danger}
            log.info("watch sweep closed", sweep=watched.sweep.as_of.isoformat(), **counts)
            self._metrics.record_watch(watched.sweep)
            self._enqueue("evaluate")
            if watched.sweep.failure:
                self._enqueue("deliver")
        else:
            log.debug("no watch sweep", reason=watched.reason)

    def take_inventory(self, worker: WorkerContext, as_of: str) -> None:
        """Fetch the inventory of a sweep."""
        instant = datetime.fromisoformat(as_of)
        take_inventory(worker.context, instant, self._bulk_costs_of(worker, instant))

    def _bulk_costs_of(self, worker: WorkerContext, as_of: datetime) -> BulkCosts:
        if self._bulk_costs is None or self._bulk_costs.as_of != as_of:
            self._bulk_costs = BulkCosts(as_of, shared=SweepCache(worker.memory, as_of=as_of))
        return self._bulk_costs

    def _finish(self, *closed: Sweep) -> None:
        for sweep in closed:
            counts = {"components": sweep.expected, "measured": sweep.measured, "unknown": sweep.unknown}
            log.info("sweep closed", sweep=sweep.as_of.isoformat(), **counts)
        if closed:
            self._enqueue("evaluate")

    def evaluate(self, worker: WorkerContext) -> None:
        """Evaluate closed sweeps."""
        evaluated = run_stage(worker.context, "evaluate", partial(evaluate, worker.context))
        if evaluated.sweeps:
            log.info(
                "sweeps evaluated", sweeps=len(evaluated.sweeps), messages=evaluated.messages, notices=dict(evaluated.notices)
            )
        self._metrics.record_notices(evaluated.notices)
        for age in evaluated.page_ages:
            self._metrics.record_page(age)
        for reason in evaluated.undeliverable:
            log.warning("notice has no destination", reason=reason)
        if evaluated.messages:
            self._enqueue("deliver")

    def report(self, worker: WorkerContext) -> None:
        """Make the reports that are due."""
        reported = run_stage(worker.context, "report", partial(report_due, worker.context, is_collecting=True))
        if reported.made:
            log.info("reports made", reports=len(reported.made))
            self._enqueue("deliver")
        for reason in reported.skipped:
            log.warning("report skipped", reason=reason)
        for reason in reported.problems:
            log.warning("report problem", reason=reason)

    def deliver(self, worker: WorkerContext) -> None:
        """Send due messages."""
        work = partial(deliver, worker.context, may_begin=_within(DELIVER_BUDGET))
        delivered = run_stage(worker.context, "deliver", work)
        self._metrics.record_deliveries(delivered)
        _log_counts("messages delivered", delivered.counts)
        for reason in delivered.problems:
            log.warning("delivery problem", reason=reason)

    def canary(self, worker: WorkerContext, queue: str) -> None:
        """Record that beat, the broker, a worker of this queue and the store work."""
        record_heartbeat(worker.context, queue, HeartbeatKind.CANARY)

    def monitor(self, worker: WorkerContext) -> None:
        """Check the health; ping the dead-man's switch, and notify the platform channel when problems last."""
        if worker.heartbeat is not None:
            worker.heartbeat.start()
        result = monitor(worker.context)
        if result.is_notified:
            self._enqueue("deliver")
        if worker.heartbeat is not None and result.problems:
            worker.heartbeat.failure("\n".join(map(str, result.problems)))
        elif worker.heartbeat is not None:
            worker.heartbeat.success()

    def purge(self, worker: WorkerContext) -> None:
        """Delete what has outlived its retention."""
        work = partial(purge_expired, worker.context, may_begin=_within(PURGE_BUDGET))
        _log_counts("expired data purged", run_stage(worker.context, "purge", work).counts)

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
    """Register all tasks on an app. `get_context` returns the context of this process, opened after the fork.

    `expected_errors`, and those of the stages, are logged without a stack trace.
    """
    handlers = TaskHandlers(app, timings, metrics)
    expected = (*_EXPECTED_ERRORS, *expected_errors)

    def register(name: str, work: Callable[..., None], *, is_exclusive: bool = False, **options: float) -> None:
        def locked(*arguments: Any) -> None:  # noqa: ANN401 - what JSON can hold
            worker = get_context()
            with worker.memory.lock(name, ttl=timings.lock_ttl) if is_exclusive else nullcontext(enter_result=True) as is_ours:
                if is_ours:
                    work(worker, *arguments)

        run = _instrumented(name, locked, metrics, expected)
        # Unshared: a shared task is added to every other app of the process.
        app.task(run, name=name, shared=False, max_retries=MAX_REDELIVERIES, default_retry_delay=0, **options)

    long = {"soft_time_limit": timings.long_soft_limit.total_seconds(), "time_limit": timings.long_hard_limit.total_seconds()}
    register("sweep.advance", handlers.advance_sweep, is_exclusive=True)
    register("sweep.inventory", handlers.take_inventory, is_exclusive=True)
    register("sweep.measure", handlers.measure_chunk)
    watching = {
        "soft_time_limit": timings.watch_soft_limit.total_seconds(),
        "time_limit": timings.watch_hard_limit.total_seconds(),
    }
    register("watch", handlers.watch, is_exclusive=True, **watching)
    register("evaluate", handlers.evaluate, is_exclusive=True, **long)
    register("report", handlers.report, is_exclusive=True, **long)
    register("deliver", handlers.deliver)
    register("canary", handlers.canary)
    register("monitor", handlers.monitor)
    register("purge", handlers.purge, is_exclusive=True)


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


def _log_counts(event: str, counts: Mapping[str, int]) -> None:
    found = {name: count for name, count in counts.items() if count}
    if found:
        log.info(event, **found)


def _within(budget: timedelta) -> Callable[[], bool]:
    ends = time.monotonic() + budget.total_seconds()
    return lambda: time.monotonic() < ends
