"""The store as everybody else holds it: opened by its URL, used a transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Engine

from store import engines, upgrades
from store.transaction import Transaction


class Store:
    """A database with the tables of this version. May be shared by threads, not across a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Store:
        """Open the database of a DATABASE_URL. SQLite makes and migrates its own tables.

        Raises:
            StoreUnavailable: it cannot be reached, opened or written.
            SchemaTooOld: PostgreSQL whose tables are missing or older; the sentence names `scaleops-worker migrate`.
            SchemaTooNew: a newer scaleops-worker has been here.
        """
        engine = engines.build_engine(engines.parse_url(url))
        try:
            upgrades.check(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @property
    def name(self) -> str:
        """Name the database for a person, without user and password."""
        return engines.describe(self._engine.url)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Read and write; committed when the block ends well, else nothing of it happened. Raises StoreUnavailable.

        On SQLite there is one writer at a time: keep it short, and do no call to a service inside it.
        """
        with engines.writing(self._engine) as connection:
            yield Transaction(connection)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Read one state of the database for as long as it takes; hinders no writer. Raises StoreUnavailable."""
        with engines.reading(self._engine) as connection:
            yield Transaction(connection)

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()
