"""Groups of commands."""

from __future__ import annotations

from typing import Final

import click

_ANY_LENGTH: Final = 1000


class CommandGroup(click.Group):
    """A group whose help lists its commands with a whole sentence each, on several lines where one is too narrow."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click itself cuts each sentence to one line."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(_ANY_LENGTH)) for name, command in commands if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
