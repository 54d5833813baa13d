"""The tables come out of the migrations as the schema says, and other versions are refused."""

import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from store import SchemaMismatch, SchemaNotOurs, SchemaTooNew, SchemaTooOld, Store, StoreUnavailable, migrate
from store.engines import build_engine, reading, writing
from store.schema import REVISION, metadata
from store.upgrades import MIGRATIONS, schema_problem
from store.urls import parse_url
from tests.services.databases import PostgresServer
from tests.services.table_shapes import shape_of
from wiring.environment import resolve_settings
from wiring.settings import SettingsError

OURS = ["alembic_version", *metadata.tables]


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


def test_sqlite_migrates_itself(empty_sqlite_url: str) -> None:
    store = Store.open(empty_sqlite_url)
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


@pytest.mark.parametrize(
    ("tables", "versions", "kind", "sentence"),
    [
        ([], [], None, ""),
        (["orders"], [], None, ""),
        (["sweeps"], [], SchemaNotOurs, "already has a table sweeps that scaleops-worker did not create; give"),
        (OURS, [REVISION], None, ""),
        (OURS, ["0000"], SchemaTooOld, "has the tables of version 0000, which cannot be migrated; restore a backup"),
        (OURS, ["9999"], SchemaTooNew, "has the tables of a newer scaleops-worker"),
        (OURS, [], SchemaNotOurs, "has a table alembic_version of another application, or an incomplete one; give"),
        (OURS, [""], SchemaNotOurs, "of another application, or an incomplete one"),
        (["alembic_version", "orders"], ["9999"], SchemaNotOurs, "of another application"),
        (["alembic_version", "orders"], [REVISION], SchemaNotOurs, "of another application"),
        (["alembic_version", "orders"], ["5f2a1c9be0d4"], SchemaNotOurs, "of another application"),
        (OURS, [REVISION, "5f2a1c9be0d4"], SchemaNotOurs, "of another application"),
    ],
)
def test_whose_tables_a_database_has_is_one_sentence(
    tables: list[str], versions: list[str], kind: type[SchemaMismatch] | None, sentence: str
) -> None:
    problem = schema_problem(tables, versions)

    assert (problem[0] if problem else None) is kind
    assert sentence in (problem[1] if problem else "")


@pytest.mark.parametrize("statement", ["CREATE TABLE sweeps (id TEXT)", "CREATE TABLE alembic_version (version_num TEXT)"])
def test_the_tables_of_another_application_are_left_alone(two_empty_urls: tuple[str, str], statement: str) -> None:
    url, _ = two_empty_urls
    engine = build_engine(parse_url(url))
    with writing(engine) as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    for use in (migrate, Store.open):
        with pytest.raises(SchemaNotOurs, match="of its own"):
            use(url)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server: PostgresServer, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    for use in (migrate, Store.open):
        with pytest.raises(SchemaNotOurs, match=f"has the encoding {encoding}, .* ENCODING 'UTF8'"):
            use(postgres_server.url(name))
    postgres_server.execute(f"DROP DATABASE {name}")


def test_a_new_sqlite_database_is_readable_by_its_owner_alone(empty_sqlite_url: str, tmp_path: Path) -> None:
    store = Store.open(empty_sqlite_url)
    with store.transaction() as transaction:
        transaction.sweeps.unclosed()
    files = sorted(tmp_path.iterdir())

    assert [file.name for file in files] == ["worker.db", "worker.db-shm", "worker.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    store.close()


def test_the_tables_of_a_newer_version_are_refused(database_url: str) -> None:
    Store.open(database_url).close()
    set_revision(database_url, "9999")
    with pytest.raises(SchemaTooNew, match="newer scaleops-worker"):
        Store.open(database_url)
    with pytest.raises(SchemaTooNew, match="newer scaleops-worker"):
        migrate(database_url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://worker:hunter2-secret@127.0.0.1:1/costs", "the PostgreSQL database costs at 127.0.0.1:1 cannot be used"),
        ("sqlite:////nowhere/at/all/worker.db", "the SQLite database /nowhere/at/all/worker.db cannot be used"),
        ("sqlite:////proc/worker.db", "the SQLite database /proc/worker.db cannot be used"),
        ("sqlite://", "a SQLite database in memory, which loses its rows"),
        ("mysql://worker:hunter2-secret@db/costs", "DATABASE_URL names mysql"),
        ("hunter2-secret", "DATABASE_URL is not a database URL"),
        ("sqlite://worker.db", "has two slashes in front of the file; write sqlite:///file.db"),
        ("sqlite://hunter2-secret@host/worker.db", "has two slashes in front of the file"),
        ("sqlite:worker.db", "DATABASE_URL is not a database URL"),
        ("sqlite:///worker.db?mode=ro", "has parameters; a SQLite database has none"),
        ("postgresql+psycopg2://worker:hunter2-secret@db/costs", "names the driver psycopg2; write postgresql://"),
        ("postgresql+asyncpg://worker:hunter2-secret@db/costs", "names the driver asyncpg; write postgresql://"),
        ("jdbc:postgresql://db/costs", "DATABASE_URL is not a database URL"),
        (
            "postgresql://worker:hunter2-secret@db/costs?ssl=true",
            "has the parameter ssl, which is unknown; write sslmode=require",
        ),
        ("postgresql://db/costs?schema=public", "has the parameter schema, which is unknown; write options=-csearch_path%3Dname"),
        ("postgresql://db/costs?pool_size=5", "has the parameter pool_size, which is unknown; the parameters are those of libpq"),
        ("postgresql://db/costs?prepare_threshold=0", "has the parameter prepare_threshold, which is unknown; leave it out"),
        ("postgresql://db/costs?hunter2-secret=1", "has the parameter (not shown), which is unknown"),
        (
            "postgresql://worker:hunter2-secret@a:5432,b:5432/costs",
            "names several hosts before the slash; write them as parameters",
        ),
        ("postgresql://worker:pass@hunter2-secret@db/costs", "percent-encode the password"),
        ("postgresql://worker:pass/hunter2-secret@db/costs", "percent-encode the password"),
        ("postgresql://worker:pass#hunter2-secret@db/costs", "percent-encode the password"),
        ("postgresql://worker:pass?hunter2-secret@db/costs", "percent-encode the password"),
        ("postgresql://worker:hunter2-secret%zz@db/costs", "percent-encode the password"),
        ("postgresql://worker:hunter2-secret@db:port/costs", "cannot be parsed, perhaps its host or port is not valid"),
        ("postgresql://worker:hunter2-secret@db:99999/costs", "cannot be parsed, perhaps its host or port is not valid"),
        ("postgresql://worker:secret@db/costs#hunter2-secret", "cannot be parsed"),
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


@pytest.mark.parametrize(
    "url",
    ["postgresql+asyncpg://db/x", "postgresql://u:p@ss@db/x", "postgresql://db/x?ssl=true", "sqlite://x.db", "mysql://db/x"],
)
def test_check_config_says_the_same_without_a_connection(url: str) -> None:
    with pytest.raises(SettingsError) as problem:
        resolve_settings({"DATABASE_URL": url}, None)
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(url)

    assert str(problem.value) == str(refused.value).replace("DATABASE_URL ", "DATABASE_URL: ", 1)
