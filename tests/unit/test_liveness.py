"""The liveness of one process: its file is good for five minutes, and not checked while Redis is unavailable."""

import os
import socket
import ssl
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import redis

from worker.liveness import MAX_AGE, LivenessFile, LivenessLoop, is_misconfiguration, is_redis_up, liveness_problem

SECOND = timedelta(seconds=1)
NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivenessFile:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return LivenessFile(instance="acme/production", serves=["evaluate", "deliver"])


def touch_at(file: LivenessFile, at: datetime) -> None:
    file.touch()
    os.utime(file.path, (at.timestamp(), at.timestamp()))


def problem(file: LivenessFile, *, is_redis_up: bool) -> str:
    return liveness_problem(file, now=NOW, is_redis_up=lambda: is_redis_up)


def test_a_fresh_file_is_enough_and_redis_is_not_queried(file: LivenessFile) -> None:
    def refuse() -> bool:
        raise AssertionError

    touch_at(file, NOW - MAX_AGE)
    assert liveness_problem(file, now=NOW, is_redis_up=refuse) == ""


def test_an_old_or_missing_file_is_a_problem(file: LivenessFile) -> None:
    assert "does not exist" in problem(file, is_redis_up=True)
    touch_at(file, NOW - MAX_AGE - SECOND)
    assert "was last touched at 2026-11-24 11:54:59 UTC" in problem(file, is_redis_up=True)


@pytest.mark.parametrize("ahead", [MAX_AGE + SECOND, timedelta(days=1)])
def test_a_file_from_the_future_is_a_problem(file: LivenessFile, ahead: timedelta) -> None:
    touch_at(file, NOW + ahead)
    assert "was last touched at" in problem(file, is_redis_up=True)
    touch_at(file, NOW + MAX_AGE)
    assert problem(file, is_redis_up=True) == ""


def test_while_redis_is_unavailable_there_is_no_problem(file: LivenessFile) -> None:
    touch_at(file, NOW - 10 * MAX_AGE)
    assert problem(file, is_redis_up=False) == ""


def test_a_process_that_never_started_is_a_problem_whatever_redis_does(file: LivenessFile) -> None:
    assert "does not exist" in problem(file, is_redis_up=False)


@pytest.mark.parametrize(
    ("cause", "is_expected"),
    [
        (ConnectionRefusedError(), False),
        (socket.gaierror(socket.EAI_AGAIN, ""), False),
        (socket.gaierror(socket.EAI_NONAME, ""), True),
        (ssl.SSLCertVerificationError(), True),
    ],
)
def test_a_wrong_address_or_certificate_is_no_outage(cause: Exception, *, is_expected: bool) -> None:
    error = redis.ConnectionError()
    error.__context__ = cause

    assert is_misconfiguration(error) is is_expected


def test_a_redis_that_refuses_connections_is_unavailable(free_port: int) -> None:
    assert not is_redis_up(f"redis://127.0.0.1:{free_port}/0")


def test_processes_that_serve_something_else_have_their_own_files(file: LivenessFile) -> None:
    file.touch()
    assert LivenessFile(instance="acme/production", serves=("deliver", "evaluate")).touched_at() == file.touched_at()
    for instance, serves in (
        ("acme/production", ["collect"]),
        ("acme/production", ["beat"]),
        ("acme/staging", ["evaluate", "deliver"]),
    ):
        assert LivenessFile(instance=instance, serves=serves).touched_at() is None
    file.remove()
    file.remove()
    assert file.touched_at() is None


def test_a_symlink_is_not_followed_and_logged_once(file: LivenessFile, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    os.utime(victim, (0, 0))
    file.path.symlink_to(victim)
    file.touch()
    file.touch()
    assert victim.stat().st_mtime == 0
    assert caplog.messages == ["cannot touch liveness file, probes will fail"]


def test_the_loop_touches_the_file_however_busy_the_worker_is(file: LivenessFile) -> None:
    active: set[str] = set()
    loop = LivenessLoop(file, active=lambda: active, hung_after=60 * SECOND)
    assert loop.tick(0)
    for second in range(0, 600, 10):
        active = {f"task {second // 30}", f"other {second // 60}"}
        assert loop.tick(second)
    assert file.touched_at() is not None


def test_a_task_that_hangs_beyond_every_limit_stops_the_touching(file: LivenessFile) -> None:
    active = {"stuck", "other"}
    loop = LivenessLoop(file, active=lambda: active, hung_after=60 * SECOND)
    assert loop.tick(100)
    active = {"stuck", "new"}
    assert loop.tick(160)
    file.remove()
    assert not loop.tick(161)
    assert file.touched_at() is None
    active = {"new"}
    assert loop.tick(162)
