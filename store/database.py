"""The store as the other packages use it: opened by its URL, used one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from store import engines, upgrades
from store.postgres import DatabaseTimeouts
from store.queries.alerts import Alerts
from store.queries.block_refusals import BlockRefusals
from store.queries.bulk_checks import BulkChecks
from store.queries.closing import ClosingSnapshots
from store.queries.clusters import Clusters
from store.queries.components import Components
from store.queries.deliveries import DeliveryLog
from store.queries.heartbeats import Heartbeats
from store.queries.history import History
from store.queries.inventory import Inventory
from store.queries.keys import SealedKeys, SigningKeys
from store.queries.outbox import Outbox
from store.queries.recommendations import Recommendations
from store.queries.reports import Reports
from store.queries.snapshots import Snapshots
from store.queries.sweeps import Sweeps
from store.queries.unallocated import Unallocated
from store.queries.watch import WatchSweeps
from store.retention import Purge
from store.urls import describe, parse_url


class Transaction:
    """The queries of one transaction, one attribute per subject. Created by `Store.transaction` and `Store.reading`."""

    def __init__(self, connection: Connection) -> None:
        self.components = Components(connection)
        self.sweeps = Sweeps(connection)
        self.snapshots = Snapshots(connection)
        self.history = History(connection)
        self.bulk_checks = BulkChecks(connection)
        self.closing = ClosingSnapshots(connection)
        self.clusters = Clusters(connection)
        self.inventory = Inventory(connection)
        self.unallocated = Unallocated(connection)
        self.recommendations = Recommendations(connection)
        self.alerts = Alerts(connection)
        self.reports = Reports(connection)
        self.outbox = Outbox(connection)
        self.block_refusals = BlockRefusals(connection)
        self.deliveries = DeliveryLog(connection)
        self.sealed_keys = SealedKeys(connection)
        self.heartbeats = Heartbeats(connection)
        self.signing_keys = SigningKeys(connection)
        self.watch_sweeps = WatchSweeps(connection)
        self.purge = Purge(connection)


class Store:
    """A database with the tables of this version. Thread-safe; not usable across a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, timeouts: DatabaseTimeouts | None = None) -> Store:
        """Open the database of a DATABASE_URL. SQLite is created and migrated.

        Raises:
            StoreUnavailable: it cannot be reached, opened or written.
            SchemaTooOld: PostgreSQL with older tables or none; the message names `scaleops-worker migrate`.
            SchemaTooNew: a newer scaleops-worker migrated it.
            SchemaNotOurs: another application uses it, or its encoding is not UTF8.
        """
        engine = engines.build_engine(parse_url(url), timeouts)
        try:
            upgrades.check(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @property
    def name(self) -> str:
        """The database's name for messages, without user and password."""
        return describe(self._engine.url)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Read and write; commit when the block ends, roll back when it raises. Raises StoreUnavailable.

        SQLite has one writer at a time: keep the block short and call no service in it.
        """
        with engines.writing(self._engine) as connection:
            yield Transaction(connection)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Read one consistent state of the database without blocking writers. Raises StoreUnavailable."""
        with engines.reading(self._engine) as connection:
            yield Transaction(connection)

    def now(self) -> datetime:
        """Return the present instant by the database's clock, which all processes share. Raises StoreUnavailable."""
        with engines.reading(self._engine) as connection:
            return engines.read_clock(connection)

    def check_writable(self) -> None:
        """Raise StoreUnavailable if the database takes no writes. Nothing is written."""
        engines.check_writable(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
