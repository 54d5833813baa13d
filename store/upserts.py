"""INSERT ... ON CONFLICT in both dialects: writes that are harmless when repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

Row = Mapping[str, Any]


def insert_into(connection: Connection, table: Table) -> PostgresInsert | SqliteInsert:
    """Return an INSERT with ON CONFLICT in the dialect of the connection."""
    return _insert_into(table, connection.dialect.name)


def _insert_into(table: Table, dialect: str) -> PostgresInsert | SqliteInsert:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    # For a serial column SQLAlchemy adds RETURNING on PostgreSQL, and then drops the row count.
    return insert.execution_options(preserve_rowcount=True)


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    unless_smaller: str | None = None,
    unless_newer: str | None = None,
) -> None:
    """Insert rows, or update the existing row with the same unique `key`.

    With `unless_smaller`, an existing row whose value in that column is smaller is not updated; with `unless_newer`, nor is one with
    the same value there and a later instant in this column.
    """
    if not rows:
        return
    changed = tuple(name for name in rows[0] if name not in key)
    statement = _build_upsert(table, connection.dialect.name, tuple(key), changed, (unless_smaller, unless_newer))
    connection.execute(statement, list(rows))


@lru_cache(maxsize=64)
def _build_upsert(
    table: Table, dialect: str, key: tuple[str, ...], changed: tuple[str, ...], unless: tuple[str | None, str | None]
) -> PostgresInsert | SqliteInsert:
    """Cached: building the statement takes as long as running it with a few rows."""
    statement = _insert_into(table, dialect)
    unless_smaller, unless_newer = unless
    condition: ColumnElement[bool] | None = None
    if unless_smaller is not None:
        condition = statement.excluded[unless_smaller] <= table.c[unless_smaller]
        if unless_newer is not None:
            is_newer = statement.excluded[unless_newer] >= table.c[unless_newer]
            is_smaller = statement.excluded[unless_smaller] < table.c[unless_smaller]
            condition = or_(is_smaller, and_(condition, or_(is_newer, table.c[unless_newer].is_(None))))
    values = {name: statement.excluded[name] for name in changed}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values, where=condition)


def insert_new(connection: Connection, table: Table, row: Row) -> bool:
    """Insert a row unless its unique key exists. Return True if it was inserted."""
    return connection.execute(insert_into(connection, table).on_conflict_do_nothing(), dict(row)).rowcount == 1
