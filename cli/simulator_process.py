"""The simulator as a child process, for `simulate` and `demo`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_GRACE_S: Final = 5.0


class SimulatorFailed(Exception):
    """The child exited before it listened; the message is its last output."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A running simulator: its address, and the settings that lead to it."""

    url: str
    settings: Mapping[str, str]
    process: subprocess.Popen[str]


@contextmanager
def running_simulator(*, port: int, scenario: str) -> Iterator[Simulation]:
    """Start the simulator, wait until it listens, and stop it afterwards.

    Raises:
        SimulatorFailed: the port is in use, or the scenario is invalid.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module; -P: a module of the working directory must not shadow ours
        [sys.executable, "-P", "-m", "simulator", "--port", str(port), "--scenario", scenario, "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            last_output = process.stderr.read().strip() if process.stderr else ""
            raise SimulatorFailed(last_output or "the simulator exited before it listened")
        started = json.loads(line)
        yield Simulation(url=started["url"], settings=started["settings"], process=process)
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
