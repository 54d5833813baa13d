"""A deployment for the scale benchmark: PostgreSQL, Valkey and a static ScaleOps as processes, workers with one child each.

The components of a sweep are listed beforehand, so the time runs from the first message to the closing of the sweep.
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

from benchmarks import scale_data as data
from benchmarks.process_memory import require_proc, resident_mib
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
SLOT: Final = timedelta(hours=6)
_FIRST: Final = datetime(2026, 11, 1, tzinfo=timezone.utc)
_TIMEOUT_S: Final = 900.0


@dataclass(frozen=True, kw_only=True)
class SweepUsage:
    """What one sweep used."""

    seconds: float
    """From enqueueing its chunks to closing it."""
    cpu_s: float
    """Of the children, together."""


class BenchmarkDeployment:
    """The servers, and sweeps on them."""

    def __init__(self, *, postgres: PostgresServer, queues: QueueServer, upstream: str, folder: Path) -> None:
        self.postgres = postgres
        self.queues = queues
        self.upstream = upstream
        self.folder = folder
        postgres.execute("CREATE DATABASE migrated")
        migrate(postgres.url("migrated"))

    def fresh_database(self) -> str:
        """Create a database that has our tables and no rows; return its URL."""
        self.queues.flush()
        return self.postgres.url(self.postgres.create(template="migrated"))

    def control(self, *, latency_ms: int = 0, record: bool = False) -> None:
        """Set the latency of upstream, and reset its counts."""
        control_upstream(self.upstream, {"latency_ms": latency_ms, "record": record})

    def calls(self) -> tuple[int, list[dict[str, Any]]]:
        """Return the number of calls since the last `control`, and the recorded requests."""
        report = control_upstream(self.upstream, None)
        return report["calls"], report["recorded"]

    def settings(self, database_url: str) -> dict[str, str]:
        """Return the environment of a worker."""
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

    def sweep_once(self, components: int, *, workers: int, command: Sequence[str] = WORKER) -> SweepUsage:
        """Sweep this many components into a new database, with this many workers."""
        database_url = self.fresh_database()
        with opened(database_url) as store, ExitStack() as started:
            as_of = open_listed(store, components, now=datetime.now().astimezone())
            running = [started.enter_context(working(command, self.settings(database_url))) for _ in range(workers)]
            started_at = await_enqueued(store, as_of, running)
            sweep = await_closed(store, as_of, running)
            cpu_s = sum(worker.cpu_s() for worker in running)
        require_measured(sweep, components)
        return SweepUsage(seconds=((sweep.closed_at or started_at) - started_at).total_seconds(), cpu_s=cpu_s)

    def sweep_slots(self, components: int, *settings: Mapping[str, str], **options: str) -> Iterator[SweepUsage]:
        """Sweep this many components in one slot after the other, each by a new worker with these settings.

        `options` are those of `benchmarks.scale_worker`.
        """
        database_url, clock = self.fresh_database(), self.folder / "clock"
        command = ("-m", "benchmarks.scale_worker", json.dumps({**options, "clock": str(clock)}))
        every = {"WORKER_COLLECT_EVERY": f"{SLOT // timedelta(hours=1)}h"}
        with opened(database_url) as store:
            for number, changes in enumerate(settings):
                self.queues.flush()
                now = _FIRST + number * SLOT
                replace_file(clock, now.isoformat())
                as_of = open_listed(store, components, now=now, every=SLOT)
                with working(command, {**self.settings(database_url), **every, **changes}) as worker:
                    await_enqueued(store, as_of, [worker])
                    started = time.monotonic()
                    sweep = await_closed(store, as_of, [worker])
                    used = SweepUsage(seconds=time.monotonic() - started, cpu_s=worker.cpu_s())
                require_measured(sweep, components)
                yield used

    def resident_after_sweeps(self, components: int, *, sweeps: int) -> list[float]:
        """Run one child through several sweeps, a day apart; return its resident memory after each, in MiB."""
        database_url, clock = self.fresh_database(), self.folder / "clock"
        resident = []
        with opened(database_url) as store, ExitStack() as started:
            worker: WorkerProcess | None = None
            for number in range(sweeps):
                now = _FIRST + number * EVERY
                as_of = open_listed(store, components, now=now)
                replace_file(clock, now.isoformat())
                if worker is None:  # it enqueues the first sweep itself when it is ready
                    command = ("-m", "benchmarks.scale_worker", json.dumps({"clock": str(clock)}))
                    worker = started.enter_context(working(command, self.settings(database_url)))
                else:
                    self._enqueue("sweep.advance")
                await_closed(store, as_of, [worker])
                resident.append(worker.resident_mib())
        return resident

    def _enqueue(self, task: str) -> None:
        app = build_app(self.queues.url, instance=INSTANCE, open_context=_nothing)
        with app.connection_for_write() as connection:
            app.send_task(task, connection=connection)


@contextmanager
def _nothing() -> Iterator[WorkerContext]:
    """The benchmark only enqueues; it needs no context."""
    raise AssertionError
    yield


@dataclass(frozen=True, kw_only=True)
class WorkerProcess:
    """A running worker with one child, which does the work."""

    process: subprocess.Popen[bytes]

    def child(self) -> int:
        """Return the process id of the child."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return int(children[0])

    def cpu_s(self) -> float:
        """Return the CPU seconds of the child."""
        fields = Path(f"/proc/{self.child()}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Return the resident memory of the child."""
        return resident_mib(self.child())


@contextmanager
def deployed(components: int) -> Iterator[BenchmarkDeployment]:
    """Start the servers; stop them at the end. Raises CannotMeasure where there is no /proc."""
    require_proc()
    with ExitStack() as started:
        folder = Path(tempfile.mkdtemp(prefix="scale", dir="/tmp"))
        started.callback(shutil.rmtree, folder)
        folder.chmod(0o755)
        upstream = started.enter_context(serving_upstream(components))
        yield BenchmarkDeployment(
            postgres=started.enter_context(serving_postgres(folder / "pg")),
            queues=started.enter_context(serving_queues(folder)),
            upstream=upstream,
            folder=folder,
        )


@contextmanager
def serving_postgres(folder: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL in its own folder."""
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
    """Run the static ScaleOps; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.scale_upstream", str(components)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own module
        try:
            port = child.stdout.readline().strip() if child.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


def control_upstream(url: str, settings: dict[str, Any] | None) -> dict[str, Any]:
    """Change the settings of the static ScaleOps, which resets its counts; without settings, return the counts."""
    body = None if settings is None else json.dumps(settings).encode()
    request = urllib.request.Request(f"{url}/control", data=body)  # noqa: S310 - our own child on loopback
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - as above
        report: dict[str, Any] = json.loads(response.read())
        return report


@contextmanager
def working(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[WorkerProcess]:
    """Run a worker."""
    arguments = [sys.executable, *command]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            arguments, cwd=ROOT, env=dict(environment), start_new_session=True, stdout=output, stderr=output
        )
        try:
            yield WorkerProcess(process=process)
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
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


def open_listed(store: Store, components: int, *, now: datetime, every: timedelta = EVERY) -> datetime:
    """Open the sweep of the current slot as if the catalog had just been listed."""
    as_of = slot_of(now, every)
    numbers = range(components)
    with store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=now)
        teams = [data.team(ref) for ref in dict.fromkeys(data.team_of(number) for number in numbers)]
        transaction.components.record_page([data.component(number) for number in numbers], teams, as_of=as_of)
        transaction.components.finish_listing(as_of=as_of, complete=True)
        transaction.sweeps.record_listing(as_of, expected=components, complete=True)
    return as_of


def require_measured(sweep: Sweep, components: int) -> None:
    """Raise RuntimeError unless a sweep measured this many components."""
    if sweep.measured != components:
        message = f"the sweep measured {sweep.measured} of {components} components"
        raise RuntimeError(message)


def await_enqueued(store: Store, as_of: datetime, workers: Sequence[WorkerProcess]) -> datetime:
    """Return when the chunks were enqueued. Read it at once: the first tick of a second worker overwrites it."""
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        with store.reading() as transaction:
            heartbeat = transaction.heartbeats.last("collect", HeartbeatKind.PROGRESS)
        if heartbeat is not None and heartbeat.details.get("as_of") == as_of.isoformat():
            return heartbeat.at
        require_running(workers)
        time.sleep(0.02)
    message = f"no chunk was enqueued within {_TIMEOUT_S:g} s"
    raise RuntimeError(message)


def require_running(workers: Sequence[WorkerProcess]) -> None:
    """Raise RuntimeError if a worker has ended."""
    for worker in workers:
        if (status := worker.process.poll()) is not None:
            message = f"a worker ended with status {status} during the benchmark"
            raise RuntimeError(message)


def await_closed(store: Store, as_of: datetime, workers: Sequence[WorkerProcess]) -> Sweep:
    """Wait until a sweep is closed, and return it."""
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        with store.reading() as transaction:
            sweep = transaction.sweeps.get(as_of)
        if sweep is not None and sweep.closed_at is not None:
            return sweep
        require_running(workers)
        time.sleep(0.1)
    message = f"the sweep of {as_of.isoformat()} was not closed within {_TIMEOUT_S:g} s"
    raise RuntimeError(message)


def replace_file(file: Path, text: str) -> None:
    """Replace a small file atomically."""
    new = file.with_suffix(".new")
    new.write_text(text, encoding="ascii")
    new.rename(file)
