"""Entry point: finds the command, and turns every error into one sentence and an exit status.

Exit status: 0 success, 1 failure, 2 invalid usage or settings.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Final

import click

from cli.groups import CommandGroup
from cli.streams import escape_unencodable_output, say_error
from cli.termination import SENTENCE, TERMINATION, Terminated

COMMANDS: Final[Mapping[str, str]] = {
    "action": "cli.action",
    "alerts": "cli.alerts",
    "backup": "cli.backup",
    "beat": "cli.celery_processes",
    "check-config": "cli.config",
    "collect": "cli.stages",
    "deliver": "cli.stages",
    "demo": "cli.demo",
    "evaluate": "cli.stages",
    "explain": "cli.explain",
    "init": "cli.init",
    "mcp": "cli.mcp",
    "migrate": "cli.config",
    "outbox": "cli.outbox",
    "report": "cli.reports",
    "run-once": "cli.stages",
    "serve": "cli.serve",
    "simulate": "cli.simulate",
    "standalone": "cli.standalone",
    "status": "cli.status",
    "trend": "cli.reports",
    "unallocated": "cli.unallocated",
    "worker": "cli.celery_processes",
}
"""Commands, and the module with the function of that name; imported on use."""


class LazyGroup(CommandGroup):
    """A group that imports a command on use, so that small commands start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named; an unknown name is compared with those of all commands."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as unknown:
            raise click.exceptions.NoSuchCommand(unknown.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of a command and return the command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        return _with_paragraphs(command) if isinstance(command, click.Command) else None


def _with_paragraphs(command: click.Command) -> click.Command:
    r"""Replace the `\b` of a raw docstring by the character that makes click keep the lines of a paragraph."""
    command.help = (command.help or "").replace("\\b", "\b")
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _with_paragraphs(each)
    return command


def _print_version(context: click.Context, _: click.Parameter, asked: object) -> None:
    if not asked or context.resilient_parsing:
        return
    version = importlib.import_module("importlib.metadata").version("scaleops-worker")
    commit = importlib.import_module("cli.commit").built_from()
    click.echo(f"scaleops-worker, version {version}, {f'commit {commit}' if commit else 'of an unknown commit'}")
    context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version, with the commit that it was built from.",
)
def cli() -> None:
    """Cost reports and alerts for ScaleOps, owner-aware through the Backstage catalog.

    Begin with `scaleops-worker init`, or with `scaleops-worker demo`, which needs no settings.

    Settings come from the environment and .env (docs/reference/settings.md), teams and rules from scaleops-worker.yaml
    (docs/reference/configuration.md). `scaleops-worker check-config --live` checks them.
    """


def main() -> None:
    """Run a command. Errors print one sentence; LOG_LEVEL=debug adds the traceback."""
    TERMINATION.install()
    escape_unencodable_output()
    try:
        status = cli.main(prog_name="scaleops-worker", standalone_mode=False)
    except click.exceptions.Abort:
        _print_error("stopped; completed work is kept")
        status = 130
    except Terminated:
        _print_error(SENTENCE)
        status = 0
    except click.exceptions.NoArgsIsHelpError as error:
        say_error(error.ctx.get_help())
        status = error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "scaleops-worker"
        _print_error(f"{error.format_message().rstrip('.')} (see {command} --help)")
        status = error.exit_code
    except click.ClickException as error:
        _print_error(error.format_message())
        status = error.exit_code
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - the reader closed the pipe; Python would complain at exit
        status = 1
    except Exception as error:  # noqa: BLE001 - the last resort: one sentence
        status, sentence = importlib.import_module("cli.errors").sentence_for(
            error
        )  # imports every package, so it is imported late
        _print_error(sentence)
        if os.environ.get("LOG_LEVEL", "").lower() == "debug":
            traceback.print_exception(error)
    sys.exit(status if isinstance(status, int) else 0)


def _print_error(sentence: str) -> None:
    say_error(f"scaleops-worker: {' '.join(sentence.split())}")
