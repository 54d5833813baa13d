"""`standalone` with nothing but settings: it brings its own queue, measures, and stops cleanly; what it held stays on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from simulator.serving import Simulator, addresses_at, settings_for
from store import Store, StoreUnavailable
from tests.services.waiting import wait_until


def start(folder: Path, simulator: Simulator, **settings: str) -> subprocess.Popen[bytes]:
    addresses = addresses_at(int(simulator.url.rpartition(":")[2]))
    environment = {"PATH": os.environ["PATH"], **settings_for(addresses, simulator.state.world()), **settings}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", "from cli.main import main; main()", "standalone", "--concurrency", "1"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


def children_of(pid: int) -> list[str]:
    """The command lines of all processes below one."""
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,ppid=,args=", "-A"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    family, found = {pid}, []
    for own, parent, arguments in sorted(rows, key=lambda row: int(row[0])):
        if int(parent) in family:
            family.add(int(own))
            found.append(arguments)
    return found


def has_judged_a_sweep(folder: Path) -> bool:
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


def test_one_command_is_the_whole_service(tmp_path: Path, simulator: Simulator) -> None:
    service = start(tmp_path, simulator, GATEWAY_AUTH="none", GATEWAY_PORT="0")
    try:
        wait_until("a sweep that is judged", lambda: has_judged_a_sweep(tmp_path), explain=(tmp_path / "log").read_text)
        running = " ".join(children_of(service.pid))
        for part in ("valkey-server", "--queues collect", "--queues evaluate,deliver", "beat", "serve"):
            assert part in running
        second = start(tmp_path, simulator)
        assert second.wait(60) == 1
        assert "another standalone" in (tmp_path / "log").read_text()
    finally:
        service.send_signal(signal.SIGTERM)
        status = service.wait(60)
    assert status == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert list((tmp_path / "standalone-data").glob("appendonlydir/*"))
