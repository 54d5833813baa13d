"""One transaction, and the rows it may read and write, each kind in its own module."""

from __future__ import annotations

from sqlalchemy import Connection

from store.alerts import Alerts
from store.claims import Claims
from store.clusters import Clusters
from store.components import Components
from store.history import History
from store.keys import Keys
from store.outbox import Outbox
from store.pulses import Pulses
from store.recommendations import Recommendations
from store.reports import Reports
from store.retention import Forgetting
from store.signing_keys import SigningKeys
from store.snapshots import Snapshots
from store.sweeps import Sweeps


class Transaction:
    """What stands between one begin and one commit. Made by `Store.transaction` and `Store.reading`."""

    def __init__(self, connection: Connection) -> None:
        self.components = Components(connection)
        self.sweeps = Sweeps(connection)
        self.snapshots = Snapshots(connection)
        self.history = History(connection)
        self.claims = Claims(connection)
        self.clusters = Clusters(connection)
        self.recommendations = Recommendations(connection)
        self.alerts = Alerts(connection)
        self.reports = Reports(connection)
        self.outbox = Outbox(connection)
        self.keys = Keys(connection)
        self.pulses = Pulses(connection)
        self.signing_keys = SigningKeys(connection)
        self.forgetting = Forgetting(connection)
