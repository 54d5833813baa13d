"""Watch sweeps: claimed by one worker, closed once with the workloads that matter, evaluated once, in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, and_, select, update

from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.sweeps import WatchSource, WatchSweep
from domain.workload import WorkloadKey
from store.queries import points
from store.queries.rows import Queries
from store.schema import snapshot_points, snapshots, watch_points, watch_sweeps, workload_points
from store.upserts import insert_into, insert_new

_KEY: Final = ("cluster", "namespace", "type", "name")
_COLUMNS: Final = tuple(watch_points.c.keys())
WATCHED_MEASURES: Final = tuple(name for name in _COLUMNS if name not in {*points.KEY, "policy_name", "unknown"})
_NOT_WATCHED: Final = "a watch sweep does not measure it"


class WatchSweeps(Queries):
    """Watch sweeps by `as_of`. Written by `watch`; `evaluate` marks the evaluated ones."""

    def claim(self, as_of: datetime, *, now: datetime, dead_before: datetime) -> bool:
        """Open the watch sweep of a slot, or take over one whose worker has died. Return True for one of concurrent callers."""
        row = {
            "as_of": as_of,
            "opened_at": now,
            "alive_at": now,
            "closed_at": None,
            "evaluated_at": None,
            "source": WatchSource.INVENTORY.value,
            "failure": "",
        }
        if insert_new(self._connection, watch_sweeps, row):
            return True
        taken = self._connection.execute(
            update(watch_sweeps)
            .where(watch_sweeps.c.as_of == as_of, watch_sweeps.c.closed_at.is_(None), watch_sweeps.c.alive_at < dead_before)
            .values(opened_at=now, alive_at=now)
        )
        return taken.rowcount == 1

    def close_dead(self, *, before: datetime, dead_before: datetime, at: datetime, failure: str) -> bool:
        """Close the older watch sweeps whose worker has died as failed. Return True if there was any."""
        columns = watch_sweeps.c
        is_dead = and_(columns.as_of < before, columns.closed_at.is_(None), columns.alive_at < dead_before)
        closed = self._connection.execute(update(watch_sweeps).where(is_dead).values(closed_at=at, failure=failure))
        return closed.rowcount > 0

    def touch(self, as_of: datetime, *, opened_at: datetime, now: datetime) -> None:
        """Record that the claimer of `opened_at` is still at work."""
        self._connection.execute(update(watch_sweeps).where(_claimed(as_of, opened_at)).values(alive_at=now))

    def close(
        self,
        as_of: datetime,
        *,
        opened_at: datetime,
        closed_at: datetime,
        source: WatchSource,
        failure: str,
        found: Iterable[WorkloadPoint],
    ) -> bool:
        """Close the claimed sweep and store its points. Return False, and store nothing, if another worker took it over."""
        closed = self._connection.execute(
            update(watch_sweeps)
            .where(_claimed(as_of, opened_at))
            .values(closed_at=closed_at, source=source.value, failure=failure)
        )
        if closed.rowcount != 1:
            return False
        rows = {points.stored_key(point.key): _row(point) for point in found}
        if rows:
            self._connection.execute(
                insert_into(self._connection, watch_points).on_conflict_do_nothing(), [rows[key] for key in sorted(rows)]
            )
        return True

    def get(self, as_of: datetime) -> WatchSweep | None:
        """Return the watch sweep of a slot."""
        return self._first(select(watch_sweeps).where(watch_sweeps.c.as_of == as_of))

    def running(self, *, alive_since: datetime) -> WatchSweep | None:
        """Return an open watch sweep whose worker has been at work since an instant."""
        return self._first(select(watch_sweeps).where(watch_sweeps.c.closed_at.is_(None), watch_sweeps.c.alive_at >= alive_since))

    def closed(self, *, limit: int) -> tuple[WatchSweep, ...]:
        """Return the newest closed watch sweeps, newest first."""
        return self._all(_closed().order_by(watch_sweeps.c.as_of.desc()).limit(limit))

    def unevaluated(self) -> tuple[WatchSweep, ...]:
        """Return the closed watch sweeps that are not evaluated yet, oldest first."""
        return self._all(_closed().where(watch_sweeps.c.evaluated_at.is_(None)).order_by(watch_sweeps.c.as_of))

    def newest_evaluated(self) -> datetime | None:
        """Return the newest watch sweep that was evaluated."""
        newest = self._first(
            select(watch_sweeps).where(watch_sweeps.c.evaluated_at.is_not(None)).order_by(watch_sweeps.c.as_of.desc())
        )
        return newest.as_of if newest is not None else None

    def mark_evaluated(self, as_of: datetime, *, at: datetime) -> bool:
        """Mark a closed watch sweep as evaluated. Return True for exactly one of several concurrent callers."""
        marked = self._connection.execute(
            update(watch_sweeps)
            .where(watch_sweeps.c.as_of == as_of, watch_sweeps.c.closed_at.is_not(None), watch_sweeps.c.evaluated_at.is_(None))
            .values(evaluated_at=at)
        )
        return marked.rowcount == 1

    def points(self, as_of: datetime) -> Mapping[WorkloadKey, WorkloadPoint]:
        """Return the workloads that a watch sweep stored."""
        found = self._connection.execute(select(watch_points).where(watch_points.c.as_of == as_of)).mappings()
        return {points.key_of(row): _point(row) for row in found}

    def owned_keys(self, full: datetime) -> frozenset[WorkloadKey]:
        """Return the workloads that components own by a full sweep."""
        columns = [workload_points.c[name] for name in _KEY]
        rows = self._connection.execute(select(*columns).where(workload_points.c.as_of == full)).mappings()
        return frozenset(key for row in rows if (key := points.key_of(row)).is_identified)

    def owners(self, as_of: datetime, *, full: datetime) -> frozenset[EntityRef]:
        """Return the components that own, by a full sweep, a workload that a watch sweep stored."""
        same = and_(*(workload_points.c[name] == watch_points.c[name] for name in _KEY))
        chosen = (
            select(snapshots.c.entity_ref)
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, workload_points.c.id == snapshot_points.c.point_id)
            .join(watch_points, same)
            .where(snapshots.c.as_of == full, workload_points.c.as_of == full, watch_points.c.as_of == as_of)
        )
        return frozenset(self._connection.execute(chosen.distinct()).scalars())

    def owners_on(self, clusters: Collection[str], *, full: datetime) -> frozenset[EntityRef]:
        """Return the components that own, by a full sweep, a workload on one of these clusters."""
        chosen = (
            select(snapshots.c.entity_ref)
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, workload_points.c.id == snapshot_points.c.point_id)
            .where(snapshots.c.as_of == full, workload_points.c.cluster.in_(clusters))
        )
        return frozenset(self._connection.execute(chosen.distinct()).scalars())

    def _first(self, chosen: Select[tuple[object, ...]]) -> WatchSweep | None:
        found = self._all(chosen.limit(1))
        return found[0] if found else None

    def _all(self, chosen: Select[tuple[object, ...]]) -> tuple[WatchSweep, ...]:
        rows = self._connection.execute(chosen).mappings()
        return tuple(WatchSweep(**{**row, "source": WatchSource(row["source"])}) for row in rows)


def _claimed(as_of: datetime, opened_at: datetime) -> ColumnElement[bool]:
    columns = watch_sweeps.c
    return and_(columns.as_of == as_of, columns.opened_at == opened_at, columns.closed_at.is_(None))


def _closed() -> Select[tuple[object, ...]]:
    return select(watch_sweeps).where(watch_sweeps.c.closed_at.is_not(None))


def _row(point: WorkloadPoint) -> dict[str, Any]:
    row = points.row_of(point)
    unknown = {name: reason for name, reason in row["unknown"].items() if name in WATCHED_MEASURES}
    return {name: row[name] for name in _COLUMNS} | {"unknown": unknown}


def _point(row: RowMapping) -> WorkloadPoint:
    measures: dict[str, Any] = {name: points.measured(row[name], name, row["unknown"]) for name in WATCHED_MEASURES}
    unmeasured = WorkloadPoint.unmeasured(as_of=row["as_of"], key=points.key_of(row), reason=_NOT_WATCHED)
    return replace(unmeasured, policy_name=row["policy_name"], **measures)
