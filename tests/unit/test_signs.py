"""The sign of life of one process: given while it works as it should, believed for five minutes, and not asked for while Redis is away."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from worker.liveness import MAY_BE_OLD, LivenessFile, LivenessLoop, liveness_problem

SECOND = timedelta(seconds=1)


@pytest.fixture
def sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivenessFile:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return LivenessFile(instance="acme/production", serves=["evaluate", "deliver"])


def given_at(sign: LivenessFile, at: datetime) -> None:
    sign.give()
    os.utime(sign.path, (at.timestamp(), at.timestamp()))


NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def ask(sign: LivenessFile, *, redis: bool) -> str:
    return liveness_problem(sign, now=NOW, is_redis_there=lambda: redis)


def test_a_fresh_sign_is_believed_and_redis_is_not_asked(sign: LivenessFile) -> None:
    def refuse() -> bool:
        raise AssertionError

    given_at(sign, NOW - MAY_BE_OLD)
    assert liveness_problem(sign, now=NOW, is_redis_there=refuse) == ""


def test_an_old_sign_or_none_is_a_reason_to_start_again(sign: LivenessFile) -> None:
    assert "was never given" in ask(sign, redis=True)
    given_at(sign, NOW - MAY_BE_OLD - SECOND)
    assert "was given last at 2026-11-24 11:54:59 UTC" in ask(sign, redis=True)


def test_while_redis_is_away_nobody_is_started_again(sign: LivenessFile) -> None:
    assert ask(sign, redis=False) == ""
    given_at(sign, NOW - 10 * MAY_BE_OLD)
    assert ask(sign, redis=False) == ""


def test_processes_that_serve_something_else_have_signs_of_their_own(sign: LivenessFile) -> None:
    sign.give()
    assert LivenessFile(instance="acme/production", serves=("deliver", "evaluate")).given_at() == sign.given_at()
    for instance, serves in (
        ("acme/production", ["collect"]),
        ("acme/production", ["beat"]),
        ("acme/staging", ["evaluate", "deliver"]),
    ):
        assert LivenessFile(instance=instance, serves=serves).given_at() is None
    sign.take_back()
    sign.take_back()
    assert sign.given_at() is None


def test_a_file_that_is_not_ours_is_not_followed_and_told_once(
    sign: LivenessFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    victim = tmp_path / "precious"
    victim.touch()
    os.utime(victim, (0, 0))
    sign.path.symlink_to(victim)
    sign.give()
    sign.give()
    assert victim.stat().st_mtime == 0
    assert [record.message for record in caplog.records if "no sign of life" in record.message] == [caplog.messages[0]]


def test_a_loop_that_turns_gives_the_sign_however_busy_it_is(sign: LivenessFile) -> None:
    under_way: set[str] = set()
    loop = LivenessLoop(sign, under_way=lambda: under_way, hangs_after=60 * SECOND)
    assert loop.turn(0)
    for second in range(0, 600, 10):
        under_way = {f"work {second // 30}", f"more {second // 60}"}
        assert loop.turn(second)
    assert sign.given_at() is not None


def test_work_that_hangs_beyond_every_limit_takes_the_sign_away(sign: LivenessFile) -> None:
    under_way = {"stuck", "other"}
    loop = LivenessLoop(sign, under_way=lambda: under_way, hangs_after=60 * SECOND)
    assert loop.turn(100)
    under_way = {"stuck", "new"}
    assert loop.turn(160)
    sign.take_back()
    assert not loop.turn(161)
    assert sign.given_at() is None
    under_way = {"new"}
    assert loop.turn(162)
