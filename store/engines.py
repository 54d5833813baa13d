"""Engines for SQLite and PostgreSQL, transactions, and the errors of the drivers as StoreUnavailable."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Final

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.columns import dump_json
from store.errors import StoreUnavailable

BUSY_TIMEOUT_MS: Final = 30_000
"""How long a SQLite writer waits for the lock."""
CONNECT_TIMEOUT_S: Final = 5
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_READ_ONLY: Final = "store_read_only"


def parse_url(text: str) -> URL:
    """Parse a DATABASE_URL.

    Raises:
        StoreUnavailable: not a URL of SQLite or PostgreSQL, or a SQLite database in memory, which would be lost.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        message = "DATABASE_URL is not a database URL; write sqlite:///file.db or postgresql://user:password@host/name"
        raise StoreUnavailable(message) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        message = f"DATABASE_URL names {url.drivername}; supported are sqlite and postgresql"
        raise StoreUnavailable(message)
    if driver == "sqlite" and (not url.database or url.database == ":memory:"):
        message = "DATABASE_URL names a SQLite database in memory, which loses its rows; write sqlite:///file.db"
        raise StoreUnavailable(message)
    return url.set(drivername=driver)


def describe(url: URL) -> str:
    """Return the database's name for messages, without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"the SQLite database {url.database}"
    server = f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}"
    return f"the PostgreSQL database {url.database or 'postgres'} at {server}"


def build_engine(url: URL) -> Engine:
    """Build the engine. It connects on first use; its errors never contain the parameters of a statement."""
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
    connection.isolation_level = None  # transactions begin in _begin_sqlite
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE acquires the write lock now, where a second writer waits; upgrading a read lock later fails instead.
    is_read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if is_read_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Run one read-write transaction. Raises StoreUnavailable."""
    with _translated_errors(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Run one read-only transaction on one snapshot of the database. Raises StoreUnavailable."""
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with (
        _translated_errors(engine),
        engine.connect() as plain,
        plain.execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


def read_clock(connection: Connection) -> datetime:
    """Return the present instant of the server; SQLite's is that of this machine."""
    if connection.dialect.name == "sqlite":
        text: str = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    found: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return found.astimezone(timezone.utc)


@contextmanager
def _translated_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not _is_transient(error):
            raise
        raise StoreUnavailable(_describe_error(engine.url, error)) from error
    except PoolTimeout as error:
        message = f"{describe(engine.url)} gave no connection in time: all are in use"
        raise StoreUnavailable(message) from error


def _is_transient(error: DBAPIError) -> bool:
    """Return True if the database is unreachable, broken or forbidden; False if the statement is wrong."""
    if isinstance(error, (OperationalError, InterfaceError, InternalError)) or type(error) is DatabaseError:
        return True
    return isinstance(error.orig, InsufficientPrivilege)


def _describe_error(url: URL, error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    reason = lines[0].rstrip(".") if lines else "no reason given"
    if url.password:
        reason = reason.replace(str(url.password), "***")
    if url.get_backend_name() == "sqlite":
        return f"{describe(url)} cannot be used ({reason}); check DATABASE_URL, the folder and its permissions"
    return f"{describe(url)} cannot be used ({reason}); check DATABASE_URL and the server"
