"""`simulate`: simulated ScaleOps, Backstage, Slack and PagerDuty servers on loopback, in a child process that `demo` uses too."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click

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
    with subprocess.Popen(  # noqa: S603 - our own module; -P: a module of the working directory must not shadow ours
        [sys.executable, "-P", "-m", "simulator", "--port", str(port), "--scenario", scenario, "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
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


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="Port on 127.0.0.1; 0 takes a free one."
)
@click.option(
    "--scenario",
    default="demo",
    show_default=True,
    help="`demo`, `crowd:N` (N components), or a folder with upstream.json and catalog.yaml.",
)
def simulate(port: int, scenario: str) -> None:
    r"""Serve a simulated ScaleOps, Backstage, Slack and PagerDuty until interrupted.

    Prints the settings for them, ready for a .env file.

    \b
    Example:
      scaleops-worker simulate > .env &
      scaleops-worker check-config --live
      scaleops-worker collect
    """
    with running_simulator(port=port, scenario=scenario) as simulation:
        for name, value in simulation.settings.items():
            click.echo(f"{name}={value}")
        sys.stdout.flush()
        click.echo(f"scaleops-worker: the simulator listens at {simulation.url}; Ctrl-C stops it", err=True)
        simulation.process.wait()
