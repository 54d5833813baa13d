"""Two years of weekly sweeps in both databases: the time of a team's report and of a 12-week trend.

The databases generate the rows, one sweep at a time; they are the same in every run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from sqlalchemy import bindparam, insert, text
from sqlalchemy.engine import Engine

from actions.history.costs import get_cost_trend
from actions.history.models import TrendInput
from actions.history.view import read_history
from benchmarks import scale_data as data
from benchmarks.results import BenchmarkResult
from domain.refs import EntityRef
from store import Store
from store.columns import UtcDateTime
from store.engines import build_engine, writing
from store.schema import sweeps
from store.urls import parse_url
from tasks.context import StageContext
from tasks.report.stage import preview
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context, history_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig

WEEKS: Final = 104
NEWEST: Final = datetime(2026, 11, 23, tzinfo=timezone.utc)
"""A Monday: this sweep closes the week before it."""
NOW: Final = NEWEST + timedelta(hours=10)
TIMES: Final = 15
LIMITS_MS: Final = {"postgresql": 200.0, "sqlite": 1000.0}

_PLACES: Final = "(SELECT 0 AS place UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS places"
_NUMBERED: Final = (
    "(SELECT entity_ref, team, spelled_name, CAST(substr(spelled_name, 9) AS INTEGER) AS number FROM components) AS c"
)
_MADE: Final = f"{_NUMBERED} JOIN {_PLACES} ON place < 3 + number % 2"
_KEY: Final = (
    "'scale-' || substr('abc', (number + place) % 3 + 1, 1), substr(c.team, 15), 'Deployment', spelled_name || '-' || place"
)
_SNAPSHOT_ID: Final = "CAST(:week AS BIGINT) * :components + number + 1"
_POINT_ID: Final = "4 * (CAST(:week AS BIGINT) * :components + number) + place + 1"
_POINTS: Final = f"""
INSERT INTO workload_points (id, as_of, cluster, namespace, type, name, policy_name, automated, under_provisioned, over_provisioned,
    replicas, cpu_request_millicores, cpu_recommended_millicores, memory_request_bytes, memory_recommended_bytes, cost_7d,
    savings_available_per_month, active_savings_per_month, oom_kills_24h, pod_hours_7d, spot_hours_7d, network_monitored, network_cost, network_cross_az_cost,
    network_cross_az_traffic_bytes, unknown, unknowns, precedence)
SELECT {_POINT_ID}, :as_of, {_KEY}, 'production', place > 0, false, place = 0, 2, 500, 480, 1073741824, 1073741824,
    number % 97 + :week % 7 + place, number % 50, 12, 0, 336, 34, true, 3, 1, 1312052286, '{{}}', 0, 0
FROM {_MADE} ORDER BY 1"""
_SNAPSHOTS: Final = f"""
INSERT INTO snapshots (id, entity_ref, as_of, team, outcome, reason, warnings, bulk_clusters, cost_7d, cost_7d_known, cost_7d_parts,
    savings_available_per_month, savings_available_per_month_known, savings_available_per_month_parts,
    active_savings_per_month, active_savings_per_month_known, active_savings_per_month_parts, unknown)
SELECT {_SNAPSHOT_ID}, entity_ref, :as_of, team, 'measured', '', '[]', '[]', 3 * (number % 97 + :week % 7), 3, 3, 3 * (number % 50), 3, 3, 36, 3, 3, '{{}}'
FROM {_NUMBERED} ORDER BY 1"""
_LINKS: Final = (
    f"INSERT INTO snapshot_points (snapshot_id, point_id) SELECT {_SNAPSHOT_ID}, {_POINT_ID} FROM {_MADE} ORDER BY 1, 2"
)


def measure_history(database_url: str, components: int) -> Iterator[BenchmarkResult]:
    """Fill a database that has our tables and no rows, and query it."""
    fill(database_url, components)
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    settings = {
        "DATABASE_URL": database_url,
        "SCALEOPS_BASE_URL": "http://127.0.0.1:1",
        "WORKER_SECRET_KEY": "a-secret-of-the-benchmark",
    }
    config = LoadedConfig(resolved=resolve_settings(settings, None), config=ConfigFile())
    with build_stage_context(config, clock=lambda: NOW) as context:
        for what, query in _queries(context, components):
            ms = _median_ms(query)
            yield BenchmarkResult(
                what=f"{what}, {components * WEEKS / 1e6:.2f} M component points, {kind}",
                measured=f"{ms:.0f} ms, median of {TIMES}",
                reference=f"{LIMITS_MS[kind]:g} ms allowed",
                ratio=ms / LIMITS_MS[kind],
                required=("at most", 1.0),
            )


def fill(database_url: str, components: int) -> None:
    """Insert two years of sweeps."""
    store = Store.open(database_url)
    numbers = range(components)
    try:
        with store.transaction() as transaction:
            teams = [data.team(ref) for ref in dict.fromkeys(data.team_of(number) for number in numbers)]
            listed = [data.component(number) for number in numbers]
            transaction.components.record_page(listed, teams, as_of=NEWEST)
            transaction.components.finish_listing(as_of=NEWEST, complete=True)
    finally:
        store.close()
    engine = build_engine(parse_url(database_url))
    try:
        for week in range(WEEKS):
            _add_sweep(engine, NEWEST - timedelta(weeks=WEEKS - 1 - week), week, components)
        if engine.dialect.name == "postgresql":  # autovacuum would do it later
            with writing(engine) as connection:
                connection.execute(text("ANALYZE"))
    finally:
        engine.dispose()


def _add_sweep(engine: Engine, as_of: datetime, week: int, components: int) -> None:
    closed = as_of + timedelta(minutes=5)
    row = {"as_of": as_of, "opened_at": as_of, "closed_at": closed, "evaluated_at": closed, "expected": components,
           "measured": components, "unknown": 0, "listing_complete": True, "listing_missing": 0, "listing_reason": ""}  # fmt: skip
    with writing(engine) as connection:
        connection.execute(insert(sweeps), [row])
        for statement in (_POINTS, _SNAPSHOTS, _LINKS):
            dated = [bindparam("as_of", type_=UtcDateTime)] if ":as_of" in statement else []
            values = {"as_of": as_of} if dated else {}
            connection.execute(text(statement).bindparams(*dated), {"week": week, "components": components, **values})


def _queries(context: StageContext, components: int) -> Iterator[tuple[str, Callable[[int], object]]]:
    teams = max(1, components // data.TEAM_SIZE)
    yield (
        f"report of a team of {data.TEAM_SIZE}",
        lambda number: preview(context, data.team_of(data.TEAM_SIZE * (number % teams))),
    )
    yield "trend of a component, 12 weeks", lambda number: _trend(context, data.ref_of(number * 37 % components))
    yield (
        f"trend of a team of {data.TEAM_SIZE}, 12 weeks",
        lambda number: _trend(context, data.team_of(data.TEAM_SIZE * (number % teams))),
    )


def _trend(context: StageContext, entity: EntityRef) -> object:
    with read_history(history_context(context.store, context.policy, clock=context.clock)) as view:
        return get_cost_trend(view, TrendInput(entity_ref=str(entity)))


def _median_ms(query: Callable[[int], object]) -> float:
    """Query another team or component each time; the first is not counted."""
    times = []
    for number in range(TIMES + 1):
        started = time.perf_counter()
        query(7 * number)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times[1:])


def sqlite_url(folder: Path) -> str:
    """Return the URL of a new SQLite file."""
    return f"sqlite:///{folder / 'history.db'}"
