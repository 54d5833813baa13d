"""Connections: how SQLite and PostgreSQL are opened, how a transaction begins, and how their troubles are put into words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.columns import dump_json
from store.errors import StoreUnavailable

BUSY_TIMEOUT_MS: Final = 30_000
"""How long a writer of SQLite waits for another one."""
CONNECT_TIMEOUT_S: Final = 5
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_READS: Final = "store_reads_only"


def parse_url(text: str) -> URL:
    """Read a DATABASE_URL.

    Raises:
        StoreUnavailable: it is no such URL, names another database, or a SQLite that lives in memory and would forget.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        message = "DATABASE_URL is no database URL; write sqlite:///file.db or postgresql://user:password@host/name"
        raise StoreUnavailable(message) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        message = f"DATABASE_URL names {url.drivername}; scaleops-worker keeps its rows in sqlite or postgresql"
        raise StoreUnavailable(message)
    if driver == "sqlite" and (not url.database or url.database == ":memory:"):
        message = "DATABASE_URL names a SQLite database in memory, which would forget everything; write sqlite:///file.db"
        raise StoreUnavailable(message)
    return url.set(drivername=driver)


def describe(url: URL) -> str:
    """Name the database for a person, without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"the SQLite database {url.database}"
    place = f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}"
    return f"the PostgreSQL database {url.database or 'postgres'} at {place}"


def build_engine(url: URL) -> Engine:
    """Make the engine. It connects when first used; errors never repeat the values of a statement."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url, hide_parameters=True, json_serializer=dump_json, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        hide_parameters=True,
        json_serializer=dump_json,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "scaleops-worker"},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, below
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the writer's lock at once, so a second process waits here; taken later, it would fail instead.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Run one transaction that may write. Raises StoreUnavailable."""
    with _in_words(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Run one transaction that sees one state of the database and cannot write. Raises StoreUnavailable."""
    options: dict[str, Any] = {_READS: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with _in_words(engine), engine.connect() as plain, plain.execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def _in_words(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not _is_the_databases_trouble(error):
            raise
        raise StoreUnavailable(_sentence(engine.url, error)) from error
    except PoolTimeout as error:
        message = f"{describe(engine.url)} gave no connection in time: all of them are in use"
        raise StoreUnavailable(message) from error


def _is_the_databases_trouble(error: DBAPIError) -> bool:
    """Tell an unreachable, broken or forbidden database from a statement that is wrong."""
    if isinstance(error, (OperationalError, InterfaceError, InternalError)) or type(error) is DatabaseError:
        return True
    return isinstance(error.orig, InsufficientPrivilege)


def _sentence(url: URL, error: DBAPIError) -> str:
    said = str(error.orig).strip().splitlines()
    reason = said[0].rstrip(".") if said else "no reason given"
    if url.password:
        reason = reason.replace(str(url.password), "***")
    if url.get_backend_name() == "sqlite":
        return f"{describe(url)} cannot be used ({reason}); check DATABASE_URL, the folder and its permissions"
    return f"{describe(url)} cannot be used ({reason}); check DATABASE_URL and the server"
