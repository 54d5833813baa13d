"""Engines for SQLite and PostgreSQL, transactions, and the errors of the drivers as StoreUnavailable."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, NotSupportedError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.columns import dump_json, load_json
from store.errors import StoreUnavailable
from store.postgres import READ_ONLY, DatabaseTimeouts, bound_waiting
from store.urls import describe

BUSY_TIMEOUT_MS: Final = 30_000
"""How long a SQLite writer waits for the lock."""
_JSON: Final[Mapping[str, Any]] = {"json_serializer": dump_json, "json_deserializer": load_json}
_READ_ONLY_SERVER: Final = frozenset({"25006", "0A000"})
"""A statement that writes, and one that a standby does not support at all (https://www.postgresql.org/docs/current/hot-standby.html)."""
_ENVIRONMENT: Final = frozenset({"42501", "3D000", "3F000", "26000", "42P05"})
"""Of the classes of programming errors: privileges, a missing database or schema, prepared statements of another session."""


def build_engine(url: URL, timeouts: DatabaseTimeouts | None = None) -> Engine:
    """Build the engine. It connects on first use; its errors never contain the parameters of a statement."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, **_JSON, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "do_connect", _create_private_file)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(url, **_JSON, hide_parameters=True, pool_pre_ping=True)
    bound_waiting(engine, timeouts or DatabaseTimeouts())
    return engine


def _create_private_file(_dialect: object, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Create a missing database for its owner alone; SQLite gives its -wal and -shm the same mode. An error is left to SQLite.

    An existing file must not be opened: closing it again would release the locks that this process has on it by other connections,
    and another process could then delete the write-ahead log (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    with suppress(OSError):
        os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin in _begin_sqlite
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE acquires the write lock now, where a second writer waits; upgrading a read lock later fails instead.
    is_read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if is_read_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Run one read-write transaction. Raises StoreUnavailable."""
    with translated_errors(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Run one read-only transaction on one snapshot of the database. Raises StoreUnavailable."""
    options: dict[str, Any] = {READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with (
        translated_errors(engine),
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


def check_writable(engine: Engine) -> None:
    """Raise StoreUnavailable if the database takes no writes. Nothing is written; SQLite's lock is acquired for a moment."""
    is_postgresql = engine.dialect.name == "postgresql"
    with writing(engine) as connection:
        if is_postgresql and connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on":
            raise StoreUnavailable(_read_only(engine.url, "its transactions are read-only"))


@contextmanager
def translated_errors(engine: Engine) -> Iterator[None]:
    """Raise StoreUnavailable in place of an error of the database; an error of a statement is left as it is."""
    try:
        yield
    except DBAPIError as error:
        if not _is_of_the_database(error):
            raise
        if getattr(error.orig, "sqlstate", None) in _READ_ONLY_SERVER:
            engine.dispose()  # after a failover the same address may name the new primary
        raise StoreUnavailable(_describe_error(engine.url, error)) from error
    except PoolTimeout as error:
        message = f"{describe(engine.url)} gave no connection in time: all are in use"
        raise StoreUnavailable(message) from error


def _is_of_the_database(error: DBAPIError) -> bool:
    """Return True if the database is unreachable, broken, read-only or forbidden; False if the statement is wrong."""
    if isinstance(error, (OperationalError, InterfaceError, InternalError, NotSupportedError)) or type(error) is DatabaseError:
        return True
    return getattr(error.orig, "sqlstate", None) in _ENVIRONMENT


def _describe_error(url: URL, error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    reason = lines[0].rstrip(".") if lines else "no reason given"
    if url.password:
        reason = reason.replace(str(url.password), "***")
    if url.get_backend_name() == "sqlite":
        return f"{describe(url)} cannot be used ({reason}); check DATABASE_URL, the folder and its permissions"
    if getattr(error.orig, "sqlstate", None) in _READ_ONLY_SERVER:
        return _read_only(url, reason)
    return f"{describe(url)} cannot be used ({reason}); check DATABASE_URL and the server"


def _read_only(url: URL, reason: str) -> str:
    return f"{describe(url)} takes no writes ({reason}): it is a standby, or no longer the primary; DATABASE_URL must name the primary"
