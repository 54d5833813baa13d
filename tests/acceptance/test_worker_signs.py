"""Each worker's own sign of life: one that hangs gives none, however well another one serves the same queues."""

from __future__ import annotations

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
from tests.acceptance.fleet import INSTANCE, MINUTE, ROOT, Fleet
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from worker.liveness import BEAT, LivenessFile
from worker.schedule import QUEUES

TUESDAY = datetime(2026, 11, 3, tzinfo=timezone.utc)


def test_a_worker_that_hangs_is_not_taken_for_alive_because_another_works(
    tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    name = LivenessFile(instance=INSTANCE, serves=QUEUES).path.name
    simulator.load("demo")
    fleet = Fleet(tmp_path, simulator, queues, postgres_url, TUESDAY + MINUTE, settings={"TMPDIR": str(here)})
    with fleet, another_worker(fleet, there) as other:
        wait_until("signs of both", lambda: (here / name).exists() and (there / name).exists(), explain=fleet.story)
        os.kill(other.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        last = given(there / name)
        for _ in range(3):
            before = given(here / name)
            wait_until("a sign of the one that works", lambda: given(here / name) > before, explain=fleet.story)  # noqa: B023 - waited for here
        assert given(there / name) == last
        assert (here / LivenessFile(instance=INSTANCE, serves=BEAT).path.name).exists()


@contextmanager
def another_worker(fleet: Fleet, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the same queues on what is another machine to its sign."""
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


def given(sign: Path) -> int:
    return sign.stat().st_mtime_ns
