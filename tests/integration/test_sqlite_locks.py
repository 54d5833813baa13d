"""A process keeps the locks that it has on the SQLite file, whatever other connections it opens and closes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from store import Store
from tests.factories import NOW

READ = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM heartbeats').fetchall(); c.close()"


def test_another_process_does_not_delete_the_log_of_a_database_in_use(sqlite_store: Store, sqlite_url: str) -> None:
    """The last connection deletes the write-ahead log; without its lock this process would not count as one."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with sqlite_store.transaction() as t:
        t.heartbeats.record("deliver", at=NOW)
    with sqlite_store.reading():
        sqlite_store.now()  # another connection of this process
        subprocess.run([sys.executable, "-c", READ, str(file)], check=True)
        assert Path(f"{file}-wal").exists()
