"""The door itself: finds a command, and turns every failure into one sentence and an exit status.

0: done, every unit has an outcome. 1: could not do its work. 2: bad usage or settings.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Final

import click

COMMANDS: Final[Mapping[str, str]] = {
    "action": "cli.action",
    "alerts": "cli.alerts",
    "beat": "cli.celery_processes",
    "check-config": "cli.config",
    "collect": "cli.stages",
    "deliver": "cli.stages",
    "demo": "cli.demo",
    "evaluate": "cli.stages",
    "mcp": "cli.serve",
    "migrate": "cli.config",
    "outbox": "cli.outbox",
    "report": "cli.reports",
    "run-once": "cli.stages",
    "serve": "cli.serve",
    "simulate": "cli.simulate",
    "standalone": "cli.standalone",
    "status": "cli.status",
    "trend": "cli.reports",
    "worker": "cli.celery_processes",
}
"""Every command, and the module that holds it as a function of that name; it is imported when it is asked for."""


class LazyGroup(click.Group):
    """The list of commands, each imported only when it runs: `--help` and small commands start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of a command and answer the command in it."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        return _with_its_form(command) if isinstance(command, click.Command) else None


def _with_its_form(command: click.Command) -> click.Command:
    r"""Turn the `\b` that a raw docstring spells out into the sign by which click keeps a paragraph's lines as they are."""
    command.help = (command.help or "").replace("\\b", "\b")
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _with_its_form(each)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="scaleops-worker", prog_name="scaleops-worker")
def door() -> None:
    """Cost reports and alerts for ScaleOps, owner-aware through the Backstage catalog.

    Settings come from the environment and .env (docs/settings.md), teams and rules from scaleops-worker.yaml
    (docs/configuration.md). `scaleops-worker check-config --live` tells whether they are right.
    """


def main() -> None:
    """Run a command; never show a traceback to a person who did nothing wrong."""
    try:
        status = door.main(prog_name="scaleops-worker", standalone_mode=False)
    except click.exceptions.Abort:
        _say("stopped; what was done so far is kept")
        status = 130
    except click.UsageError as error:
        where = f" {error.ctx.info_name}" if error.ctx and error.ctx.parent else ""
        _say(f"{error.format_message().rstrip('.')} (see scaleops-worker{where} --help)")
        status = error.exit_code
    except click.ClickException as error:
        _say(error.format_message())
        status = error.exit_code
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - the reader left; Python would complain at exit
        status = 1
    except Exception as error:  # noqa: BLE001 - the last line of defence: one sentence, and the trace for who asks
        status, sentence = importlib.import_module("cli.errors").sentence_for(error)  # it knows every room, so it is loaded late
        _say(sentence)
        if os.environ.get("LOG_LEVEL", "").lower() == "debug":
            traceback.print_exception(error)
    sys.exit(status if isinstance(status, int) else 0)


def _say(sentence: str) -> None:
    click.echo(f"scaleops-worker: {' '.join(sentence.split())}", err=True)
