"""INSERT ... ON CONFLICT in both dialects: writes that are harmless when repeated.

PostgreSQL gets many rows as one JSON document in one statement, SQLite, which has no network, row by row. A statement for each row costs
both sides of a PostgreSQL connection several times as much: docs/decisions/0032.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, TableValuedAlias, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

from store.columns import dump_rows, storable

Row = Mapping[str, Any]

_MANY: Final = 8
"""Rows from which on a document is used: a heartbeat needs none."""
_ROWS: Final = "rows"


def insert_into(connection: Connection, table: Table) -> PostgresInsert | SqliteInsert:
    """Return an INSERT with ON CONFLICT in the dialect of the connection."""
    return _insert_into(table, connection.dialect.name)


def _insert_into(table: Table, dialect: str) -> PostgresInsert | SqliteInsert:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    # For a serial column SQLAlchemy adds RETURNING on PostgreSQL, and then drops the row count.
    return insert.execution_options(preserve_rowcount=True)


def insert_many(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, all with the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    if _takes_document(connection, rows):
        statement = table.insert().from_select(list(names), select(*given_rows(table, names).c))
        connection.execute(statement, document_of(rows))
    else:
        connection.execute(table.insert(), list(rows))


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    unless_smaller: str | None = None,
    are_distinct: bool = False,
) -> None:
    """Insert rows, or update the existing row with the same unique `key`. `are_distinct`: no two rows have the same one, as stored.

    With `unless_smaller`, an existing row whose value in that column is smaller is not updated.
    """
    if not rows:
        return
    names = tuple(rows[0])
    as_document = _takes_document(connection, rows) and (are_distinct or _differ(rows, key))
    statement = _build_upsert(table, connection.dialect.name, tuple(key), names, unless_smaller, as_document=as_document)
    connection.execute(statement, document_of(rows) if as_document else list(rows))


@lru_cache(maxsize=64)
def _build_upsert(
    table: Table, dialect: str, key: tuple[str, ...], names: tuple[str, ...], unless_smaller: str | None, *, as_document: bool
) -> PostgresInsert | SqliteInsert:
    """Cached: building the statement takes as long as running it with a few rows."""
    statement = _insert_into(table, dialect)
    if as_document:
        statement = statement.from_select(list(names), select(*given_rows(table, names).c))
    condition: ColumnElement[bool] | None = None
    if unless_smaller is not None:
        condition = statement.excluded[unless_smaller] <= table.c[unless_smaller]
    values = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values, where=condition)


def insert_new(connection: Connection, table: Table, row: Row) -> bool:
    """Insert a row unless its unique key exists. Return True if it was inserted."""
    return connection.execute(insert_into(connection, table).on_conflict_do_nothing(), dict(row)).rowcount == 1


def given_rows(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """Return the rows of `document_of` with these columns of a table. PostgreSQL only."""
    document = func.json_to_recordset(cast(bindparam(_ROWS, type_=Text), JSON))
    return document.table_valued(*(column(name, table.c[name].type) for name in names), name="given").render_derived(
        with_types=True
    )


def document_of(rows: Sequence[Row]) -> dict[str, str]:
    """Return rows as the parameter of `given_rows`."""
    return {_ROWS: dump_rows(rows)}


def _differ(rows: Sequence[Row], key: Sequence[str]) -> bool:
    """Return True if no two rows have the same key as it is stored: one statement must not update a row twice."""
    return len({tuple(storable(str(row[name])) for name in key) for row in rows}) == len(rows)


def _takes_document(connection: Connection, rows: Sequence[Row]) -> bool:
    return len(rows) >= _MANY and connection.dialect.name == "postgresql"
