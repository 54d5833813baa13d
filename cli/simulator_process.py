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
    """The child ended before it listened; the message is its last word."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Where the stand-in services listen, and the settings that lead to them."""

    url: str
    settings: Mapping[str, str]
    process: subprocess.Popen[str]


@contextmanager
def running_simulator(*, port: int, scenario: str) -> Iterator[Simulation]:
    """Start the simulator, wait until it listens, and end it afterwards.

    Raises:
        SimulatorFailed: the port or the scenario cannot be had.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
        [sys.executable, "-m", "simulator", "--port", str(port), "--scenario", scenario, "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            last_word = process.stderr.read().strip() if process.stderr else ""
            raise SimulatorFailed(last_word or "the simulator ended before it listened")
        told = json.loads(line)
        yield Simulation(url=told["url"], settings=told["settings"], process=process)
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
