"""A worker or a beat under test: the product's own, but for a clock read from a shared file and doubles around the ports.

    python -m tests.acceptance.run worker|beat '{"clock": PATH, "plan": PATH, "crossings": PATH, "queues": [...], "concurrency": 2}'

Settings come from the environment, as in the product. Whenever a step crosses from our code into the store or a service, and back,
the crossing has a name (`evaluate/store:inside#2`); the plan names one at which the process, or the whole worker, is to be killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

os.environ["REMAP_SIGTERM"] = "SIGQUIT"  # as cli.processes does, before Celery is imported

from celery import current_task

from cli.celery_processes import run_beat, run_worker
from store import Store, Transaction
from tasks.celery_tasks import WorkerContext
from tasks.context import Services, TaskTimings
from wiring.contexts import LoadedConfig, load_config
from wiring.logs import configure_logs
from worker.app import build_app
from worker.context import ContextFactory, open_worker_context
from worker.schedule import Timings


def timings(chunk_size: int) -> Timings:
    """The product's timings, with TTLs of seconds."""
    second = timedelta(seconds=1)
    return Timings(
        tasks=TaskTimings(chunk_size=chunk_size, lock_ttl=second, scaleops_cooldown=second),
        tick=second / 2,
        purge_interval=2 * second,
        restore_interval=second,
        stalled_after=4 * second,
        liveness_interval=second / 5,
        soft_shutdown=5 * second,
    )


class SharedClock:
    """What time it is, in a file that the test writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())


class Frontier:
    """Names every crossing, writes it down if asked to, and dies where the plan says."""

    def __init__(self, plan: Path, crossings: Path | None) -> None:
        self._plan = plan
        self._crossings = crossings

    def cross(self, what: str) -> None:
        """Cross, unless the plan says to die here. In a thread there is no task to name: only collecting has threads."""
        name = f"{current_task.name if current_task else 'sweep.measure'}/{what}"
        if self._crossings is not None:
            with self._crossings.open("a") as log:
                log.write(name + "\n")
        if self._plan.exists():
            self._die_if_planned(name)

    def _die_if_planned(self, name: str) -> None:
        try:
            plan = json.loads(self._plan.read_text())
            if plan["at"] != name:
                return
            self._plan.rename(self._plan.with_suffix(".done"))
        except FileNotFoundError:
            return  # another process was faster: one death a plan
        if plan["who"] == "worker":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


class WatchedStore(Store):
    """The store. A transaction is named by what was done in it; before its commit and after it are crossings."""

    def __init__(self, store: Store, frontier: Frontier) -> None:
        super().__init__(store._engine)
        self._frontier = frontier

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        done: dict[str, None] = {}
        with super().transaction() as transaction:
            yield cast("Transaction", WatchedTransaction(transaction, done))
            name = "+".join(list(done)[-2:])
            self._frontier.cross(f"{name}:before commit")
        self._frontier.cross(f"{name}:committed")


class WatchedTransaction:
    """A transaction that notes which methods of its tables are called."""

    def __init__(self, transaction: Transaction, done: dict[str, None]) -> None:
        self._transaction, self._done = transaction, done

    def __getattr__(self, table: str) -> object:
        return WatchedTable(table, getattr(self._transaction, table), self._done)


class WatchedTable:
    """One table of a transaction."""

    def __init__(self, name: str, table: object, done: dict[str, None]) -> None:
        self._name, self._table, self._done = name, table, done

    def __getattr__(self, method: str) -> object:
        self._done[f"{self._name}.{method}"] = None
        return getattr(self._table, method)


class WatchedPort:
    """A service; every call and every return is a crossing."""

    def __init__(self, name: str, port: object, frontier: Frontier) -> None:
        self._name, self._port, self._frontier = name, port, frontier

    def __getattr__(self, name: str) -> object:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: object, **named: object) -> object:
            self._frontier.cross(f"{self._name}.{name}:before")
            answer = found(*arguments, **named)
            self._frontier.cross(f"{self._name}.{name}:after")
            return answer

        return call


class WatchedServices:
    """The services, each watched."""

    def __init__(self, services: Services, frontier: Frontier) -> None:
        self._services, self._frontier = services, frontier

    def __getattr__(self, name: str) -> object:
        found = getattr(self._services, name)
        if name in {"scaleops", "catalog", "slack", "pagerduty"}:
            return WatchedPort(name, found, self._frontier)
        return found


def equip_under_test(installation: LoadedConfig, clock: SharedClock, frontier: Frontier) -> ContextFactory:
    @contextmanager
    def equip() -> Iterator[WorkerContext]:
        with open_worker_context(installation, clock=clock, claim_ttl=timedelta(seconds=1)) as equipment:
            parts = equipment.context
            services = cast("Services", WatchedServices(parts.services, frontier))
            yield replace(equipment, context=replace(parts, store=WatchedStore(parts.store, frontier), services=services))

    return equip


def main() -> None:
    kind, asked = sys.argv[1], json.loads(sys.argv[2])
    installation = load_config(os.environ, None)
    configure_logs(level="info", form="console")
    crossings = Path(asked["crossings"]) if asked.get("crossings") else None
    frontier = Frontier(Path(asked["plan"]), crossings)
    equip = equip_under_test(installation, SharedClock(Path(asked["clock"])), frontier)
    redis_url = os.environ["REDIS_URL"]
    app = build_app(redis_url, instance=installation.settings.instance, open_context=equip, timings=timings(asked["chunk"]))
    if kind == "beat":
        run_beat(app, installation)
    else:
        sys.exit(run_worker(app, installation, queues=asked["queues"], concurrency=asked["concurrency"]))


if __name__ == "__main__":
    main()
