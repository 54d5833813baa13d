"""`run-once` and `standalone` do watch sweeps, at the time of this machine. Beat and workers: `test_worker_watch.py`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.serving import Simulator
from store import Store
from tests.services.commands import Run
from tests.services.simulated import settings_of
from tests.services.waiting import wait_until


@pytest.fixture
def settings(simulator: Simulator) -> dict[str, str]:
    """A full sweep a day, and a watch sweep a minute."""
    simulator.load("demo")
    return {**settings_of(simulator), "WORKER_COLLECT_EVERY": "24h", "WORKER_WATCH_EVERY": "1m"}


def test_every_run_looks_for_danger(run: Run, settings: dict[str, str]) -> None:
    first, second = (run("run-once", "--json", **settings).lines[0] for _ in range(2))
    assert (first["collect"]["wasClosedBefore"], second["collect"]["wasClosedBefore"]) == (False, True)
    assert first["watch"]["skippedBecause"] == "this run did a full sweep"
    assert (second["watch"]["source"], second["watch"]["failure"]) == ("inventory", None)
    status = run("status", **settings).out
    assert "watch sweeps    every 1 minute; the newest, of " in status


def test_standalone_does_watch_sweeps(tmp_path: Path, run: Run, settings: dict[str, str]) -> None:
    database = f"sqlite:///{tmp_path / 'watched.db'}"
    assert run("collect", **settings, DATABASE_URL=database).status == 0
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), **settings, "DATABASE_URL": database, "GATEWAY_PORT": "0"}
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-c", "from cli.main import main; main()", "standalone", "--concurrency", "1"],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until("an evaluated watch sweep", lambda: has_evaluated(database), explain=(tmp_path / "log").read_text)
    finally:
        service.send_signal(signal.SIGTERM)
        status = service.wait(60)
    assert status == 0


def has_evaluated(database: str) -> bool:
    store = Store.open(database)
    try:
        with store.reading() as transaction:
            return transaction.watch_sweeps.newest_evaluated() is not None
    finally:
        store.close()
