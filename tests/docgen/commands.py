"""The page of the commands: what `--help` prints."""

import copy
from collections.abc import Iterator

import click

from cli.main import COMMANDS, cli
from tests.docgen.markdown import page, table

_WIDTH = 100


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its name, groups before their own commands."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())


def render_commands() -> str:
    """Return the page."""
    found = dict(commands())
    rows = [[f"[`{name}`](#{name.replace(' ', '-')})", one.get_short_help_str(limit=200)] for name, one in found.items()]
    sections = [f"## {name}\n\n```text\n{_help_of(name, one)}\n```" for name, one in found.items()]
    return page("Commands", _INTRODUCTION, table(["command", "purpose"], rows), *sections)


def _help_of(name: str, command: click.Command) -> str:
    command = copy.copy(command)
    command.add_help_option = False  # click keeps the option in the form of its first use
    context = click.Context(command, info_name=f"scaleops-worker {name}", terminal_width=_WIDTH)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


_INTRODUCTION = (
    "Exit status: 0 the work was done, 1 it could not be done, 2 the usage or a setting is wrong. Errors are one sentence; "
    "`LOG_LEVEL=debug` adds the traceback. `-h` and `--help` print what is below. `--json` prints result objects, never sentences."
)
