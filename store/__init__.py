"""SQL: tables, queries, migrations. The only package that uses SQLAlchemy."""

from store.database import Store, Transaction
from store.errors import SchemaMismatch, SchemaNotOurs, SchemaTooNew, SchemaTooOld, StoreUnavailable, SweepClosed
from store.postgres import DatabaseTimeouts
from store.queries.alerts import AlertEventRow, AlertStateRow
from store.queries.heartbeats import Heartbeat, HeartbeatKind
from store.queries.reports import ReportRun, RunStatus
from store.upgrades import migrate

__all__ = [
    "AlertEventRow",
    "AlertStateRow",
    "DatabaseTimeouts",
    "Heartbeat",
    "HeartbeatKind",
    "ReportRun",
    "RunStatus",
    "SchemaMismatch",
    "SchemaNotOurs",
    "SchemaTooNew",
    "SchemaTooOld",
    "Store",
    "StoreUnavailable",
    "SweepClosed",
    "Transaction",
    "migrate",
]
