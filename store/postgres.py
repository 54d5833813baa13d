"""Connections to PostgreSQL that never wait without end, whatever is silent: the server, the network, another transaction.

The server limits a statement, a lock and an idle transaction; these limits are set in each transaction, because a pooler such as PgBouncer
passes no session settings on. The client limits its own wait for a response, because a connection that forwards nothing also forwards no
error. For the same pooler no statement is prepared: docs/decisions has the measurement.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

T = TypeVar("T")

CONNECT_TIMEOUT_S: Final = 5
READ_ONLY: Final = "store_read_only"
"""Execution option of transactions that write nothing."""
_KEEPALIVE: Final = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseTimeouts:
    """Limits of each transaction on PostgreSQL. SQLite has one for locks: `BUSY_TIMEOUT_MS`."""

    statement: timedelta = timedelta(seconds=60)
    lock: timedelta = timedelta(seconds=30)
    """Waiting for a row or table that another transaction has locked."""
    idle_transaction: timedelta = timedelta(minutes=2)
    """Between two statements: the transaction of a process that was stopped is rolled back, so that its locks are free."""

    margin: timedelta = timedelta(seconds=10)
    """How much longer the client waits than the server works: the server's error says more."""

    @property
    def answer_s(self) -> float:
        """How long the client waits for the response to a statement."""
        return (self.statement + self.margin).total_seconds()


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when a response takes too long. `tests/integration/test_postgres_silence.py` holds `wait`."""

    answer_s: float = DatabaseTimeouts().answer_s

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:  # noqa: ANN401 - as psycopg calls it
        """Run one exchange with the server, within `answer_s`."""
        return super().wait(self._bounded(gen), *args, **options)

    def _bounded(self, exchange: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        deadline = time.monotonic() + self.answer_s
        try:
            state = next(exchange)
            while True:
                ready = yield state
                if not ready and time.monotonic() > deadline:
                    self.pgconn.finish()
                    message = f"no response within {self.answer_s:g} s; the connection was closed"
                    raise psycopg.OperationalError(message)
                state = exchange.send(ready)
        except StopIteration as done:
            result: T = done.value
            return result


def connect_options(timeouts: DatabaseTimeouts) -> dict[str, Any]:
    """Return the options of libpq and psycopg; a parameter of the URL takes precedence over each."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "scaleops-worker",
        "client_encoding": "utf8",
        "tcp_user_timeout": int(timeouts.answer_s * 1000),
        **_KEEPALIVE,
    }


def bound_waiting(engine: Engine, timeouts: DatabaseTimeouts) -> None:
    """Make every connection and transaction of an engine observe the limits."""
    limits = {
        "statement_timeout": timeouts.statement,
        "lock_timeout": timeouts.lock,
        "idle_in_transaction_session_timeout": timeouts.idle_transaction,
    }
    statement = "; ".join(f"SET LOCAL {name} = {int(limit.total_seconds() * 1000)}" for name, limit in limits.items())

    def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> BoundedConnection:
        connection = BoundedConnection.connect(*arguments, **{**connect_options(timeouts), **options}, prepare_threshold=None)
        connection.answer_s = timeouts.answer_s
        return connection

    def begin(connection: Connection) -> None:
        # Not by SQLAlchemy's option, which would reset the session to read-write: a standby refuses that, and it hides a server's default.
        is_read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql(f"SET TRANSACTION READ ONLY; {statement}" if is_read_only else statement)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "begin", begin)
