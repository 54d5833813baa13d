"""Keeps the database of a release as SQL, for the test that upgrades it: run once when a release is made.

Usage: python -m tests.release_dump VERSION. Writes tests/data/releases/VERSION/{sqlite,postgresql}.sql.
"""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from store import Store
from tests.integration.release_sample import fill_every_table
from tests.services.databases import PostgresServer, running_server

FOLDER = Path(__file__).parent / "data" / "releases"
_PG_DUMP = ("--inserts", "--rows-per-insert=100", "--no-owner", "--no-privileges", "--no-comments")


def dump_sqlite(target: Path) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "worker.db"
        with closing(Store.open(f"sqlite:///{file}")) as store:
            fill_every_table(store)
        with closing(sqlite3.connect(file)) as connection:
            target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


def dump_postgresql(target: Path, server: PostgresServer) -> None:
    database = server.create(template="migrated")
    with closing(Store.open(server.url(database))) as store:
        fill_every_table(store)
    done = subprocess.run(
        [server.binaries / "pg_dump", "-h", server.folder, "-U", "postgres", *_PG_DUMP, database],
        capture_output=True,
        text=True,
        check=True,
    )
    # Lines of psql itself, comments and settings of a session are no part of the database.
    kept = [
        line
        for line in done.stdout.splitlines()
        if line and not line.startswith(("\\", "--", "SET ", "SELECT pg_catalog.set_config"))
    ]
    target.write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    target = FOLDER / sys.argv[1]
    target.mkdir(parents=True)
    dump_sqlite(target / "sqlite.sql")
    with running_server() as server:
        dump_postgresql(target / "postgresql.sql", server)
