"""`standalone` starts its own queue, measures, and stops cleanly; the queue's data stays on disk."""

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from simulator.serving import Simulator
from store import Store, StoreUnavailable
from tests.services.simulated import settings_of
from tests.services.waiting import wait_until


def environment_for(folder: Path, simulator: Simulator, settings: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "TMPDIR": str(folder), **settings_of(simulator), **settings}


def probe(folder: Path, simulator: Simulator, *arguments: str) -> int:
    """Run a liveness probe, which uses neither the database nor, while the liveness file is fresh, Redis."""
    done = subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", *arguments, "--alive"],
        cwd=folder,
        env=environment_for(folder, simulator, {"REDIS_URL": "redis://127.0.0.1:1/0", "DATABASE_URL": "postgresql://nowhere/x"}),
        check=False,
    )
    return done.returncode


def start(folder: Path, simulator: Simulator, **settings: str) -> subprocess.Popen[bytes]:
    environment = environment_for(folder, simulator, settings)
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", "from cli.main import main; main()", "standalone", "--concurrency", "1"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


def children_of(pid: int) -> list[str]:
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,ppid=,args=", "-A"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    family, found = {pid}, []
    for own, parent, arguments in sorted(rows, key=lambda row: int(row[0])):
        if int(parent) in family:
            family.add(int(own))
            found.append(arguments)
    return found


def has_evaluated_a_sweep(folder: Path) -> bool:
    try:
        store = Store.open(f"sqlite:///{folder / 'scaleops-worker.db'}")
    except (StoreUnavailable, SQLAlchemyError):
        return False
    try:
        with store.reading() as transaction:
            sweep = transaction.sweeps.newest_closed()
        return sweep is not None and sweep.evaluated_at is not None and sweep.measured > 0
    finally:
        store.close()


@pytest.fixture
def pings() -> Iterator[tuple[str, list[str]]]:
    received: list[str] = []

    class Switch(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Switch) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ping", received
        server.shutdown()
        thread.join()


def metrics_at(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return ""


def test_one_command_is_the_whole_service(
    tmp_path: Path, simulator: Simulator, pings: tuple[str, list[str]], free_port: int
) -> None:
    url, received = pings
    more = {"WORKER_HEARTBEAT_URL": url, "WORKER_METRICS_PORT": str(free_port)}
    service = start(tmp_path, simulator, GATEWAY_AUTH="none", GATEWAY_PORT="0", **more)
    try:
        wait_until("an evaluated sweep", lambda: has_evaluated_a_sweep(tmp_path), explain=(tmp_path / "log").read_text)
        running = " ".join(children_of(service.pid))
        for part in ("valkey-server", "--queues watch,collect", "--queues evaluate,deliver", "beat", "serve"):
            assert part in running
        wait_until("readiness", lambda: "ready: every queue is served" in (tmp_path / "log").read_text())
        wait_until("a ping", lambda: "/ping/start" in received and ("/ping" in received or "/ping/fail" in received))
        served = ("sweep.measure", "evaluate", "deliver")
        wait_until("metrics of both workers", lambda: all(f'stage="{name}"' in metrics_at(free_port) for name in served))
        assert "scaleops_worker_outbox_messages" in metrics_at(free_port)
        assert "default/" not in metrics_at(free_port)
        assert 'scaleops_worker_sweep_components{outcome="measured"}' in metrics_at(free_port)
        files = {path.name.removeprefix(f"scaleops-worker-{os.getuid()}-127.0.0.1-") for path in tmp_path.glob("*.alive")}
        assert files == {"collect-watch.alive", "deliver-evaluate.alive", "beat.alive"}
        for command in (("worker", "--queues", "watch,collect"), ("worker", "--queues", "evaluate,deliver"), ("beat",)):
            assert probe(tmp_path, simulator, *command) == 0
        second = start(tmp_path, simulator)
        assert second.wait(60) == 1
        assert "another standalone" in (tmp_path / "log").read_text()
    finally:
        service.send_signal(signal.SIGTERM)
        status = service.wait(60)
    assert status == 0
    assert not list(tmp_path.glob("*.alive"))
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert list((tmp_path / "standalone-data").glob("appendonlydir/*"))
