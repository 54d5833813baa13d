"""The inventory of the newest full sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping, Select, and_, delete, exists, func, select, text

from domain.inventory import InventoryWorkload
from domain.snapshots import MEASURES, Outcome
from store.queries import points
from store.queries.rows import Queries, row_from
from store.schema import inventory, snapshot_points, snapshots, workload_points
from store.upserts import upsert

_KEY = ("cluster", "namespace", "type", "name")


class Inventory(Queries):
    """Workloads by key, of one sweep only. Written by `collect`."""

    def clear(self) -> None:
        """Delete the inventory of an earlier sweep."""
        self._connection.execute(delete(inventory))

    def add(self, as_of: datetime, workloads: Sequence[InventoryWorkload]) -> None:
        """Store workloads of the inventory of a sweep; a repeat changes nothing."""
        rows = {points.stored_key(workload.key): _row(as_of, workload) for workload in workloads}
        upsert(self._connection, inventory, [rows[key] for key in sorted(rows)], key=_KEY, are_distinct=True)

    def of_sweep(self, as_of: datetime) -> Iterator[InventoryWorkload]:
        """Yield the inventory of a sweep; nothing if it was not fetched or is older."""
        yield from self._read(select(inventory).where(inventory.c.as_of == as_of))

    def unclaimed(self, as_of: datetime) -> Iterator[InventoryWorkload]:
        """Yield the workloads of the inventory of a sweep that no component owns in it."""
        self._avoid_nested_loops()
        is_claimed = exists(
            select(1).where(_same(inventory, workload_points), workload_points.c.as_of == as_of).correlate(inventory)
        )
        yield from self._read(select(inventory).where(inventory.c.as_of == as_of, ~is_claimed))

    def missing(self, as_of: datetime, *, known_at: datetime | None) -> Mapping[str, int]:
        """Return how many workloads of components each cluster has that the inventory lacks; 0 for a complete one.

        The inventory is fetched before the components are measured, so a workload counts only if an earlier sweep, `known_at`, had
        it too. None: every one counts. Workloads that were only carried forward do not count.
        """
        self._avoid_nested_loops()
        columns, earlier = workload_points.c, workload_points.alias("earlier")
        is_listed = exists(
            select(1).where(_same(inventory, workload_points), inventory.c.as_of == as_of).correlate(workload_points)
        )
        chosen = select(columns.cluster, func.count().filter(~is_listed).label("missing")).where(
            columns.as_of == as_of, columns.unknowns < len(MEASURES)
        )
        if known_at is not None:
            chosen = chosen.where(
                exists(select(1).where(_same(earlier, workload_points), earlier.c.as_of == known_at).correlate(workload_points))
            )
        return {row.cluster: row.missing for row in self._connection.execute(chosen.group_by(columns.cluster))}

    def count_without_workloads(self, as_of: datetime) -> int:
        """Return how many components a sweep could not measure and no earlier one did: nothing is known of their workloads."""
        has_points = exists(select(1).where(snapshot_points.c.snapshot_id == snapshots.c.id).correlate(snapshots))
        chosen = select(func.count()).where(snapshots.c.as_of == as_of, snapshots.c.outcome == Outcome.UNKNOWN.value, ~has_points)
        return self._connection.execute(chosen).scalar_one()

    def claimed(self, as_of: datetime) -> Iterator[InventoryWorkload]:
        """Yield the workloads that components own in a sweep, with the cost that it measured."""
        columns = workload_points.c
        chosen = select(columns.cluster, columns.namespace, columns.type, columns.name, columns.cost_7d, columns.unknown)
        yield from self._read(chosen.where(columns.as_of == as_of))

    def _avoid_nested_loops(self) -> None:
        """Keep PostgreSQL from nested loops in this transaction: it expects one row of a sweep that is newer than its statistics."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SET LOCAL enable_nestloop = off"))

    def _read(self, chosen: Select[Any]) -> Iterator[InventoryWorkload]:
        yield from map(_workload, self._connection.execute(chosen.execution_options(yield_per=1000)).mappings())


def _same(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in _KEY))


def _row(as_of: datetime, workload: InventoryWorkload) -> dict[str, object]:
    unknown: dict[str, str] = {}
    cost = points.value_or_null(workload.cost_7d, "cost_7d", unknown)
    return {**row_from(workload.key), "as_of": as_of, "cost_7d": cost, "unknown": unknown}


def _workload(row: RowMapping) -> InventoryWorkload:
    return InventoryWorkload(key=points.key_of(row), cost_7d=points.measured(row["cost_7d"], "cost_7d", row["unknown"]))
