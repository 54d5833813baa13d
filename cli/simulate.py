"""`simulate`: simulated ScaleOps, Backstage, Slack and PagerDuty servers on loopback, to try everything."""

from __future__ import annotations

import sys

import click

from cli.simulator_process import running_simulator


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
