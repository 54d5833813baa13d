"""Reports and trends read two years of rows by index, on both databases: their statements are explained."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from actions.history.costs import get_cost_trend
from actions.history.models import TrendInput
from actions.history.view import read_history
from domain.refs import EntityRef
from store import Store
from tasks.context import StageContext
from tasks.report.stage import preview
from tests.factories import PAYMENTS, make_ref
from tests.integration.test_report_stage import MONDAY, two_weeks
from tests.stage_factories import make_stage_context
from wiring.contexts import history_context

LARGE = {"snapshots", "snapshot_points", "workload_points", "recommendations"}
"""Tables that grow with components and weeks."""
Parameters = tuple[Any, ...] | dict[str, Any]
Statement = tuple[str, Parameters]


def statements_of(store: Store, ask: Callable[[], object]) -> list[Statement]:
    sent: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Parameters, *_: object) -> None:
        if LARGE.intersection(re.findall(r"\w+", statement)):
            sent.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(store._engine, "before_cursor_execute", note)
    return sent


def unindexed(store: Store, statement: Statement) -> list[str]:
    with store._engine.connect() as connection:
        return list((_whole_in_postgres if connection.dialect.name == "postgresql" else _whole_in_sqlite)(connection, *statement))


def _whole_in_sqlite(connection: Connection, statement: str, parameters: Parameters) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
        step = re.match(r"SCAN (\w+)", row.detail)
        if step is not None and step[1] in LARGE:
            yield row.detail


def _whole_in_postgres(connection: Connection, statement: str, parameters: Parameters) -> Iterator[str]:
    # Small tables are scanned because that is cheapest; with these off the plan is that of large tables.
    for way in ("seqscan", "hashjoin", "mergejoin"):
        connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    [explained] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    yield from _whole_in(explained["Plan"])


def _whole_in(node: dict[str, Any]) -> Iterator[str]:
    table = node.get("Relation Name")
    is_by_index = "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan"
    if table in LARGE and not is_by_index:
        yield f"{node['Node Type']} of {table}"
    for inner in node.get("Plans", ()):
        yield from _whole_in(inner)


def trend_of(context: StageContext, entity: EntityRef) -> object:
    with read_history(history_context(context.store, context.policy, clock=context.clock)) as view:
        return get_cost_trend(view, TrendInput(entity_ref=str(entity)))


@pytest.mark.parametrize(
    "ask",
    [
        lambda context: preview(context, PAYMENTS),
        lambda context: trend_of(context, PAYMENTS),
        lambda context: trend_of(context, make_ref("checkout")),
    ],
    ids=["a team's report", "a team's trend", "a component's trend"],
)
def test_two_years_of_rows_are_looked_up_by_index(store: Store, ask: Callable[[StageContext], object]) -> None:
    two_weeks(store)
    statements = statements_of(store, lambda: ask(make_stage_context(store, MONDAY + timedelta(hours=10))))
    assert statements
    assert [step for statement in statements for step in unindexed(store, statement)] == []
