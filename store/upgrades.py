"""Migrates a database to this version and checks whose tables it has. Alembic is imported only to migrate."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import Engine

from store.engines import build_engine, reading, writing
from store.errors import SchemaMismatch, SchemaNotOurs, SchemaTooNew, SchemaTooOld
from store.postgres import DatabaseTimeouts
from store.schema import REVISION, metadata
from store.urls import describe, parse_url

VERSION_TABLE: Final = "alembic_version"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_MIGRATION_TIMEOUTS: Final = DatabaseTimeouts(statement=timedelta(hours=1), lock=timedelta(minutes=10))
_LOCK: Final = 0x5CA1E095
"""PostgreSQL advisory lock of migrations: an arbitrary number of our own."""
_OWN_DATABASE: Final = "give scaleops-worker a database of its own (on PostgreSQL a schema: ?options=-csearch_path%3Dname)"


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database; None when it has none of our tables.

    Raises:
        SchemaMismatch: the tables are another application's, or those of a revision that cannot be migrated.
    """
    tables = inspect(connection).get_table_names()
    versions: list[str] = []
    if VERSION_TABLE in tables:
        versions = [str(found) for found in connection.execute(text(f"SELECT * FROM {VERSION_TABLE}")).scalars()]
    problem = schema_problem(tables, versions)
    if problem is not None:
        kind, message = problem
        sentence = f"{describe(connection.engine.url)} {message}"
        raise kind(sentence)
    return versions[0] if versions else None


def schema_problem(tables: Collection[str], versions: Collection[str]) -> tuple[type[SchemaMismatch], str] | None:
    """Decide by the tables of a database, and the rows of its version table, whether it can be used or migrated."""
    ours = sorted(set(metadata.tables).intersection(tables))
    found = next(iter(versions), None)
    if VERSION_TABLE not in tables:
        if not ours:
            return None
        return SchemaNotOurs, f"already has a table {ours[0]} that scaleops-worker did not create; {_OWN_DATABASE}"
    if len(versions) != 1 or found is None or not re.fullmatch(r"\d{4}", found) or not ours:
        return SchemaNotOurs, f"has a table {VERSION_TABLE} of another application, or an incomplete one; {_OWN_DATABASE}"
    if found > REVISION:
        return SchemaTooNew, "has the tables of a newer scaleops-worker; run that version, or restore a backup"
    if found not in {file.name[1:5] for file in (MIGRATIONS / "versions").glob("v*.py")}:
        return (
            SchemaTooOld,
            f"has the tables of version {found}, which cannot be migrated; restore a backup, or use a new database",
        )
    return None


def migrate(url: str) -> str | None:
    """Migrate the database to this version in one transaction, and return its revision before; None for an empty one.

    Of two concurrent migrations one waits and finds nothing to do.

    Raises:
        StoreUnavailable: it cannot be reached or written.
        SchemaMismatch: a newer version migrated it, or another application uses it.
    """
    engine = build_engine(parse_url(url), _MIGRATION_TIMEOUTS)
    try:
        return migrate_engine(engine)
    finally:
        engine.dispose()


def migrate_engine(engine: Engine) -> str | None:
    """Migrate the database of an engine; see `migrate`."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            _check_encoding(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        before = revision_of(connection)
        if before != REVISION:
            _upgrade(connection)
        return before


def check(engine: Engine) -> None:
    """Check that the tables are those of this version. SQLite is migrated, PostgreSQL is not.

    Raises:
        SchemaTooOld: PostgreSQL with older tables, or none.
        SchemaTooNew: a newer version migrated it.
        SchemaNotOurs: another application uses it, or its encoding is not UTF8.
        StoreUnavailable: it cannot be reached or written.
    """
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            _check_encoding(connection)
        found = revision_of(connection)
    if found == REVISION:
        return
    if engine.dialect.name == "sqlite":
        migrate_engine(engine)
        return
    state = "has no tables yet" if found is None else "has the tables of an older version"
    message = f"{describe(engine.url)} {state}; run: scaleops-worker migrate"
    raise SchemaTooOld(message)


def _check_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar()
    if encoding != "UTF8":
        message = (
            f"{describe(connection.engine.url)} has the encoding {encoding}, which cannot hold every name; "
            "create it again with ENCODING 'UTF8' TEMPLATE template0"
        )
        raise SchemaNotOurs(message)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - importing Alembic takes 0.1 s
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
