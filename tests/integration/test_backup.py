"""A back-up of a database in use is complete, private, and sends nothing twice when it is restored."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from domain.messages import DeliveryStatus
from simulator.serving import Simulator
from store import Store, StoreUnavailable
from store.backup import backup
from tasks.deliver.stage import deliver
from tests.factories import NOW, TEAM_CHANNEL, make_message
from tests.services.commands import Run
from tests.stage_factories import CHANNELS, ManualClock, make_delivery_services, make_stage_context, message_counts, posted_texts


def put(store: Store, *keys: str) -> None:
    with store.transaction() as transaction:
        transaction.outbox.put([make_message(key) for key in keys])


def deliver_all(store: Store, simulator: Simulator, clock: ManualClock) -> dict[str, int]:
    services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
    return dict(deliver(make_stage_context(store, clock, services)).counts)


def test_a_restored_outbox_looks_up_what_was_sent_after_the_back_up(
    sqlite_url: str, tmp_path: Path, simulator: Simulator
) -> None:
    simulator.state.clock.set(NOW)
    simulator.state.slack.channels = CHANNELS
    clock = ManualClock(NOW, simulator)
    file = tmp_path / "copy.db"
    with closing(Store.open(sqlite_url)) as store:
        put(store, "k1", "k2")
        assert backup(sqlite_url, file, now=NOW) == 2
        deliver_all(store, simulator, clock)
    posted = len(posted_texts(simulator, TEAM_CHANNEL))
    with closing(Store.open(f"sqlite:///{file}")) as restored:
        put(restored, "k3")
        deliver_all(restored, simulator, clock)
        with restored.reading() as transaction:
            assert message_counts(transaction)[DeliveryStatus.SENT] == 3

    assert posted == 2
    assert len(posted_texts(simulator, TEAM_CHANNEL)) == 3


def test_a_back_up_is_complete_while_the_database_is_used(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "copies" / "copy.db"
    file.parent.mkdir()
    with closing(Store.open(sqlite_url)) as store:
        put(store, "k1")  # committed, and in the -wal file only
        backup(sqlite_url, file, now=NOW)
        with store.reading() as transaction:
            assert message_counts(transaction) == {DeliveryStatus.PENDING: 1}

    assert [path.name for path in file.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT key, status, attempts FROM outbox").fetchall() == [("k1", "unknown", 1)]


def test_what_cannot_be_backed_up_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    with pytest.raises(StoreUnavailable, match="its own tools, for example pg_dump"):
        backup("postgresql://u:hunter2@db/x", file, now=NOW)
    with pytest.raises(StoreUnavailable, match=r"missing\.db does not exist; check DATABASE_URL"):
        backup(f"sqlite:///{tmp_path}/missing.db", file, now=NOW)
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, " * 100, encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        backup(f"sqlite:///{tmp_path}/letter.db", file, now=NOW)

    assert not file.exists()


def test_an_existing_file_is_not_overwritten(run: Run, sqlite_url: str, tmp_path: Path) -> None:
    Store.open(sqlite_url).close()
    file = tmp_path / "copy.db"
    done = run("backup", str(file), "--json", DATABASE_URL=sqlite_url)
    again = run("backup", str(file), DATABASE_URL=sqlite_url)

    assert done.lines == [{"file": str(file), "bytes": file.stat().st_size, "waitingMessages": 0}]
    assert (done.status, again.status) == (0, 1)
    assert again.err == f"scaleops-worker: {file}: File exists\n"
