"""The two ways to write a row so that a repeat is harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

Row = Mapping[str, Any]


def insert_into(connection: Connection, table: Table) -> PostgresInsert | SqliteInsert:
    """Begin an INSERT that knows ON CONFLICT, in the dialect of the connection, and counts its rows.

    On PostgreSQL an INSERT into a table with a serial column returns that column, and then SQLAlchemy forgets the count.
    """
    return _insert_into(table, connection.dialect.name)


def _insert_into(table: Table, dialect: str) -> PostgresInsert | SqliteInsert:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.execution_options(preserve_rowcount=True)


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    keep: Sequence[str] = (),
    unless_fuller: str | None = None,
) -> None:
    """Insert rows; where one with the same unique `key` stands, overwrite it, but for the columns in `keep`.

    With `unless_fuller` naming a column, a standing row in which that column is smaller is left as it is.
    """
    if not rows:
        return
    changed = tuple(name for name in rows[0] if name not in key and name not in keep)
    statement = _build_upsert(table, connection.dialect.name, tuple(key), changed, unless_fuller)
    connection.execute(statement, list(rows))


@lru_cache(maxsize=64)
def _build_upsert(
    table: Table, dialect: str, key: tuple[str, ...], changed: tuple[str, ...], unless_fuller: str | None
) -> PostgresInsert | SqliteInsert:
    """Build the statement of `upsert`. Building it costs as much as running it with a few rows, and there are few of them."""
    statement = _insert_into(table, dialect)
    condition: ColumnElement[bool] | None = None
    if unless_fuller is not None:
        condition = statement.excluded[unless_fuller] <= table.c[unless_fuller]
    values = {name: statement.excluded[name] for name in changed}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values, where=condition)


def insert_new(connection: Connection, table: Table, row: Row) -> bool:
    """Insert a row unless one with its unique key stands; say whether it was inserted."""
    return connection.execute(insert_into(connection, table).on_conflict_do_nothing(), dict(row)).rowcount == 1
