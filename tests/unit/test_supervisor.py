"""The supervisor of `standalone` restarts what exits, leaves alone what cannot run, and stops all at the end."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.waiting import wait_until
from worker.supervisor import ChildSpec, Supervisor

COUNT = "import sys; open(sys.argv[1], 'a').write('x')"
SLEEP = "; import time; time.sleep(600)"
IGNORE_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


class HourlyClock:
    """A clock that advances an hour with every call, so that no restart delay is waited for."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600
        return self.now


def child(folder: Path, name: str, code: str, **options: object) -> ChildSpec:
    arguments = [sys.executable, "-c", code, str(folder / name)]
    return ChildSpec(name=name, arguments=arguments, environment=dict(os.environ), **options)  # type: ignore[arg-type]  # by name


def starts_of(folder: Path, name: str) -> int:
    return len((folder / name).read_text()) if (folder / name).exists() else 0


@contextmanager
def supervised(*children: ChildSpec, clock: Callable[[], float] | None = None) -> Iterator[list[int]]:
    supervisor = Supervisor(children, clock=clock or HourlyClock())
    statuses: list[int] = []
    # The kernel signals a child when the thread that started it ends; this thread ends after its children.
    running = threading.Thread(target=lambda: statuses.append(supervisor.run()))
    running.start()
    try:
        yield statuses
    finally:
        supervisor.stop()
        running.join()


def test_a_child_that_exits_is_restarted(tmp_path: Path) -> None:
    with supervised(child(tmp_path, "short", COUNT)):
        wait_until("three starts", lambda: starts_of(tmp_path, "short") >= 3)


def test_a_running_child_is_left_alone_and_stopped_at_the_end(tmp_path: Path) -> None:
    with supervised(child(tmp_path, "long", COUNT + SLEEP), child(tmp_path, "short", COUNT)) as statuses:
        wait_until("both to start", lambda: starts_of(tmp_path, "long") == 1 and starts_of(tmp_path, "short") >= 2)
    assert starts_of(tmp_path, "long") == 1
    assert statuses == [0]


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    with supervised(child(tmp_path, "stubborn", IGNORE_SIGTERM + COUNT + SLEEP, grace_s=0.1)) as statuses:
        wait_until("a start", lambda: starts_of(tmp_path, "stubborn") == 1)
    assert statuses == [0]


@pytest.mark.parametrize("is_required", [True, False])
def test_a_child_with_invalid_settings_is_not_restarted(tmp_path: Path, *, is_required: bool) -> None:
    invalid = child(tmp_path, "invalid", COUNT + "; sys.exit(2)", is_required=is_required)
    with supervised(invalid, child(tmp_path, "short", COUNT)) as statuses:
        if is_required:
            wait_until("everything to stop", lambda: statuses == [2])
        else:
            wait_until("the other to go on", lambda: starts_of(tmp_path, "short") >= 3)
    assert starts_of(tmp_path, "invalid") == 1


def test_a_child_that_exits_at_once_is_restarted_after_a_delay(tmp_path: Path) -> None:
    with supervised(child(tmp_path, "short", COUNT), child(tmp_path, "long", COUNT + SLEEP), clock=lambda: 0.0):
        wait_until("the first starts", lambda: starts_of(tmp_path, "short") == 1 and starts_of(tmp_path, "long") == 1)
    assert starts_of(tmp_path, "short") == 1
