"""The liveness file of a worker that hangs gets old, even while another worker serves the same queues."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from simulator.serving import Simulator
from tests.acceptance.fleet import INSTANCE, MINUTE, Fleet
from tests.acceptance.processes import ROOT
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from worker.liveness import BEAT, LivenessFile
from worker.schedule import QUEUES

TUESDAY = datetime(2026, 11, 3, tzinfo=timezone.utc)


def test_a_hung_worker_is_not_alive_because_another_one_works(
    tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    name = LivenessFile(instance=INSTANCE, serves=QUEUES).path.name
    simulator.load("demo")
    fleet = Fleet(tmp_path, simulator, queues, postgres_url, TUESDAY + MINUTE, settings={"TMPDIR": str(here)})
    with fleet, another_worker(fleet, there) as other:
        wait_until("the files of both", lambda: (here / name).exists() and (there / name).exists(), explain=fleet.story)
        os.kill(other.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        last = touched_ns(there / name)
        for _ in range(3):
            before = touched_ns(here / name)
            wait_until("the running worker to touch its file", lambda: touched_ns(here / name) > before, explain=fleet.story)  # noqa: B023 - waited for here
        assert touched_ns(there / name) == last
        assert (here / LivenessFile(instance=INSTANCE, serves=BEAT).path.name).exists()


@contextmanager
def another_worker(fleet: Fleet, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (first,) = fleet.of_kind("worker")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.run", "worker", json.dumps(first.options)],
        cwd=ROOT,
        env={**fleet._environment(), "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def touched_ns(file: Path) -> int:
    return file.stat().st_mtime_ns
