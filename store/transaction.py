"""One transaction, and the rows it may read and write, each kind in its own module."""

from __future__ import annotations

from sqlalchemy import Connection

from store.queries.alerts import Alerts
from store.queries.clusters import Clusters
from store.queries.components import Components
from store.queries.heartbeats import Heartbeats
from store.queries.history import History
from store.queries.outbox import Outbox
from store.queries.recommendations import Recommendations
from store.queries.reports import Reports
from store.queries.sealed_keys import SealedKeys
from store.queries.signing_keys import SigningKeys
from store.queries.snapshots import Snapshots
from store.queries.sweeps import Sweeps
from store.queries.workload_owners import WorkloadOwners
from store.retention import Purge


class Transaction:
    """What stands between one begin and one commit. Made by `Store.transaction` and `Store.reading`."""

    def __init__(self, connection: Connection) -> None:
        self.components = Components(connection)
        self.sweeps = Sweeps(connection)
        self.snapshots = Snapshots(connection)
        self.history = History(connection)
        self.workload_owners = WorkloadOwners(connection)
        self.clusters = Clusters(connection)
        self.recommendations = Recommendations(connection)
        self.alerts = Alerts(connection)
        self.reports = Reports(connection)
        self.outbox = Outbox(connection)
        self.sealed_keys = SealedKeys(connection)
        self.heartbeats = Heartbeats(connection)
        self.signing_keys = SigningKeys(connection)
        self.purge = Purge(connection)
