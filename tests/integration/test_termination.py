"""SIGTERM ends a command of the foreground as it ends a worker: the message being sent is finished, and nothing stays leased."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cli.termination import Terminated, Termination
from domain.messages import DeliveryStatus
from simulator.serving import Simulator
from store import Store
from tests.factories import TEAM_CHANNEL, make_message
from tests.services.simulated import settings_of
from tests.services.waiting import wait_until
from tests.stage_factories import message_counts

MAIN = [sys.executable, "-c", "from cli.main import main; main()"]


def start(folder: Path, simulator: Simulator, database_url: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**settings_of(simulator), "DATABASE_URL": database_url, "PATH": os.environ["PATH"]}
    root = Path(__file__).parent.parent.parent
    return subprocess.Popen(
        [*MAIN, *arguments], cwd=folder, env={**environment, "PYTHONPATH": str(root)}, stderr=subprocess.PIPE, text=True
    )


def test_deliver_finishes_the_message_being_sent(
    tmp_path: Path, simulator: Simulator, sqlite_store: Store, sqlite_url: str
) -> None:
    simulator.state.clock.set(None)
    now = simulator.state.clock.now()
    with sqlite_store.transaction() as t:
        t.outbox.put([make_message(f"k{number}", created_at=now + timedelta(microseconds=number)) for number in range(3)])
    simulator.plan_fault("slack", route="chat.postMessage", mode="slow", delay_s=1)
    process = start(tmp_path, simulator, sqlite_url, "deliver")
    wait_until("the first post", lambda: simulator.state.calls["slack"].total() > 0)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 0
    assert "stopped by SIGTERM" in said
    with sqlite_store.reading() as t:
        counts = message_counts(t)
    assert counts.get(DeliveryStatus.LEASED, 0) == 0
    assert counts[DeliveryStatus.SENT] >= 1
    assert len(simulator.state.slack.messages) == counts[DeliveryStatus.SENT]
    assert {message["channel"] for message in simulator.state.slack.messages} == {TEAM_CHANNEL}


@pytest.mark.parametrize("command", ["collect", "run-once"])
def test_collect_leaves_its_sweep_open(
    tmp_path: Path, simulator: Simulator, sqlite_store: Store, sqlite_url: str, command: str
) -> None:
    simulator.plan_fault("scaleops", route="byNamespace", delay_s=2)
    process = start(tmp_path, simulator, sqlite_url, command)
    wait_until("the first call", lambda: simulator.state.calls["scaleops"]["POST /api/v1/dashboard/byNamespace"] > 0)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 0
    assert "stopped by SIGTERM" in said
    with sqlite_store.reading() as t:
        (sweep,) = t.sweeps.unclosed()
    assert sweep.closed_at is None


@pytest.fixture
def termination(monkeypatch: pytest.MonkeyPatch) -> Iterator[Termination]:
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    installed = Termination()
    installed.install()
    yield installed
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("termination")
def test_a_signal_ends_the_command_at_once() -> None:
    with pytest.raises(Terminated):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_waits_for_the_end_of_a_unit(termination: Termination) -> None:
    seen: list[bool] = []

    def run_units() -> None:
        with termination.finishing_units() as may_begin:
            seen.append(may_begin())
            signal.raise_signal(signal.SIGTERM)
            seen.append(may_begin())

    with pytest.raises(Terminated):
        run_units()
    assert seen == [True, False]
