"""A store with two weeks of three components of two teams, evaluated and reported by the real stages."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg
from psycopg import sql

from actions.context import HistoryContext, Viewer, allow_all
from domain.messages import Json
from domain.snapshots import WorkloadPoint
from simulator.serving import Simulator
from store import Store
from tasks.evaluate.stage import evaluate
from tasks.report.stage import report_due
from tests.factories import PAYMENTS, SEARCH, make_component, make_contact, make_measurement, make_point, make_ref, make_team
from tests.services.databases import make_sqlite
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_request_context, make_stage_context, record_sweep, run_action

MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DUE = MONDAY + timedelta(hours=9)
NOW = MONDAY + timedelta(days=1, hours=10)
LEDGER = make_ref("ledger")
FINDER = make_ref("finder")
OPS = make_ref("ops", "group")
_SAMPLE: Final = "history_sample"
_COPY: Final = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")


def fill_history(store: Store) -> None:
    """Write two closing sweeps and one between; in the newest checkout is under-provisioned, so an alert opens and notifies.

    | workload           | of                | then | now |
    |--------------------|-------------------|------|-----|
    | api                | checkout          | 100  | 130 |
    | shared             | checkout, ledger  | 10   | 10  |
    | old-job            | ledger            | 7    | -   |
    | new-job            | ledger            | -    | 5   |
    | finder             | finder            | 40   | ?   |

    The team ops owns dns and mail, which have no workloads.
    """
    engine = store._engine
    if engine.dialect.name != "sqlite":
        _fill_postgres(store)
        return
    with closing(sqlite3.connect(":memory:")) as sample, closing(sqlite3.connect(engine.url.database or "")) as target:
        sample.deserialize(_filled_sqlite())
        sample.backup(target)


def _fill_postgres(store: Store) -> None:
    """Replace the database by a copy of the sample's: the stages run once on each server."""
    url = store._engine.url
    with psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="postgres", autocommit=True) as server:
        is_first = not server.execute("SELECT FROM pg_database WHERE datname = %s", [_SAMPLE]).fetchall()
        if is_first:
            run_stages(store)
        store.close()  # its connections; it opens others when it is used
        given = sql.Identifier(str(url.database))
        sample = sql.Identifier(_SAMPLE)
        if is_first:
            server.execute(_COPY.format(sample, given))
        else:
            server.execute(sql.SQL("DROP DATABASE {}").format(given))
            server.execute(_COPY.format(given, sample))


@cache
def _filled_sqlite() -> bytes:
    """Return the sample as a database file: the stages run once a process, and each test gets a copy."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        with closing(Store.open(make_sqlite(path))) as store:
            run_stages(store)
        with closing(sqlite3.connect(path)) as source:
            source.execute("PRAGMA journal_mode = DELETE")  # a database in memory has no write-ahead log
            return source.serialize()


def run_stages(store: Store) -> None:
    week_before = MONDAY - timedelta(days=7)
    _sweep(
        store,
        week_before,
        {"checkout": [_point("api", "100"), _point("shared", "10")], "ledger": [_point("shared", "10"), _point("old-job", "7")]},
        finder=[_point("finder", "40")],
    )
    for as_of in (MONDAY - timedelta(hours=6), MONDAY):
        record_newest(store, as_of)
    evaluate(make_stage_context(store, MONDAY + timedelta(minutes=10)))
    report_due(make_stage_context(store, DUE))


def record_newest(store: Store, as_of: datetime) -> None:
    """Record a sweep that finds what the newest one of the sample does."""
    _sweep(
        store,
        as_of,
        {
            "checkout": [_under_provisioned("api", "130"), _point("shared", "10")],
            "ledger": [_point("shared", "10"), _point("new-job", "5")],
        },
        finder=None,
    )


def serve_with_history(serve_gateway: ServeGateway, simulator: Simulator, **settings: Any) -> ServedGateway:
    simulator.state.clock.set(NOW)
    gateway = serve_gateway(**settings)
    fill_history(gateway.dependencies.store)
    return gateway


def run(history: HistoryContext, name: str, viewer: Viewer = allow_all, **arguments: Json) -> Any:
    return run_action(name, make_request_context(history=history, viewer=viewer), **arguments)


def _point(name: str, cost: str) -> WorkloadPoint:
    return make_point(name, automated=True, cost_7d=Decimal(cost), savings_available_per_month=Decimal("0.1"))


def _under_provisioned(name: str, cost: str) -> WorkloadPoint:
    return replace(_point(name, cost), automated=False, under_provisioned=True, oom_kills_24h=2)


def _sweep(store: Store, as_of: datetime, points: dict[str, list[WorkloadPoint]], *, finder: list[WorkloadPoint] | None) -> None:
    contact = make_contact("C1", pagerduty="0123456789abcdef")
    others = [make_component(name, team=OPS) for name in ("dns", "mail")]  # enough that one unknown is not an outage
    listed = [make_component(name, contact=contact) for name in ("checkout", "ledger")]
    listed += [make_component("finder", team=SEARCH, contact=contact), *others]
    reason = "" if finder else "ScaleOps did not answer"
    record_sweep(
        store,
        as_of,
        *(make_measurement(name, *found, as_of=as_of) for name, found in points.items()),
        make_measurement("finder", *finder or (), as_of=as_of, team=SEARCH, reason=reason),
        *(make_measurement(one.ref.name, as_of=as_of, team=OPS) for one in others),
        components=listed,
        teams=[make_team(team) for team in (PAYMENTS, SEARCH, OPS)],
    )
