"""An installation under test: processes, a real queue and database, the simulator, and one clock for all that `step` and `live` move."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

import redis

from domain.messages import DeliveryStatus
from domain.months import MONTHLY_REPORT
from domain.refs import PLATFORM
from domain.sweeps import slot_of
from domain.weeks import WEEKLY_REPORT, IsoWeek
from simulator.serving import Simulator, addresses_at, settings_for
from store import HeartbeatKind, Store, Transaction
from tasks.celery_tasks import WorkerContext
from tasks.report.due import teams_with_reports
from tests.acceptance.crash_points import CrashPoint
from tests.acceptance.processes import start_process
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from tests.stage_factories import message_counts
from worker.app import build_app
from worker.schedule import QUEUES

INSTANCE: Final = "test"
MINUTE: Final = timedelta(minutes=1)
OPEN: Final = (DeliveryStatus.PENDING, DeliveryStatus.LEASED)


@contextmanager
def _no_context() -> Iterator[WorkerContext]:
    raise AssertionError
    yield


@dataclass
class Process:
    kind: str
    options: dict[str, Any]
    running: BaseProcess | None = None
    starts: int = 0


@dataclass
class Fleet:
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
    watch_every: timedelta = timedelta(minutes=15)
    chunk: int = 4
    minute_s: float = 0.3
    """Minimum real seconds per simulated minute. TTLs and pauses are a thirtieth of the product's, so two seconds are realistic."""
    most: timedelta = timedelta(minutes=30)
    """The longest simulated time that `live` may take."""
    waits_for_tasks: bool = False
    """Time stands still until the tasks that were running have ended. Only without killed workers, whose tasks never do."""
    reports_on_mondays: bool = False
    """`live` also waits for the reports that are due on Mondays at nine, in UTC."""
    monthly_channel: str = ""
    """Where the monthly roll-up goes; empty: there is none."""
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.months: set[str] = set()
        """Months whose roll-up is due; `live` waits for each."""
        self.begun = slot_of(self.now, self.every)
        self.completed: dict[datetime, str] = {}
        """Completed slots, each with the newest week whose reports were due then (empty: none)."""
        self.store = Store.open(self.database_url)
        self.clock = self.folder / "clock"
        self.plan = self.folder / "plan.json"
        self.steps = self.folder / "steps"
        self.set_clock(self.now)
        self._app = build_app(self.queues.url, instance=INSTANCE, open_context=_no_context)
        prefix = self._app.conf.broker_transport_options["global_keyprefix"]
        self._queue_keys = [f"{prefix}{queue}" for queue in QUEUES]
        self._unacknowledged_key = f"{prefix}unacked"
        common = {
            "chunk": self.chunk,
            "clock": str(self.clock),
            "plan": str(self.plan),
            "steps": str(self.steps) if self.record else None,
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
        """Start every process that is not running, as a supervisor does."""
        for process in self.processes:
            if process.running is None or not process.running.is_alive():
                self._start(process)

    def _start(self, process: Process) -> None:
        process.starts += 1
        log = self.folder / f"{process.kind}-{id(process)}.log"
        process.running = start_process(process.kind, process.options, environment=self._environment(), log=log)

    def kill(self, process: Process) -> None:
        running = process.running
        if running is not None and running.pid is not None and running.is_alive():
            try:
                os.killpg(running.pid, signal.SIGKILL)
            except ProcessLookupError:  # it was started a moment ago, and does not lead its group yet
                running.kill()
            running.join()

    def of_kind(self, kind: str) -> list[Process]:
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
            "WORKER_WATCH_EVERY": f"{self.watch_every // MINUTE}m",
            "SCALEOPS_TIMEOUT_S": "5",
            "SCALEOPS_MAX_CONCURRENCY": "4",
            "C_FORCE_ROOT": "1",
            **settings_for(addresses, self.simulator.state.world()),
            **({"WORKER_CONFIG_FILE": str(self._config_file())} if self.monthly_channel else {}),
            **self.settings,
        }

    def _config_file(self) -> Path:
        file = self.folder / "scaleops-worker.yaml"
        file.write_text(f"monthly: {{slack_channel: {self.monthly_channel}}}\n")
        return file

    # Faults -----------------------------------------------------------------------------------------------------------

    def arm(self, point: CrashPoint, who: str) -> None:
        """Kill the child (`child`), or the worker with all its children (`worker`), that next reaches this crash point."""
        self.plan.with_suffix(".done").unlink(missing_ok=True)
        fresh = self.plan.with_suffix(".new")
        fresh.write_text(json.dumps({"at": str(point), "who": who}))
        fresh.rename(self.plan)

    def has_crashed(self) -> bool:
        return self.plan.with_suffix(".done").exists()

    def disarm(self) -> None:
        self.plan.unlink(missing_ok=True)

    def heal(self) -> None:
        self.simulator.state.faults.clear()

    def enqueue(self, task: str, *arguments: object) -> None:
        with self._app.connection_for_write() as connection:
            self._app.send_task(task, args=arguments, connection=connection)

    # Time -------------------------------------------------------------------------------------------------------------

    def set_clock(self, now: datetime) -> None:
        self.now = now
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(now.isoformat())
        fresh.rename(self.clock)
        self.simulator.state.clock.set(now)

    def step(self, by: timedelta = MINUTE) -> None:
        """Move the clock, and wait until every queue has been served at the new time."""
        if self.waits_for_tasks:
            running = self._tasks()
            wait_until("the running tasks to end", lambda: not running & self._tasks(), explain=self.story)
        over_at = time.monotonic() + self.minute_s * (by / MINUTE)
        self.set_clock(self.now + by)
        queued = self._newest_messages()
        wait_until(
            f"the queues to be served at {self.now}",
            lambda: self._is_alive() and not self._is_any_queued(queued),
            explain=self.story,
        )
        time.sleep(max(0.0, over_at - time.monotonic()))

    def _is_alive(self) -> bool:
        self.revive()
        with self.store.reading() as transaction:
            heartbeats = {one.stage: one.at for one in transaction.heartbeats.all() if one.kind is HeartbeatKind.CANARY}
        return all(heartbeats.get(queue, datetime.min.replace(tzinfo=timezone.utc)) >= self.now for queue in QUEUES)

    def _newest_messages(self) -> dict[str, bytes]:
        """Return the newest message of each queue, by the key of the queue in Redis.

        Without waiting for them, time on a slow machine passes faster than the queues are emptied, and a sweep ends before its chunks
        are received. A canary does not show that: an older one may be in front of them.
        """
        with suppress(redis.RedisError), redis.Redis.from_url(self.queues.url) as client:
            return {key: newest for key in self._queue_keys if (newest := client.lindex(key, 0)) is not None}
        return {}

    def _tasks(self) -> frozenset[str]:
        """Return the delivery tags of all messages that are queued or not acknowledged."""
        with redis.Redis.from_url(self.queues.url) as client:
            queued = [json.loads(message) for key in self._queue_keys for message in client.lrange(key, 0, -1)]
            unacknowledged = client.hkeys(self._unacknowledged_key)
        return frozenset({*(one["properties"]["delivery_tag"] for one in queued), *(tag.decode() for tag in unacknowledged)})

    def _is_any_queued(self, messages: dict[str, bytes]) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.queues.url) as client:
            return any(client.lpos(key, message) is not None for key, message in messages.items())
        return True

    def live(self, *, until: Callable[[], bool] = lambda: True, most: timedelta | None = None) -> timedelta:
        """Let minutes pass until nothing is left to do and `until` is True; return how long it took."""
        begun, most = self.now, most or self.most
        while not (self.is_settled() and until()):
            assert self.now - begun <= most, f"not settled after {most}: {self.unsettled()}\n{self.story()}"
            self.step()
        self.completed[self.slot] = self._week_due() if self.reports_on_mondays else ""
        return self.now - begun

    @property
    def slot(self) -> datetime:
        return slot_of(self.now, self.every)

    @property
    def watch_slot(self) -> datetime:
        return slot_of(self.now, self.watch_every)

    def next_slot(self) -> None:
        """Go to one minute after the beginning of the next slot."""
        self.set_clock(self.slot + self.every + MINUTE)

    def next_watch_slot(self) -> None:
        """Go to one minute after the beginning of the next slot of a watch sweep, the full sweep's slots left out."""
        following = self.watch_slot + self.watch_every
        if following == slot_of(following, self.every):
            self.next_slot()
            self.live()
            following = self.watch_slot + self.watch_every
        self.set_clock(following + MINUTE)

    # State -------------------------------------------------------------------------------------------------------

    def is_settled(self) -> bool:
        """Return True if the current slots' sweeps are evaluated and no message is pending."""
        return not self.unsettled()

    def unsettled(self) -> str:
        with self.store.reading() as transaction:
            sweep = transaction.sweeps.get(self.slot)
            if sweep is None or sweep.evaluated_at is None:
                return f"the sweep is {sweep}"
            watched = transaction.watch_sweeps.get(self.watch_slot)
            if self.watch_slot != self.slot and (watched is None or watched.evaluated_at is None):
                return f"the watch sweep is {watched}"
            counts = message_counts(transaction)
            waiting = [entry.message.key for entry in transaction.outbox.listing(OPEN)]
            unreported = [*self._unreported(transaction)] if self.reports_on_mondays else []
            unreported += [month for month in sorted(self.months) if not transaction.reports.handled(MONTHLY_REPORT, month)]
        if unreported:
            return f"no report yet for {unreported}"
        unknown = counts.get(DeliveryStatus.UNKNOWN, 0)
        return f"waiting: {waiting}, unknown: {unknown}" if waiting or unknown else ""

    def _unreported(self, transaction: Transaction) -> tuple[str, ...]:
        week = self._week_due()
        if not week:
            return ()
        teams = {*teams_with_reports(transaction), PLATFORM}
        return tuple(sorted(str(team) for team in teams - transaction.reports.handled(WEEKLY_REPORT, week)))

    def _week_due(self) -> str:
        """Return the newest week whose reports are due; empty if it ended before this fleet started."""
        due = self.now - timedelta(hours=9)
        week = IsoWeek.of(due.date()).shift(-1)
        return str(week) if week.ends_at(ZoneInfo("UTC")) > self.begun else ""

    def posts(self) -> Counter[str]:
        found = self.simulator.state.slack.messages
        return Counter(str(message["metadata"]["event_payload"]["key"]) for message in found)

    def story(self) -> str:
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-12:]) for log in self.folder.glob("*.log"))
