"""A worker or a beat under test: the product's, with a clock read from a shared file and wrappers around store and services.

    python -m tests.acceptance.run worker|beat '{"clock": PATH, "plan": PATH, "steps": PATH, "queues": [...], "concurrency": 2}'

Settings come from the environment, as in the product. Each commit and each call is a step with two crash points (`crash_points.py`);
the plan names one at which the process, or the whole worker, is killed.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

os.environ["REMAP_SIGTERM"] = "SIGQUIT"  # as cli.celery_processes does, before Celery is imported

from celery import current_task

from cli.celery_processes import run_beat, run_worker
from store import Store, Transaction
from tasks.celery_tasks import WorkerContext
from tasks.context import Services
from tasks.timings import TaskTimings
from tests.acceptance.crash_points import CrashMoment
from wiring.loaded_config import LoadedConfig, load_config
from wiring.logs import configure_logs
from worker.app import build_app
from worker.context import ContextFactory, open_worker_context
from worker.schedule import Timings
from worker.scheduler import QuietScheduler

MINUTE = timedelta(seconds=2)
"""What a minute of the shared clock is to beat: a thirtieth, as it is of TTLs and pauses."""
LOOK_AT_CLOCK_EVERY_S = 0.1


def timings(chunk_size: int) -> Timings:
    """The product's timings, with TTLs of seconds."""
    second = timedelta(seconds=1)
    return Timings(
        tasks=TaskTimings(chunk_size=chunk_size, lock_ttl=second, scaleops_cooldown=second),
        tick=MINUTE,
        monitor_interval=timedelta.max / 2,  # a slow machine would get its notices in the middle of a test
        purge_interval=2 * MINUTE,
        restore_interval=second,
        stalled_after=4 * second,
        liveness_interval=second / 5,
        soft_shutdown=5 * second,
    )


class SharedClock:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())


class SteppedScheduler(QuietScheduler):
    """Beat's scheduler by a time that passes with each minute of the shared clock, and slowly while that stands still.

    Each step of the clock is served at once; what was lost is enqueued again after two seconds. Ticks that came faster than a slow
    machine serves them would keep it from everything else.
    """

    clock: Callable[[], datetime]

    def monotonic(self) -> float:
        """Return seconds since any moment."""
        return time.monotonic() + self.clock().timestamp() / 60 * MINUTE.total_seconds()


class CrashPlan:
    """Records every crash point if requested, and kills the process at the planned one."""

    def __init__(self, plan: Path, steps: Path | None) -> None:
        self._plan = plan
        self._steps = steps

    def reach(self, step: str, moment: CrashMoment) -> None:
        """Reach a crash point. In a thread there is no current task: only measuring has threads."""
        name = f"{current_task.name if current_task else 'sweep.measure'}/{step}:{moment}"
        if self._steps is not None:
            with self._steps.open("a") as log:
                log.write(name + "\n")
        if self._plan.exists():
            self._crash_if_planned(name)

    def _crash_if_planned(self, name: str) -> None:
        try:
            plan = json.loads(self._plan.read_text())
            if plan["at"] != name:
                return
            self._plan.rename(self._plan.with_suffix(".done"))
        except FileNotFoundError:
            return  # another process was faster: one crash per plan
        if plan["who"] == "worker":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


class InstrumentedStore(Store):
    """The store, with crash points before and after each commit. A transaction is named by its last two table methods."""

    def __init__(self, store: Store, crashes: CrashPlan) -> None:
        super().__init__(store._engine)
        self._crashes = crashes

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        done: dict[str, None] = {}
        with super().transaction() as transaction:
            yield cast("Transaction", InstrumentedTransaction(transaction, done))
            name = "+".join(list(done)[-2:])
            self._crashes.reach(name, CrashMoment.BEFORE)
        self._crashes.reach(name, CrashMoment.AFTER)


class InstrumentedTransaction:
    def __init__(self, transaction: Transaction, done: dict[str, None]) -> None:
        self._transaction, self._done = transaction, done

    def __getattr__(self, table: str) -> object:
        return InstrumentedTable(table, getattr(self._transaction, table), self._done)


class InstrumentedTable:
    def __init__(self, name: str, table: object, done: dict[str, None]) -> None:
        self._name, self._table, self._done = name, table, done

    def __getattr__(self, method: str) -> object:
        self._done[f"{self._name}.{method}"] = None
        return getattr(self._table, method)


class InstrumentedPort:
    def __init__(self, name: str, port: object, crashes: CrashPlan) -> None:
        self._name, self._port, self._crashes = name, port, crashes

    def __getattr__(self, name: str) -> object:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: object, **named: object) -> object:
            self._crashes.reach(f"{self._name}.{name}", CrashMoment.BEFORE)
            result = found(*arguments, **named)
            self._crashes.reach(f"{self._name}.{name}", CrashMoment.AFTER)
            return result

        return call


class InstrumentedServices:
    def __init__(self, services: Services, crashes: CrashPlan) -> None:
        self._services, self._crashes = services, crashes

    def __getattr__(self, name: str) -> object:
        found = getattr(self._services, name)
        if name in {"scaleops", "catalog", "slack", "pagerduty"}:
            return InstrumentedPort(name, found, self._crashes)
        return found


def instrumented_context(installation: LoadedConfig, clock: SharedClock, crashes: CrashPlan) -> ContextFactory:
    @contextmanager
    def open_context() -> Iterator[WorkerContext]:
        with open_worker_context(installation, clock=clock, claim_ttl=timedelta(seconds=1)) as worker:
            context = worker.context
            services = cast("Services", InstrumentedServices(context.services, crashes))
            yield replace(worker, context=replace(context, store=InstrumentedStore(context.store, crashes), services=services))

    return open_context


def run(kind: str, options: Mapping[str, Any]) -> None:
    """Run a worker or a beat until stopped; a worker exits with its status."""
    installation = load_config(os.environ, None)
    configure_logs(level="info", form="console")
    steps = Path(options["steps"]) if options.get("steps") else None
    crashes = CrashPlan(Path(options["plan"]), steps)
    clock = SharedClock(Path(options["clock"]))
    open_context = instrumented_context(installation, clock, crashes)
    redis_url = os.environ["REDIS_URL"]
    app = build_app(
        redis_url, instance=installation.settings.instance, open_context=open_context, timings=timings(options["chunk"])
    )
    if kind == "beat":
        SteppedScheduler.clock = staticmethod(clock)
        app.conf.update(beat_scheduler=SteppedScheduler, beat_max_loop_interval=LOOK_AT_CLOCK_EVERY_S)
        run_beat(app, installation)
    else:
        sys.exit(run_worker(app, installation, queues=options["queues"], concurrency=options["concurrency"]))


if __name__ == "__main__":
    run(sys.argv[1], json.loads(sys.argv[2]))
