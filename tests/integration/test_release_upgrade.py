"""The schema and rows of each release are upgraded by `migrate`, and the stages go on from them.

A released migration is never changed: add a new one. `python -m tests.release_dump VERSION` keeps the next release.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from store import Store, migrate
from store.engines import build_engine, writing
from store.schema import metadata
from store.upgrades import MIGRATIONS, VERSION_TABLE
from store.urls import parse_url
from tasks.evaluate.stage import evaluate
from tasks.report.stage import report_due
from tests.factories import PAYMENTS
from tests.integration.history_sample import DUE, MONDAY, record_newest, run
from tests.integration.release_sample import count_rows
from tests.release_dump import FOLDER
from tests.services.databases import PostgresServer
from tests.services.table_shapes import shape_of
from tests.stage_factories import make_history_context, make_stage_context, weekly_report

REVISIONS = {"0.1": "0001"}
"""The revision of each kept release."""
WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Released:
    """A database as a release left it, and an empty one of the same kind."""

    release: str
    url: str
    empty_url: str


@pytest.fixture(params=[(release, kind) for release in REVISIONS for kind in ("sqlite", "postgresql")], ids=" on ".join)
def released(request: pytest.FixtureRequest) -> Released:
    release, kind = request.param
    dump = (FOLDER / release / f"{kind}.sql").read_text(encoding="utf-8")
    if kind == "sqlite":
        url: str = request.getfixturevalue("empty_sqlite_url")
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(dump)
        return Released(release=release, url=url, empty_url=f"{url}.empty")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.url(server.create())
    with psycopg.connect(url) as target:
        target.execute(dump.encode())
    return Released(release=release, url=url, empty_url=server.url(server.create()))


def upgrade_to(revision: str, url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = build_engine(parse_url(url))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_released_migration_still_makes_the_tables_of_its_release(released: Released) -> None:
    """It runs on no database that is in use: a change of it would exist in new databases only."""
    upgrade_to(REVISIONS[released.release], released.empty_url)

    assert shape_of(released.empty_url) == shape_of(released.url)


def test_a_released_database_gets_the_tables_of_this_version_and_keeps_its_rows(released: Released) -> None:
    before = count_rows(released.url)
    assert set(before) == {*shape_of(released.url), VERSION_TABLE}
    assert all(before.values()), "every table of a release has rows to upgrade"

    assert migrate(released.url) == REVISIONS[released.release]

    migrate(released.empty_url)
    assert shape_of(released.url) == shape_of(released.empty_url)
    after = count_rows(released.url)
    assert {name: after[name] for name in before if name in metadata.tables} == {
        name: count for name, count in before.items() if name in metadata.tables
    }


def test_the_stages_go_on_from_a_released_database(released: Released) -> None:
    migrate(released.url)
    with closing(Store.open(released.url)) as store:
        record_newest(store, MONDAY + WEEK)
        evaluate(make_stage_context(store, MONDAY + WEEK + timedelta(minutes=10)))
        made = report_due(make_stage_context(store, DUE + WEEK)).made
        (report,) = (found for found in map(weekly_report, made) if found.team == str(PAYMENTS))
        history = make_history_context(store, DUE + WEEK)
        trend = run(history, "get_cost_trend", entityRef=str(PAYMENTS))
        alerts = run(history, "list_alerts", entityRef="component:default/checkout")["alerts"]

    assert report.headline.change is not None
    assert report.headline.change.like_for_like.amount == 0
    assert [week["cost"] for week in trend["weeks"]] == [117, 145, 145, 145]
    assert [(alert["phase"], alert["paged"]) for alert in alerts] == [("firing", True)]
