"""`status`: last and next runs, and problems."""

from __future__ import annotations

from datetime import datetime

import click

from cli.output import say, say_json, show_table
from cli.session import open_context
from domain.clock import format_utc
from domain.problems import runbook_address
from reports.render.tables import Cell
from tasks.maintenance.service_errors import read_last_errors
from tasks.maintenance.status import InstallationStatus, read_status
from tasks.maintenance.status_json import status_as_json
from tasks.maintenance.status_sections import StatusSection, status_sections


@click.command()
@click.option("--check", is_flag=True, help="Exit 1 if there is a problem: for probes and monitors.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, *, check: bool, as_json: bool) -> None:
    r"""Show last and next runs, unmeasured components and problems, from the database alone.

    \b
    Example:
      scaleops-worker status --check
    """
    with open_context() as context:
        found, currency = read_status(context), context.policy.currency
        errors = read_last_errors(context, found)
    if as_json:
        say_json(dict(status_as_json(found, errors, currency)))
    else:
        _show(found, status_sections(found, errors, currency))
    ctx.exit(1 if check and found.problems else 0)


def _show(found: InstallationStatus, sections: tuple[StatusSection, ...]) -> None:
    for label, text in (line for section in sections for line in section.lines):
        say(f"{label:<15} {text}")
    for table in (table for section in sections for table in section.tables if table.rows):
        say(f"\n{table.title}")
        columns = [name.replace("_", " ") for name in table.columns]
        show_table(columns, [[_cell(cell) for cell in row] for row in table.rows])
    say("")
    for problem in found.problems:
        say(f"! {problem} (run book: {runbook_address(problem.runbook, found.docs_url)})")
    if not found.problems:
        say("no problems")


def _cell(cell: Cell) -> str:
    return format_utc(cell) if isinstance(cell, datetime) else "" if cell is None else str(cell)
