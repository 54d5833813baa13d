"""Output of commands: tables and sentences for people, JSON lines for programs, progress bars on a terminal only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.streams import CONTROLS, is_utf8, without_controls
from domain.messages import Json

_COLUMN_GAP: Final = 2
_WIDTH_OF_A_FILE: Final = 500


def say(sentence: str) -> None:
    """Print a line, or a document, on stdout."""
    click.echo(without_controls(sentence))


def say_json(value: Json) -> None:
    """Print one JSON line on stdout."""
    text = json.dumps(value, ensure_ascii=not is_utf8(sys.stdout), separators=(",", ":"))
    click.echo(CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table, without columns that are empty; cells are not markup. Output that is not a terminal gets a wide table.

    On a terminal that is too narrow for the longest words each row is a block of lines, so that an id can be copied.
    """
    kept = [number for number in range(len(columns)) if not rows or any(row[number] for row in rows)]
    columns, rows = [columns[number] for number in kept], [[row[number] for number in kept] for row in rows]
    console = _console()
    widths = fit_columns(columns, rows, available=console.width)
    if widths is None and console.is_terminal:
        for row in rows:
            say(row[0])
            show_fields([(f"  {name}", cell) for name, cell in zip(columns[1:], row[1:], strict=True) if cell])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    unlimited: Sequence[int | None] = [None] * len(columns)
    for name, width in zip(columns, widths or unlimited, strict=True):
        justify: Literal["left", "right"] = "right" if name in right else "left"
        table.add_column(Text(without_controls(name)), justify=justify, overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(without_controls(cell)) for cell in row))
    console.print(table)


def fit_columns(columns: Sequence[str], rows: Sequence[Sequence[str]], *, available: int) -> Sequence[int] | None:
    """Return the width of each column, so that no word is broken; None if that is impossible.

    What is left beyond the longest words goes to the columns whose texts break into most lines.
    """
    texts = list(zip(columns, *rows, strict=True))
    whole = [max(map(len, column)) for column in texts]
    widths = [max((len(word) for text in column for word in text.split()), default=0) for column in texts]
    left = available - _COLUMN_GAP * (len(columns) - 1) - sum(widths)
    if left < 0:
        return None
    for _ in range(min(left, sum(whole) - sum(widths))):
        narrowest = max(
            range(len(columns)),
            key=lambda number: whole[number] / max(widths[number], 1) if whole[number] > widths[number] else 0,
        )
        widths[narrowest] += 1
    return widths


def show_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Print a name and a text per line; a long text continues under its beginning."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in fields:
        table.add_row(Text(without_controls(name), style="bold"), Text(without_controls(text)))
    _console().print(table)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_A_FILE)


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
