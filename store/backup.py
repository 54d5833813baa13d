"""A consistent copy of a SQLite database in use, whose waiting messages are looked up before they are sent."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import insert, literal, select, update
from sqlalchemy.engine import URL

from domain.messages import DeliveryStatus
from store.engines import build_engine, writing
from store.errors import StoreUnavailable
from store.queries.outbox_rows import DeliveryResult
from store.schema import deliveries, outbox
from store.urls import describe, parse_url

_PAGES: Final = 1024
"""Copied in one step; writers may work in between."""
_REASON: Final = "it waited when the backup was made, and may have been sent since"


def backup(url: str, file: Path, *, now: datetime) -> int:
    """Write a copy of a SQLite database to a new file, for its owner alone; return its number of waiting messages.

    Raises:
        StoreUnavailable: the database is PostgreSQL, which has tools of its own, does not exist, or cannot be copied.
        FileExistsError: the file exists.
    """
    source = parse_url(url)
    if source.get_backend_name() != "sqlite":
        message = f"{describe(source)} is backed up by its own tools, for example pg_dump --format=custom"
        raise StoreUnavailable(message)
    if not Path(str(source.database)).is_file():
        message = f"{describe(source)} does not exist; check DATABASE_URL"
        raise StoreUnavailable(message)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        _copy(Path(str(source.database)), file)
        waiting = _mark_waiting_messages(file, now=now)
        with closing(sqlite3.connect(file)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")  # one file
    except sqlite3.Error as error:
        file.unlink()
        message = f"{describe(source)} cannot be copied to {file} ({error})"
        raise StoreUnavailable(message) from None
    except BaseException:
        file.unlink()
        raise
    return waiting


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as copy,
    ):
        reading.backup(copy, pages=_PAGES)


def _mark_waiting_messages(file: Path, *, now: datetime) -> int:
    """Record for each message that was not sent yet that it may have been: restored, it is looked up, not posted a second time."""
    waiting = outbox.c.status == str(DeliveryStatus.PENDING)
    attempt = select(
        outbox.c.key,
        outbox.c.attempts + 1,
        literal(now, deliveries.c.at.type),
        literal(str(DeliveryResult.UNKNOWN)),
        literal(_REASON),
    ).where(waiting)
    engine = build_engine(URL.create("sqlite", database=str(file)))
    try:
        with writing(engine) as connection:
            connection.execute(insert(deliveries).from_select(["message_key", "attempt", "at", "result", "detail"], attempt))
            marked = connection.execute(
                update(outbox)
                .where(waiting)
                .values(status=str(DeliveryStatus.UNKNOWN), attempts=outbox.c.attempts + 1, not_before=now, last_error=_REASON)
            )
            return marked.rowcount
    finally:
        engine.dispose()
