"""What the queue messages ring. Each is a few lines around a stage of `tasks`, and rings the next stage when it has work for it.

    tick ──> sweep.advance ──> sweep.measure (a chunk) ... ──> evaluate ──> deliver
    tick ──> report ──> deliver          tick ──> deliver          tick ──> canary (one a queue)

A message that is rung twice, late or out of order finds in the rows that there is nothing to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from actions.live.redis_memo import RedisMemoizedScaleOps
from actions.live.sweep_memo import MemoizedScaleOps
from actions.ports import ScaleOps
from clients.http.client import ServiceError
from domain.refs import EntityRef
from domain.sweeps import Sweep
from store import HeartbeatKind, SchemaMismatch, StoreUnavailable
from tasks.collect.chunks import AdvanceResult, Chunk, advance_sweep, measure_chunk
from tasks.collect.measuring import CollectFailed
from tasks.deliver.stage import deliver
from tasks.evaluate.stage import evaluate
from tasks.maintenance.monitoring import watch
from tasks.maintenance.purging import purge_expired
from tasks.pipeline import record_heartbeat, run_stage
from tasks.report.stage import report_due
from tasks.summaries import format_delivered, format_evaluated, format_forgotten, format_reported, format_swept
from wiring.settings import SettingsError
from worker import metrics
from worker.context import ProcessContext, WorkerContext
from worker.schedule import Timings

log = logging.getLogger(__name__)

AGAIN_WHEN_KILLED: Final = 1
"""So often a message is worked on again at once when it killed its child. After that, the next ticks ring what is left."""
DELIVER_MAY_BEGIN_FOR: Final = timedelta(seconds=60)
FORGET_MAY_BEGIN_FOR: Final = timedelta(minutes=2)

_FORESEEN: Final = (ServiceError, CollectFailed, SchemaMismatch, SettingsError, StoreUnavailable, OperationalError)
"""What has its sentence: it is logged, and the next tick tries again."""


class TaskHandlers:
    """The work behind each message."""

    def __init__(self, app: Celery, shed: ProcessContext, pace: Timings) -> None:
        self._app = app
        self._shed = shed
        self._pace = pace

    def advance(self) -> None:
        """Open, ring out, or close the sweep of the present slot."""
        equipment = self._shed.equipment()
        with equipment.memory.lock("sweep.advance", ttl=self._pace.turn_lease) as is_ours:
            if not is_ours:
                return
            step = self._advance(equipment)
            if step.opened is not None:
                log.info(
                    "a sweep began: %d components for the slot of %s UTC",
                    step.opened.expected,
                    f"{step.opened.as_of:%Y-%m-%d %H:%M}",
                )
            for sweep in step.closed:
                log.info("a sweep closed: %s", format_swept(sweep))
            for chunk in step.chunks:
                self._ring("sweep.measure", chunk.as_of.isoformat(), [str(ref) for ref in chunk.refs])
            if step.closed:
                self._ring("evaluate")

    def _advance(self, equipment: WorkerContext) -> AdvanceResult:
        try:
            return advance_sweep(equipment.context, size=self._pace.chunk)
        except CollectFailed as failure:
            record_heartbeat(equipment.context, "collect", HeartbeatKind.FAILED, reason=str(failure))
            raise

    def measure(self, as_of: str, refs: Sequence[str]) -> None:
        """Measure a chunk."""
        equipment = self._shed.equipment()
        chunk = Chunk(as_of=datetime.fromisoformat(as_of), refs=tuple(EntityRef.parse(ref) for ref in refs))
        away = f"away:{as_of}"
        if equipment.memory.get(away):
            return
        try:
            closed = self._measure(equipment, chunk)
        except CollectFailed as failure:
            equipment.memory.put(away, b"1", ttl=self._pace.scaleops_is_left_alone_for)
            record_heartbeat(equipment.context, "collect", HeartbeatKind.FAILED, reason=str(failure))
            raise
        if closed is not None:
            log.info("a sweep closed: %s", format_swept(closed))
            self._ring("evaluate")

    def _measure(self, equipment: WorkerContext, chunk: Chunk) -> Sweep | None:
        def remember(scaleops: ScaleOps) -> ScaleOps:
            return MemoizedScaleOps(RedisMemoizedScaleOps(scaleops, equipment.memory, as_of=chunk.as_of))

        name = f"chunk:{chunk.as_of:%Y%m%dT%H%M}:{chunk.refs[0]}"
        with equipment.memory.lock(name, ttl=self._pace.turn_lease) as is_ours:
            if not is_ours:
                return None
            may_begin = _for(self._pace.chunk_may_begin_for)
            return measure_chunk(equipment.context, chunk, remember=remember, may_begin=may_begin, crew=equipment.crew)

    def evaluate(self) -> None:
        """Judge closed sweeps."""
        equipment = self._shed.equipment()
        with equipment.memory.lock("evaluate", ttl=self._pace.turn_lease) as is_ours:
            if not is_ours:
                return
            evaluated = run_stage(equipment.context, "evaluate", partial(evaluate, equipment.context))
            if evaluated.sweeps:
                _say(format_evaluated(evaluated), is_trouble=bool(evaluated.undeliverable))
            if evaluated.messages:
                self._ring("deliver")

    def report(self) -> None:
        """Make the reports that are due."""
        equipment = self._shed.equipment()
        with equipment.memory.lock("report", ttl=self._pace.turn_lease) as is_ours:
            if not is_ours:
                return
            reported = run_stage(equipment.context, "report", partial(report_due, equipment.context, collecting_beside=True))
            if reported.made or reported.skipped or reported.troubles:
                _say(format_reported(reported), is_trouble=bool(reported.skipped or reported.troubles))
            if reported.made:
                self._ring("deliver")

    def deliver(self) -> None:
        """Send what is due."""
        parts = self._shed.equipment().context
        delivered = run_stage(parts, "deliver", lambda: deliver(parts, may_begin=_for(DELIVER_MAY_BEGIN_FOR)))
        metrics.note_deliveries(delivered)
        if delivered.has_done_something:
            _say(format_delivered(delivered), is_trouble=bool(delivered.troubles))

    def canary(self, queue: str) -> None:
        """Leave a sign that beat, broker, a worker of this queue and the store work."""
        record_heartbeat(self._shed.equipment().context, queue, HeartbeatKind.CANARY)

    def watch(self) -> None:
        """Look whether all is well; tell the dead-man's switch, and the platform channel when it lasts."""
        equipment = self._shed.equipment()
        heartbeat = equipment.heartbeat
        if heartbeat is not None:
            heartbeat.start()
        watched = watch(equipment.context)
        if watched.is_notified:
            self._ring("deliver")
        if heartbeat is not None and watched.problems:
            heartbeat.failure("\n".join(watched.problems))
        elif heartbeat is not None:
            heartbeat.success()

    def forget(self) -> None:
        """Drop what is older than the retention says."""
        equipment = self._shed.equipment()
        with equipment.memory.lock("forget", ttl=self._pace.turn_lease) as is_ours:
            if is_ours:
                may_begin = _for(FORGET_MAY_BEGIN_FOR)
                forgotten = run_stage(equipment.context, "forget", lambda: purge_expired(equipment.context, may_begin=may_begin))
                if forgotten.is_anything:
                    _say(format_forgotten(forgotten), is_trouble=False)

    def _ring(self, task: str, *arguments: Any) -> None:  # noqa: ANN401 - what JSON can hold
        self._app.send_task(task, args=arguments)


def attach(app: Celery, shed: ProcessContext, pace: Timings) -> None:
    """Let the messages of an app ring the stages."""
    bells = TaskHandlers(app, shed, pace)
    long = {"soft_time_limit": pace.long_soft_limit.total_seconds(), "time_limit": pace.long_hard_limit.total_seconds()}
    _hang(app, "sweep.advance", bells.advance)
    _hang(app, "sweep.measure", bells.measure)
    _hang(app, "evaluate", bells.evaluate, **long)
    _hang(app, "report", bells.report, **long)
    _hang(app, "deliver", bells.deliver)
    _hang(app, "canary", bells.canary)
    _hang(app, "watch", bells.watch)
    _hang(app, "forget", bells.forget)


def _hang(app: Celery, name: str, work: Callable[..., None], **options: float) -> None:
    def ring(*arguments: Any) -> None:  # noqa: ANN401 - what JSON can hold
        began, outcome = time.monotonic(), "failed"
        try:
            work(*arguments)
            outcome = "done"
        except _FORESEEN as failure:
            log.warning("%s: %s", name, failure)
        except SoftTimeLimitExceeded:
            outcome = "stopped"
            log.warning("%s took too long and was stopped; the next tick goes on with what is left", name)
        finally:
            metrics.note_run(name, outcome=outcome, seconds=time.monotonic() - began)

    # Of this app alone: a shared task joins every other app of the process.
    app.task(ring, name=name, shared=False, max_retries=AGAIN_WHEN_KILLED, default_retry_delay=0, **options)


def ring_everything(app: Celery, queues: Collection[str]) -> None:
    """Ring once whatever beat would ring in these queues within a minute: a worker that just started need not wait for it."""
    for entry in app.conf.beat_schedule.values():
        if entry["options"]["queue"] in queues:
            app.send_task(entry["task"], args=entry["args"], **entry["options"])


def _say(told: Mapping[str, str], *, is_trouble: bool) -> None:
    for stage, sentence in told.items():
        log.log(logging.WARNING if is_trouble else logging.INFO, "%s: %s", stage, sentence)


def _for(duration: timedelta) -> Callable[[], bool]:
    ends = time.monotonic() + duration.total_seconds()
    return lambda: time.monotonic() < ends
