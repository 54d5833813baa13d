"""PostgreSQL that is silent, read-only, or behind a pooler: nothing waits without end, and each is one sentence."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import NotSupportedError

from store import DatabaseTimeouts, Store, StoreUnavailable
from store.engines import build_engine, reading, translated_errors, writing
from store.postgres import BoundedConnection
from store.urls import parse_url
from tests.services.databases import PostgresServer

SHORT = DatabaseTimeouts(
    statement=timedelta(milliseconds=200),
    lock=timedelta(milliseconds=100),
    idle_transaction=timedelta(milliseconds=100),
    margin=timedelta(milliseconds=100),
)


class SilentProxy:
    """Forwards a unix socket of PostgreSQL until it becomes silent: connections stay open and nothing passes."""

    def __init__(self, behind: Path, folder: Path) -> None:
        self.folder = folder
        self.is_silent = threading.Event()
        self._behind = behind
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._opened: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for opened in (self._listener, *self._opened):
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                front, _ = self._listener.accept()
            except OSError:
                return
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(self._behind / ".s.PGSQL.5432"))
            self._opened += [front, behind]
            for source, target in ((front, behind), (behind, front)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.is_silent.is_set():
                    target.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SilentProxy]:
    with closing(SilentProxy(postgres_server.folder, tmp_path_factory.mktemp("p"))) as proxy:
        yield proxy


@pytest.fixture
def unlimited(postgres_url: str) -> Iterator[Engine]:
    engine = build_engine(parse_url(postgres_url))
    yield engine
    engine.dispose()


@pytest.fixture
def build(postgres_url: str) -> Iterator[Callable[[str], Engine]]:
    built = []

    def build_one(url: str = postgres_url) -> Engine:
        built.append(build_engine(parse_url(url), SHORT))
        return built[-1]

    yield build_one
    for engine in built:
        engine.dispose()


def select_one(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT 1"))


def lock_sweeps(connection: sa.Connection) -> None:
    connection.execute(sa.text("LOCK TABLE sweeps"))


@pytest.mark.parametrize("statements_before", [0, 1, 2])
def test_a_connection_that_forwards_nothing_is_one_sentence(
    proxy: SilentProxy, postgres_server: PostgresServer, postgres_url: str, build: Callable[[str], Engine], statements_before: int
) -> None:
    engine = build(postgres_url.replace(str(postgres_server.folder), str(proxy.folder)) + "&connect_timeout=2")
    with reading(engine) as connection:
        select_one(connection)

    def write() -> None:
        if not statements_before:
            proxy.is_silent.set()
        with writing(engine) as connection:
            select_one(connection)
            proxy.is_silent.set()
            if statements_before == 1:
                select_one(connection)

    with pytest.raises(
        StoreUnavailable, match=r"no response within 0\.3 s; the connection was closed|connection timeout expired"
    ):
        write()
    proxy.is_silent.clear()
    with reading(engine) as connection:
        select_one(connection)


def test_a_statement_has_a_limit(build: Callable[[], Engine]) -> None:
    with pytest.raises(StoreUnavailable, match="statement timeout"), writing(build()) as connection:
        connection.execute(sa.text("SELECT pg_sleep(60)"))


def test_waiting_for_a_lock_has_a_limit(unlimited: Engine, build: Callable[[], Engine]) -> None:
    with writing(unlimited) as holder:
        lock_sweeps(holder)
        with pytest.raises(StoreUnavailable, match="lock timeout"), writing(build()) as waiting:
            lock_sweeps(waiting)


def test_the_transaction_of_a_stopped_process_is_rolled_back(unlimited: Engine, build: Callable[[], Engine]) -> None:
    def stop_in_transaction() -> None:
        with writing(build()) as stopped:
            lock_sweeps(stopped)
            with writing(unlimited) as waiting:
                lock_sweeps(waiting)
            select_one(stopped)

    with pytest.raises(StoreUnavailable, match="idle-in-transaction timeout"):
        stop_in_transaction()


def test_no_statement_is_prepared_and_no_session_setting_is_used(postgres_url: str) -> None:
    """A pooler in transaction mode passes each transaction to another session."""
    engine = build_engine(parse_url(postgres_url))
    for _ in range(10):
        with reading(engine) as connection:
            connection.execute(sa.text("SELECT version_num FROM alembic_version WHERE version_num <> :no"), {"no": ""})
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        assert connection.execute(sa.text("SELECT count(*) FROM pg_prepared_statements")).scalar() == 0
        settings = "SELECT name FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout'"
        assert connection.execute(sa.text(settings)).all() == []
    engine.dispose()


def test_a_parameter_of_the_url_takes_precedence(postgres_url: str) -> None:
    with closing(Store.open(postgres_url + "&application_name=mine&keepalives_idle=7")) as store:
        engine = store._engine
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, BoundedConnection)
            parameters = driver.info.get_parameters()
    assert (parameters["application_name"], parameters["keepalives_idle"]) == ("mine", "7")
    assert (parameters["keepalives_count"], parameters["tcp_user_timeout"]) == ("3", "70000")


def test_a_server_that_takes_no_writes_is_named_as_such(postgres_server: PostgresServer, postgres_url: str) -> None:
    database = postgres_url.partition("@/")[2].partition("?")[0]
    postgres_server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    engine = build_engine(parse_url(postgres_url))
    with (
        pytest.raises(StoreUnavailable, match=r"takes no writes .* DATABASE_URL must name the primary"),
        writing(engine) as connection,
    ):
        connection.execute(sa.text("DELETE FROM outbox"))
    engine.dispose()


def test_a_reading_transaction_writes_nothing(build: Callable[[], Engine]) -> None:
    with pytest.raises(StoreUnavailable, match="read-only transaction"), reading(build()) as connection:
        connection.execute(sa.text("DELETE FROM outbox"))


def test_what_a_standby_does_not_support_is_no_defect(postgres_url: str) -> None:
    """https://www.postgresql.org/docs/current/hot-standby.html: SQLSTATE 0A000 for what writes in another way than a row."""
    engine = build_engine(parse_url(postgres_url))
    cause = psycopg.errors.FeatureNotSupported("cannot set transaction read-write mode during recovery")
    error = NotSupportedError("SELECT", {}, cause)
    with pytest.raises(StoreUnavailable, match="it is a standby, or no longer the primary"), translated_errors(engine):
        raise error
