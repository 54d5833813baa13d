"""The tables come out of the migrations as the schema says, and other versions are refused."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from store import SchemaTooNew, SchemaTooOld, Store, StoreUnavailable, migrate
from store.engines import build_engine, parse_url, reading, writing
from store.schema import REVISION, metadata
from store.upgrades import MIGRATIONS, revision_of


def shape_of(url: str) -> dict[str, object]:
    """Describe every table as the database itself does."""
    engine = build_engine(parse_url(url))
    with reading(engine) as connection:
        inspector = sa.inspect(connection)
        shape: dict[str, object] = {}
        for table in inspector.get_table_names():
            if table == "alembic_version":
                continue
            columns = [
                (
                    column["name"],
                    str(column["type"]),
                    column["nullable"],
                    str(column["default"]).split("::")[0],
                    column.get("autoincrement"),
                )
                for column in inspector.get_columns(table)
            ]
            shape[table] = {
                "columns": columns,
                "primary key": inspector.get_pk_constraint(table),
                "unique": sorted(inspector.get_unique_constraints(table), key=str),
                "foreign keys": sorted(inspector.get_foreign_keys(table), key=str),
                "indexes": sorted(inspector.get_indexes(table), key=str),
            }
    engine.dispose()
    return shape


@pytest.fixture(params=["sqlite", "postgresql"])
def two_empty_urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'two.db'}"
    server = request.getfixturevalue("postgres_server")
    return server.url(server.create()), server.url(server.create())


def test_the_migrations_yield_exactly_the_schema(two_empty_urls: tuple[str, str]) -> None:
    migrated, made = two_empty_urls
    migrate(migrated)
    engine = build_engine(parse_url(made))
    with writing(engine) as connection:
        metadata.create_all(connection)
    engine.dispose()
    assert shape_of(migrated) == shape_of(made)
    assert set(shape_of(migrated)) == set(metadata.tables)


def test_alembic_finds_nothing_left_to_migrate(database_url: str) -> None:
    Store.open(database_url).close()
    engine = build_engine(parse_url(database_url))
    with reading(engine) as connection:
        left = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    engine.dispose()
    assert left == []


def test_the_revision_of_the_code_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [REVISION]
    revisions = [found.revision for found in script.walk_revisions()]
    assert sorted(revisions, reverse=True) == revisions, "older and newer follow the order of the revisions' names"


def test_sqlite_migrates_itself(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    with store.reading() as transaction:
        assert transaction.sweeps.unclosed() == ()
    store.close()


def test_an_empty_postgresql_is_refused_and_migrate_is_named(empty_postgres_url: str) -> None:
    with pytest.raises(SchemaTooOld, match=r"has no tables yet; run: scaleops-worker migrate$"):
        Store.open(empty_postgres_url)
    assert migrate(empty_postgres_url) is None
    Store.open(empty_postgres_url).close()
    assert migrate(empty_postgres_url) == REVISION


def set_revision(url: str, revision: str) -> None:
    engine = build_engine(parse_url(url))
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()


def test_an_older_postgresql_is_refused_and_migrate_is_named(postgres_url: str) -> None:
    set_revision(postgres_url, "0000")
    with pytest.raises(SchemaTooOld, match=r"older version; run: scaleops-worker migrate$"):
        Store.open(postgres_url)


def test_the_tables_of_a_newer_version_are_refused(database_url: str) -> None:
    Store.open(database_url).close()
    set_revision(database_url, "9999")
    with pytest.raises(SchemaTooNew, match="newer scaleops-worker"):
        Store.open(database_url)
    with pytest.raises(SchemaTooNew, match="newer scaleops-worker"):
        migrate(database_url)
    engine = build_engine(parse_url(database_url))
    with reading(engine) as connection:
        assert revision_of(connection) == "9999"
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://worker:hunter2-secret@127.0.0.1:1/costs", "the PostgreSQL database costs at 127.0.0.1:1 cannot be used"),
        ("sqlite:////nowhere/at/all/worker.db", "the SQLite database /nowhere/at/all/worker.db cannot be used"),
        ("sqlite:////proc/worker.db", "the SQLite database /proc/worker.db cannot be used"),
        ("sqlite://", "a SQLite database in memory, which loses its rows"),
        ("mysql://worker:hunter2-secret@db/costs", "DATABASE_URL names mysql"),
        ("hunter2-secret", "DATABASE_URL is not a database URL"),
    ],
)
def test_an_unusable_database_is_one_sentence_without_a_password(url: str, sentence: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(url)
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message
    assert "hunter2-secret" not in message
    with pytest.raises(StoreUnavailable):
        migrate(url)


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(StoreUnavailable, match=r"letter\.db cannot be used \(file is not a database\)"):
        Store.open(f"sqlite:///{file}")
