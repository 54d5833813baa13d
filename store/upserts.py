"""INSERT ... ON CONFLICT in both dialects: writes that are harmless when repeated.

PostgreSQL gets many rows as one statement with an array for each column, SQLite, which has no arrays and no network, row by row. A statement
for each row costs both sides of a PostgreSQL connection several times as much: docs/decisions/0032.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Float, Table, TableValuedAlias, bindparam, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.types import TypeEngine

from store.columns import storable

Row = Mapping[str, Any]

_MANY: Final = 8
"""Rows from which on arrays are used: a heartbeat needs none."""


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
    if _takes_arrays(connection, rows):
        statement = table.insert().from_select(list(names), select(*rows_of_arrays(table, names).c))
        connection.execute(statement, arrays_of(table, names, rows))
    else:
        connection.execute(table.insert(), list(rows))


def upsert(
    connection: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str], unless_smaller: str | None = None
) -> None:
    """Insert rows, or update the existing row with the same unique `key`.

    With `unless_smaller`, an existing row whose value in that column is smaller is not updated.
    """
    if not rows:
        return
    names = tuple(rows[0])
    with_arrays = _takes_arrays(connection, rows) and _differ(rows, key)
    statement = _build_upsert(table, connection.dialect.name, tuple(key), names, unless_smaller, with_arrays=with_arrays)
    connection.execute(statement, arrays_of(table, names, rows) if with_arrays else list(rows))


@lru_cache(maxsize=64)
def _build_upsert(
    table: Table, dialect: str, key: tuple[str, ...], names: tuple[str, ...], unless_smaller: str | None, *, with_arrays: bool
) -> PostgresInsert | SqliteInsert:
    """Cached: building the statement takes as long as running it with a few rows."""
    statement = _insert_into(table, dialect)
    if with_arrays:
        statement = statement.from_select(list(names), select(*rows_of_arrays(table, names).c))
    condition: ColumnElement[bool] | None = None
    if unless_smaller is not None:
        condition = statement.excluded[unless_smaller] <= table.c[unless_smaller]
    values = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values, where=condition)


def insert_new(connection: Connection, table: Table, row: Row) -> bool:
    """Insert a row unless its unique key exists. Return True if it was inserted."""
    return connection.execute(insert_into(connection, table).on_conflict_do_nothing(), dict(row)).rowcount == 1


def rows_of_arrays(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """Return rows with these columns of a table, from parameters of the same names that are arrays. PostgreSQL only."""
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type, dimensions=1)) for name in names]
    return func.unnest(*arrays).table_valued(*(column(name, table.c[name].type) for name in names), name="given").render_derived()


def arrays_of(table: Table, names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return rows as the parameters of `rows_of_arrays`."""
    return {name: _array(table.c[name].type, [row[name] for row in rows]) for name in names}


def _array(of: TypeEngine[Any], values: list[Any]) -> list[Any]:
    """Return the values of a column. psycopg takes no list with both integers and floats."""
    return [None if value is None else float(value) for value in values] if isinstance(of, Float) else values


def _differ(rows: Sequence[Row], key: Sequence[str]) -> bool:
    """Return True if no two rows have the same key as it is stored: one statement must not update a row twice."""
    return len({tuple(storable(str(row[name])) for name in key) for row in rows}) == len(rows)


def _takes_arrays(connection: Connection, rows: Sequence[Row]) -> bool:
    return len(rows) >= _MANY and connection.dialect.name == "postgresql"
