"""A whole installation under test: real beats and workers as processes, real queue and database, the stand-ins, one clock for all.

The clock moves by hand. `step` moves it and waits until every queue has shown a sign of life at the new time; `live` does so until
what is due is done.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from domain.messages import DeliveryStatus
from domain.sweeps import slot_of
from domain.weeks import IsoWeek
from simulator.serving import Simulator, addresses_at, settings_for
from store import HeartbeatKind, Store, Transaction
from tasks.celery_tasks import WorkerContext
from tasks.report.report_data import PLATFORM, REPORT
from tasks.report.stage import teams_with_reports
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from worker.app import build_app
from worker.schedule import QUEUES

ROOT: Final = Path(__file__).parent.parent.parent
INSTANCE: Final = "test"
MINUTE: Final = timedelta(minutes=1)
OPEN: Final = (DeliveryStatus.PENDING, DeliveryStatus.LEASED)


@contextmanager
def _nothing() -> Iterator[WorkerContext]:
    """Equip nobody: the test only rings."""
    raise AssertionError
    yield


@dataclass
class Process:
    """One process of the fleet, started again when it died."""

    kind: str
    options: dict[str, Any]
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0


@dataclass
class Fleet:
    """Everything, held by a test."""

    folder: Path
    simulator: Simulator
    queues: QueueServer
    database_url: str
    now: datetime
    beats: int = 1
    workers: Sequence[Sequence[str]] = (QUEUES,)
    concurrency: int = 2
    settings: dict[str, str] = field(default_factory=dict)
    record: bool = False
    every: timedelta = timedelta(hours=6)
    chunk: int = 4
    minute_s: float = 0.0
    """A simulated minute lasts so many seconds at least. Leases and pauses are a thirtieth of the product's, so two seconds are fair."""
    most: timedelta = timedelta(minutes=30)
    """Longer than that nothing may take."""
    reports_on_mondays: bool = False
    """Nothing is settled before the reports are made that are due on Mondays at nine, in UTC."""
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begun = slot_of(self.now, self.every)
        self.lived: dict[datetime, str] = {}
        """The slots that were lived through, each with the newest week whose reports were due then (empty: none was)."""
        self.store = Store.open(self.database_url)
        self.clock = self.folder / "clock"
        self.plan = self.folder / "plan.json"
        self.crossings = self.folder / "crossings"
        self.set_clock(self.now)
        self._app = build_app(self.queues.url, instance=INSTANCE, open_context=_nothing)
        common = {
            "chunk": self.chunk,
            "clock": str(self.clock),
            "plan": str(self.plan),
            "crossings": str(self.crossings) if self.record else None,
        }
        self.processes += [Process("beat", dict(common)) for _ in range(self.beats)]
        for served in self.workers:
            self.processes.append(Process("worker", {**common, "queues": list(served), "concurrency": self.concurrency}))

    # Processes --------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.revive()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            self.kill(process)
        self.store.close()

    def revive(self) -> None:
        """Start whatever is not running, as a supervisor does."""
        for process in self.processes:
            if process.running is None or process.running.poll() is not None:
                self._start(process)

    def _start(self, process: Process) -> None:
        process.starts += 1
        with (self.folder / f"{process.kind}-{id(process)}.log").open("ab") as log:
            process.running = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.run", process.kind, json.dumps(process.options)],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, process: Process, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process with all its children."""
        if process.running is not None and process.running.poll() is None:
            os.killpg(process.running.pid, how)
            process.running.wait()

    def of_kind(self, kind: str) -> list[Process]:
        """Answer the processes of one kind."""
        return [process for process in self.processes if process.kind == kind]

    def _environment(self) -> dict[str, str]:
        addresses = addresses_at(int(self.simulator.url.rpartition(":")[2]))
        return {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.queues.url,
            "WORKER_INSTANCE": INSTANCE,
            "WORKER_SECRET_KEY": "a key for tests only",
            "WORKER_COLLECT_EVERY": f"{self.every // timedelta(hours=1)}h",
            "SCALEOPS_TIMEOUT_S": "5",
            "SCALEOPS_MAX_CONCURRENCY": "4",
            "C_FORCE_ROOT": "1",
            **settings_for(addresses, self.simulator.state.world()),
            **self.settings,
        }

    # Faults -----------------------------------------------------------------------------------------------------------

    def arm(self, crossing: str, who: str) -> None:
        """Plan one death: the child (`child`) or the worker with all its children (`worker`) that next comes to this crossing."""
        self.plan.with_suffix(".done").unlink(missing_ok=True)
        fresh = self.plan.with_suffix(".new")
        fresh.write_text(json.dumps({"at": crossing, "who": who}))
        fresh.rename(self.plan)

    def has_died(self) -> bool:
        """Say whether the planned death has happened."""
        return self.plan.with_suffix(".done").exists()

    def disarm(self) -> None:
        """Take back a planned death that has not happened."""
        self.plan.unlink(missing_ok=True)

    def heal(self) -> None:
        """Let every service behave again."""
        self.simulator.state.faults.clear()

    def ring(self, task: str, *arguments: object) -> None:
        """Send a queue message by hand."""
        with self._app.connection_for_write() as connection:
            self._app.send_task(task, args=arguments, connection=connection)

    # Time -------------------------------------------------------------------------------------------------------------

    def set_clock(self, now: datetime) -> None:
        """Let it be this time for everybody. Whoever reads meanwhile reads the old or the new time, never half of one."""
        self.now = now
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(now.isoformat())
        fresh.rename(self.clock)
        self.simulator.state.clock.set(now)

    def step(self, by: timedelta = MINUTE) -> None:
        """Move the clock, and wait until every queue has been served at the new time."""
        over_at = time.monotonic() + self.minute_s * (by / MINUTE)
        self.set_clock(self.now + by)
        wait_until(f"a sign of life at {self.now}", self._is_alive, explain=self.story)
        time.sleep(max(0.0, over_at - time.monotonic()))

    def _is_alive(self) -> bool:
        self.revive()
        with self.store.reading() as transaction:
            heartbeats = {one.stage: one.at for one in transaction.heartbeats.all() if one.kind is HeartbeatKind.CANARY}
        return all(heartbeats.get(queue, datetime.min.replace(tzinfo=timezone.utc)) >= self.now for queue in QUEUES)

    def live(self, *, until: Callable[[], bool] = lambda: True, most: timedelta | None = None) -> timedelta:
        """Let minutes pass until nothing is left to do, and it is so; answer how many it took."""
        begun, most = self.now, most or self.most
        while not (self.is_settled() and until()):
            assert self.now - begun <= most, f"not settled after {most}: {self.unsettled()}\n{self.story()}"
            self.step()
        self.lived[self.slot] = self._week_due() if self.reports_on_mondays else ""
        return self.now - begun

    @property
    def slot(self) -> datetime:
        """The present slot."""
        return slot_of(self.now, self.every)

    def next_slot(self) -> None:
        """Go to just after the beginning of the next slot."""
        self.set_clock(self.slot + self.every + MINUTE)

    # What is so -------------------------------------------------------------------------------------------------------

    def is_settled(self) -> bool:
        """Say whether the present slot's sweep is judged and nothing waits to be sent."""
        return not self.unsettled()

    def unsettled(self) -> str:
        """Say what is still to be done; empty: nothing."""
        with self.store.reading() as transaction:
            sweep = transaction.sweeps.get(self.slot)
            if sweep is None or sweep.evaluated_at is None:
                return f"the sweep is {sweep}"
            counts = transaction.outbox.counts()
            waiting = [entry.message.key for entry in transaction.outbox.listing(OPEN)]
            unreported = self._unreported(transaction) if self.reports_on_mondays else ()
        if unreported:
            return f"no report yet for {unreported}"
        looked_for = counts.get(DeliveryStatus.UNKNOWN, 0)
        return f"waiting: {waiting}, unknown: {looked_for}" if waiting or looked_for else ""

    def _unreported(self, transaction: Transaction) -> tuple[str, ...]:
        week = self._week_due()
        if not week:
            return ()
        teams = {*teams_with_reports(transaction), PLATFORM}
        return tuple(sorted(str(team) for team in teams - transaction.reports.handled(REPORT, week)))

    def _week_due(self) -> str:
        """Name the newest week whose reports are due by now; empty when it had ended before this fleet began."""
        due = self.now - timedelta(hours=9)
        week = IsoWeek.of(due.date()).plus(-1)
        return str(week) if week.ends_at(ZoneInfo("UTC")) > self.begun else ""

    def posts(self) -> Counter[str]:
        """Count what stands in Slack, by the key of our message."""
        found = self.simulator.state.slack.messages
        return Counter(str(message["metadata"]["event_payload"]["key"]) for message in found)

    def story(self) -> str:
        """The last words of every process."""
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-12:]) for log in self.folder.glob("*.log"))
