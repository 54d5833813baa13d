"""Output of commands: tables and sentences for people, JSON lines for programs, progress bars on a terminal only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.streams import CONTROLS, is_utf8, without_controls
from domain.messages import Json


def say(sentence: str) -> None:
    """Print a line, or a document, on stdout."""
    click.echo(without_controls(sentence))


def say_json(value: Json) -> None:
    """Print one JSON line on stdout."""
    text = json.dumps(value, ensure_ascii=not is_utf8(sys.stdout), separators=(",", ":"))
    click.echo(CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table; cells are not markup. Output that is not a terminal gets a wide table."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=500)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(without_controls(name)), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(without_controls(cell)) for cell in row))
    console.print(table)


class ProgressBar(Protocol):
    """Shows the progress of a loop."""

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` units are done."""


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Draw progress bars, if the console is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


@contextmanager
def progress_bar(title: str) -> Iterator[ProgressBar]:
    """Draw one progress bar on stderr, if that is a terminal."""
    with progress_on(Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)

        def move(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield move
