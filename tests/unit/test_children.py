"""The supervisor of `standalone`: what dies is started again, what cannot run is left alone, all is stopped in the end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.waiting import wait_until
from worker.supervisor import ChildSpec, Supervisor

COUNTING = "import sys; open(sys.argv[1], 'a').write('x')"
SLEEPING = "; import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


class Hours:
    """A clock whose every look is an hour later, so that nothing is waited for."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600
        return self.now


def command(folder: Path, name: str, code: str, **options: object) -> ChildSpec:
    arguments = [sys.executable, "-c", code, str(folder / name)]
    return ChildSpec(name=name, arguments=arguments, environment=dict(os.environ), **options)  # type: ignore[arg-type]  # by name


def starts_of(folder: Path, name: str) -> int:
    return len((folder / name).read_text()) if (folder / name).exists() else 0


@contextmanager
def kept_alive(*commands: ChildSpec, clock: Callable[[], float] | None = None) -> Iterator[list[int]]:
    supervisor = Supervisor(commands, clock=clock or Hours())
    statuses: list[int] = []
    # In a thread the kernel would tell a child that its parent died as soon as the thread ends; here it does not end before them.
    running = threading.Thread(target=lambda: statuses.append(supervisor.run()))
    running.start()
    try:
        yield statuses
    finally:
        supervisor.stop()
        running.join()


def test_what_dies_is_started_again(tmp_path: Path) -> None:
    with kept_alive(command(tmp_path, "mayfly", COUNTING)):
        wait_until("three lives", lambda: starts_of(tmp_path, "mayfly") >= 3)


def test_what_lives_is_left_alone_and_stopped_in_the_end(tmp_path: Path) -> None:
    with kept_alive(command(tmp_path, "tree", COUNTING + SLEEPING), command(tmp_path, "mayfly", COUNTING)) as statuses:
        wait_until("both to live", lambda: starts_of(tmp_path, "tree") == 1 and starts_of(tmp_path, "mayfly") >= 2)
    assert starts_of(tmp_path, "tree") == 1
    assert statuses == [0]


def test_what_does_not_stop_is_killed(tmp_path: Path) -> None:
    with kept_alive(command(tmp_path, "mule", STUBBORN + COUNTING + SLEEPING, grace_s=0.1)) as statuses:
        wait_until("it to live", lambda: starts_of(tmp_path, "mule") == 1)
    assert statuses == [0]


@pytest.mark.parametrize("is_needed", [True, False])
def test_wrong_settings_are_not_tried_again(tmp_path: Path, *, is_needed: bool) -> None:
    wrong = command(tmp_path, "wrong", COUNTING + "; sys.exit(2)", is_needed=is_needed)
    with kept_alive(wrong, command(tmp_path, "mayfly", COUNTING)) as statuses:
        if is_needed:
            wait_until("everything to stop", lambda: statuses == [2])
        else:
            wait_until("the other to go on", lambda: starts_of(tmp_path, "mayfly") >= 3)
    assert starts_of(tmp_path, "wrong") == 1


def test_one_that_dies_at_once_waits_longer_and_longer(tmp_path: Path) -> None:
    class Still(Hours):
        def __call__(self) -> float:
            return 0.0

    with kept_alive(command(tmp_path, "mayfly", COUNTING), command(tmp_path, "other", COUNTING + SLEEPING), clock=Still()):
        wait_until("the first life", lambda: starts_of(tmp_path, "mayfly") == 1 and starts_of(tmp_path, "other") == 1)
    assert starts_of(tmp_path, "mayfly") == 1
