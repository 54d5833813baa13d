"""SQL: tables, queries, migrations. The only room that speaks it."""

from store.alerts import AlertEventRow, AlertStateRow
from store.database import Store
from store.errors import SchemaMismatch, SchemaTooNew, SchemaTooOld, StoreUnavailable, SweepClosed
from store.pulses import Pulse
from store.reports import ReportRun
from store.transaction import Transaction
from store.upgrades import migrate

__all__ = [
    "AlertEventRow",
    "AlertStateRow",
    "Pulse",
    "ReportRun",
    "SchemaMismatch",
    "SchemaTooNew",
    "SchemaTooOld",
    "Store",
    "StoreUnavailable",
    "SweepClosed",
    "Transaction",
    "migrate",
]
