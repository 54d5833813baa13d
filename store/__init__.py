"""SQL: tables, queries, migrations. The only package that uses SQLAlchemy."""

from store.database import Store, Transaction
from store.errors import SchemaMismatch, SchemaTooNew, SchemaTooOld, StoreUnavailable, SweepClosed
from store.queries.alerts import AlertEventRow, AlertStateRow
from store.queries.heartbeats import Heartbeat, HeartbeatKind
from store.queries.reports import ReportRun, RunStatus
from store.upgrades import migrate

__all__ = [
    "AlertEventRow",
    "AlertStateRow",
    "Heartbeat",
    "HeartbeatKind",
    "ReportRun",
    "RunStatus",
    "SchemaMismatch",
    "SchemaTooNew",
    "SchemaTooOld",
    "Store",
    "StoreUnavailable",
    "SweepClosed",
    "Transaction",
    "migrate",
]
