"""`backup`: a copy of the SQLite database while everything runs."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cli.output import say, say_json
from domain.money import format_count
from store.backup import backup as back_up
from wiring.clock import utc_now
from wiring.loaded_config import load_config


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def backup(file: Path, *, as_json: bool) -> None:
    r"""Copy the SQLite database of DATABASE_URL to a new FILE, while everything runs. docs/how-to/backup.md says how to restore it.

    \b
    Example:
      scaleops-worker backup /backups/scaleops-worker.db
    """
    loaded = load_config(os.environ, Path(".env"))
    waiting = back_up(loaded.settings.database_url.get_secret_value(), file, now=utc_now())
    if as_json:
        say_json({"file": str(file), "bytes": file.stat().st_size, "waitingMessages": waiting})
        return
    say(
        f"wrote {file} ({file.stat().st_size:,} bytes); {format_count(waiting, 'waiting message')} will be looked up after a restore"
    )
