"""Migrates a database to this version and checks its revision. Alembic is imported only to migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import Engine

from store.engines import build_engine, describe, parse_url, reading, writing
from store.errors import SchemaTooNew, SchemaTooOld
from store.schema import REVISION

VERSION_TABLE: Final = "alembic_version"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x5CA1E095
"""PostgreSQL advisory lock of migrations: an arbitrary number of our own."""


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database; None when it has none of our tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return found


def migrate(url: str) -> str | None:
    """Migrate the database to this version in one transaction, and return its revision before; None for an empty one.

    Of two concurrent migrations one waits and finds nothing to do.

    Raises:
        StoreUnavailable: it cannot be reached or written.
        SchemaTooNew: a newer version migrated it.
    """
    engine = build_engine(parse_url(url))
    try:
        return migrate_engine(engine)
    finally:
        engine.dispose()


def migrate_engine(engine: Engine) -> str | None:
    """Migrate the database of an engine; see `migrate`."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        before = revision_of(connection)
        if before is not None and before > REVISION:
            raise SchemaTooNew(_too_new(engine))
        if before != REVISION:
            _upgrade(connection)
        return before


def check(engine: Engine) -> None:
    """Check that the tables are those of this version. SQLite is migrated, PostgreSQL is not.

    Raises:
        SchemaTooOld: PostgreSQL with older tables, or none.
        SchemaTooNew: a newer version migrated it.
        StoreUnavailable: it cannot be reached or written.
    """
    with reading(engine) as connection:
        found = revision_of(connection)
    if found == REVISION:
        return
    if found is not None and found > REVISION:
        raise SchemaTooNew(_too_new(engine))
    if engine.dialect.name == "sqlite":
        migrate_engine(engine)
        return
    state = "has no tables yet" if found is None else "has the tables of an older version"
    message = f"{describe(engine.url)} {state}; run: scaleops-worker migrate"
    raise SchemaTooOld(message)


def _too_new(engine: Engine) -> str:
    return f"{describe(engine.url)} has the tables of a newer scaleops-worker; run that version, or restore a backup"


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - importing Alembic takes 0.1 s
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
