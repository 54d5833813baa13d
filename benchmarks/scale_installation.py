"""A whole installation to be measured: PostgreSQL, Valkey and the canned ScaleOps as processes, workers with one child each.

A sweep is listed beforehand, so that only measuring is timed: from the first message to the closing line under it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from benchmarks import scale_world as world
from benchmarks.rows import CannotMeasure
from domain.sweeps import Sweep, slot_of
from store import HeartbeatKind, Store, migrate
from tasks.celery_tasks import WorkerContext
from tests.services.databases import NOBODY, PostgresServer
from tests.services.queues import QueueServer
from worker.app import build_app

ROOT: Final = Path(__file__).parent.parent
INSTANCE: Final = "bench"
EVERY: Final = timedelta(hours=24)
WORKER: Final = ("-c", "from cli.main import main; main()", "worker", "--queues", "collect", "--concurrency", "1")
"""`scaleops-worker worker` by the interpreter that runs the benchmark."""
_PATIENCE_S: Final = 900.0


@dataclass(frozen=True, kw_only=True)
class Took:
    """What one sweep took."""

    seconds: float
    """From the ringing of its chunks to its closing."""
    cpu_s: float
    """Of the children, together."""


class Installation:
    """The servers, and what is needed to run sweeps on them."""

    def __init__(self, *, postgres: PostgresServer, queues: QueueServer, upstream: str, folder: Path) -> None:
        self.postgres = postgres
        self.queues = queues
        self.upstream = upstream
        self.folder = folder
        postgres.execute("CREATE DATABASE migrated")
        migrate(postgres.url("migrated"))

    def fresh_database(self) -> str:
        """Make an empty database with our tables and answer its URL."""
        self.queues.flush()
        return self.postgres.url(self.postgres.create(template="migrated"))

    def steer(self, *, latency_ms: int = 0, record: bool = False) -> None:
        """Let upstream be so slow from now on, and count anew."""
        self._ask_upstream({"latency_ms": latency_ms, "record": record})

    def calls(self) -> tuple[int, list[dict[str, Any]]]:
        """Answer how often upstream was called since it was steered, and what it recorded."""
        told = self._ask_upstream(None)
        return told["calls"], told["recorded"]

    def _ask_upstream(self, wanted: dict[str, Any] | None) -> dict[str, Any]:
        body = None if wanted is None else json.dumps(wanted).encode()
        asked = urllib.request.Request(f"{self.upstream}/control", data=body)  # noqa: S310 - our own child on loopback
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - as above
            told: dict[str, Any] = json.loads(answer.read())
            return told

    def settings(self, database_url: str) -> dict[str, str]:
        """Answer the environment of a worker."""
        catalog = self.folder / "catalog.yaml"
        catalog.touch()
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": database_url,
            "REDIS_URL": self.queues.url,
            "SCALEOPS_BASE_URL": self.upstream,
            "SCALEOPS_TOKEN": "a-token-of-the-benchmark",
            "BACKSTAGE_CATALOG_FILE": str(catalog),
            "WORKER_COLLECT_EVERY": f"{EVERY // timedelta(hours=1)}h",
            "WORKER_INSTANCE": INSTANCE,
            "LOG_LEVEL": "warning",
            "C_FORCE_ROOT": "1",
            "REMAP_SIGTERM": "SIGQUIT",  # what `scaleops-worker worker` sets; read when billiard is imported
        }

    def sweep_once(self, components: int, *, workers: int, command: Sequence[str] = WORKER) -> Took:
        """Sweep so many components into a fresh database, with so many workers."""
        database_url = self.fresh_database()
        with opened(database_url) as store, ExitStack() as started:
            as_of = open_listed(store, components, now=datetime.now().astimezone())
            running = [started.enter_context(working(command, self.settings(database_url))) for _ in range(workers)]
            began_at = await_rung(store)
            sweep = await_closed(store, as_of)
            cpu_s = sum(one.cpu_s() for one in running)
        if sweep.closed_at is None or sweep.measured != components:
            message = f"the sweep measured {sweep.measured} of {components} components"
            raise RuntimeError(message)
        return Took(seconds=(sweep.closed_at - began_at).total_seconds(), cpu_s=cpu_s)

    def resident_after_sweeps(self, components: int, *, sweeps: int) -> list[float]:
        """Let one child measure several sweeps, a day apart; answer its resident memory after each, MiB."""
        database_url, clock = self.fresh_database(), self.folder / "clock"
        first = datetime(2026, 11, 1, tzinfo=timezone.utc)
        resident = []
        with opened(database_url) as store, ExitStack() as started:
            worker: Worker | None = None
            for number in range(sweeps):
                now = first + number * EVERY
                as_of = open_listed(store, components, now=now)
                write_whole(clock, now.isoformat())
                if worker is None:  # it rings the first sweep by itself when it is ready
                    command = ("-m", "benchmarks.scale_worker", json.dumps({"clock": str(clock)}))
                    worker = started.enter_context(working(command, self.settings(database_url)))
                else:
                    self._ring("sweep.advance")
                await_closed(store, as_of)
                resident.append(worker.resident_mib())
        return resident

    def _ring(self, task: str) -> None:
        app = build_app(self.queues.url, instance=INSTANCE, open_context=_nothing)
        with app.connection_for_write() as connection:
            app.send_task(task, connection=connection)


@contextmanager
def _nothing() -> Iterator[WorkerContext]:
    """Equip nobody: the benchmark only rings."""
    raise AssertionError
    yield


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A running worker; its one child does the work."""

    process: subprocess.Popen[bytes]

    def child(self) -> int:
        """Answer the process id of the child."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return int(children[0])

    def cpu_s(self) -> float:
        """Answer the CPU seconds that the child has used."""
        fields = Path(f"/proc/{self.child()}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Answer the resident memory of the child."""
        status = Path(f"/proc/{self.child()}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def installed(components: int) -> Iterator[Installation]:
    """Start the servers, and stop them at the end. Raises CannotMeasure where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        message = "reads the CPU time and memory of a worker's child from /proc, which this machine does not have"
        raise CannotMeasure(message)
    with ExitStack() as started:
        folder = Path(tempfile.mkdtemp(prefix="scale", dir="/tmp"))
        started.callback(shutil.rmtree, folder)
        folder.chmod(0o755)
        upstream = started.enter_context(serving_upstream(components))
        yield Installation(
            postgres=started.enter_context(serving_postgres(folder / "pg")),
            queues=started.enter_context(serving_queues(folder)),
            upstream=upstream,
            folder=folder,
        )


@contextmanager
def serving_postgres(folder: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL in a folder of its own."""
    folder.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    server = PostgresServer(folder)
    server.prepare()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def serving_queues(folder: Path) -> Iterator[QueueServer]:
    """Run a Valkey."""
    server = QueueServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def serving_upstream(components: int) -> Iterator[str]:
    """Run the canned ScaleOps, and answer its address."""
    command = [sys.executable, "-m", "benchmarks.scale_upstream", str(components)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own module
        try:
            port = child.stdout.readline().strip() if child.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


@contextmanager
def working(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Worker]:
    """Run a worker."""
    arguments = [sys.executable, *command]
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(  # noqa: S603 - our own command
            arguments, cwd=ROOT, env=dict(environment), start_new_session=True, stdout=told, stderr=told
        )
        try:
            yield Worker(process=process)
        except BaseException:
            told.seek(0)
            sys.stderr.write(told.read().decode(errors="replace"))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def opened(database_url: str) -> Iterator[Store]:
    """Open a store."""
    store = Store.open(database_url)
    try:
        yield store
    finally:
        store.close()


def open_listed(store: Store, components: int, *, now: datetime) -> datetime:
    """Open the sweep of the present slot as if the catalog had just been listed."""
    as_of = slot_of(now, EVERY)
    numbers = range(components)
    with store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=now)
        teams = [world.team(ref) for ref in dict.fromkeys(world.team_of(number) for number in numbers)]
        transaction.components.record_listing([world.component(number) for number in numbers], teams, as_of=as_of, complete=True)
        transaction.sweeps.record_listing(as_of, expected=components, complete=True)
    return as_of


def await_rung(store: Store) -> datetime:
    """Answer when the chunks were rung out. Later ticks, of a worker that starts a little later, write another time there."""
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends:
        with store.reading() as transaction:
            heartbeat = transaction.heartbeats.last("collect", HeartbeatKind.PROGRESS)
        if heartbeat is not None:
            return heartbeat.at
        time.sleep(0.02)
    message = f"no chunk was rung out within {_PATIENCE_S:g} s"
    raise RuntimeError(message)


def await_closed(store: Store, as_of: datetime) -> Sweep:
    """Come back when a sweep is closed."""
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends:
        with store.reading() as transaction:
            sweep = transaction.sweeps.get(as_of)
        if sweep is not None and sweep.closed_at is not None:
            return sweep
        time.sleep(0.1)
    message = f"the sweep of {as_of.isoformat()} was not closed within {_PATIENCE_S:g} s"
    raise RuntimeError(message)


def write_whole(file: Path, text: str) -> None:
    """Write a small file so that whoever reads it reads the old text or the new one."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="ascii")
    fresh.rename(file)
