"""Snapshots and their points: written while their sweep is open, read once it is closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping, ScalarSelect, Select, and_, delete, exists, func, or_, select, true, tuple_, update

from domain.cost_change import WINDOW
from domain.measures import Total
from domain.network_schedule import NetworkFigures, RecentNetwork
from domain.refs import EntityRef
from domain.snapshots import MEASURES, TOTALS, Measurement, NetworkUse, Outcome, Snapshot, WorkloadPoint
from domain.workload import UNREADABLE, WorkloadKey
from store.errors import SweepClosed
from store.queries import points
from store.queries.rows import Queries, row_from
from store.schema import snapshot_points, snapshots, sweeps, workload_points
from store.upserts import document_of, given_rows, insert_many, upsert

_KEY: Final = ("cluster", "namespace", "type", "name")
_PAGE: Final = 200
_MAX_KEYS: Final = 500
_REQUESTS: Final = ("cpu_request_millicores", "memory_request_bytes")
_ROUNDING: Final = 1e-9
"""Of a mean of equal numbers."""
_MAX_UNREADABLE_SWEEPS: Final = 28
"""Sweeps in a row with unreadable rows that are looked through: a week of them."""
_REPLACEABLE: Final = 2**63 - 1
"""Unknowns of a point that any other measurement of its workload replaces."""


class Snapshots(Queries):
    """Measurements by component and sweep. Written by `collect` only."""

    def put_all(self, measurements: Sequence[Measurement]) -> None:
        """Store measurements of one open sweep. A repeat changes nothing; an unknown outcome never replaces a measured one.

        Of two measurements of one workload that two components own, the one with the smaller `precedence` is kept.

        Raises:
            SweepClosed: their sweep is closed, or was never opened.
            ValueError: they belong to several sweeps.
        """
        if not measurements:
            return
        as_of = self._one_as_of(measurements)
        self._require_open(as_of)
        unknown = [one.snapshot.ref for one in measurements if one.snapshot.outcome is not Outcome.MEASURED]
        stored = self.outcomes_of(unknown, as_of) if unknown else {}
        chosen = {
            measurement.snapshot.ref: measurement
            for measurement in measurements
            if measurement.snapshot.outcome is Outcome.MEASURED or stored.get(measurement.snapshot.ref) is not Outcome.MEASURED
        }
        self._write(as_of, chosen)

    def replace_all(self, measurements: Sequence[Measurement]) -> None:
        """Store measurements of one open sweep, replacing those it has. Raises like `put_all`."""
        if not measurements:
            return
        as_of = self._one_as_of(measurements)
        self._require_open(as_of)
        self._write(as_of, {measurement.snapshot.ref: measurement for measurement in measurements})

    def withdraw(self, as_of: datetime, *, bulk_clusters: Collection[str]) -> tuple[EntityRef, ...]:
        """Delete the measurements of an open sweep that used a bulk response of these clusters, and return their components.

        Their points stay until the components are measured again, or are unknown when the sweep closes, and then are replaced.

        Raises:
            SweepClosed: the sweep is closed, or was never opened.
        """
        if not bulk_clusters:
            return ()
        self._require_open(as_of)
        columns = snapshots.c
        chosen = select(columns.id, columns.entity_ref, columns.bulk_clusters).where(columns.as_of == as_of)
        found = [
            row
            for row in self._connection.execute(chosen.order_by(columns.entity_ref))
            if not set(bulk_clusters).isdisjoint(row.bulk_clusters)
        ]
        for start in range(0, len(found), _MAX_KEYS):
            ids = [row.id for row in found[start : start + _MAX_KEYS]]
            linked = select(snapshot_points.c.point_id).where(snapshot_points.c.snapshot_id.in_(ids))
            withdrawn = update(workload_points).where(workload_points.c.id.in_(linked))
            replaceable = withdrawn.values(unknowns=len(MEASURES), precedence=_REPLACEABLE)
            self._connection.execute(replaceable)
            self._connection.execute(delete(snapshots).where(columns.id.in_(ids)))
        return tuple(row.entity_ref for row in found)

    def main_reason(self, as_of: datetime) -> str:
        """Return the most frequent reason of a sweep's unknown outcomes; empty without one."""
        reason, number = snapshots.c.reason, func.count()
        of_sweep = select(reason).where(snapshots.c.as_of == as_of, snapshots.c.outcome == Outcome.UNKNOWN.value)
        found = self._connection.execute(of_sweep.group_by(reason).order_by(number.desc(), reason).limit(1)).scalar_one_or_none()
        return found or ""

    def record_listed_since(self, as_of: datetime) -> None:
        """Record since which sweep the workloads of a sweep have been listed without a gap: carried over from the closed sweep before.

        A workload may be behind a row that could not be read: such a sweep is a gap for none, and the one before it counts, too.
        """
        previous = self._last_readable(as_of)
        before = workload_points.alias("before")
        same = [before.c[name] == workload_points.c[name] for name in _KEY]

        def carried(column: str) -> ScalarSelect[Any]:
            found = select(before.c[column]).where(before.c.as_of.in_(previous), *same)
            return found.order_by(before.c.as_of.desc()).limit(1).scalar_subquery()

        self._connection.execute(
            update(workload_points)
            .where(workload_points.c.as_of == as_of)
            .values(
                listed_since=func.coalesce(carried("listed_since"), workload_points.c.as_of),
                appeared=func.coalesce(carried("appeared"), bool(previous)),
            )
        )

    def record_mean_requests(self, as_of: datetime) -> None:
        """Record the mean requests of the workloads of a sweep over the 7 days to it, the time that their cost is for.

        Most requests do not change: they are their mean, as in the sweep before. Only the mean of the others is computed.
        """
        in_window = select(sweeps.c.as_of).where(sweeps.c.as_of >= as_of - WINDOW, sweeps.c.as_of <= as_of)
        as_ofs = self._connection.execute(in_window.order_by(sweeps.c.as_of)).scalars().all()
        points_now, other = workload_points.c, workload_points.alias("other")
        same = [other.c[name] == points_now[name] for name in _KEY]
        if len(as_ofs) > 1:
            is_mean = (func.abs(other.c[f"mean_{name}"] - points_now[name]) <= _ROUNDING * points_now[name] for name in _REQUESTS)
            unchanged = exists(select(1).where(other.c.as_of == as_ofs[-2], *same, *is_mean))
            kept = {f"mean_{name}": points_now[name] for name in _REQUESTS}
            self._connection.execute(update(workload_points).where(points_now.as_of == as_of, unchanged).values(kept))
        missing = or_(*(points_now[f"mean_{name}"].is_(None) for name in _REQUESTS))
        means = (
            select(points_now.id, *(func.avg(other.c[name]).label(name) for name in _REQUESTS))
            .join(other, and_(other.c.as_of.in_(as_ofs), *same))
            .where(points_now.as_of == as_of, missing)
            .group_by(points_now.id)
            .subquery("means")
        )
        computed = {f"mean_{name}": means.c[name] for name in _REQUESTS}
        self._connection.execute(update(workload_points).where(points_now.id == means.c.id).values(computed))

    def _last_readable(self, as_of: datetime) -> tuple[datetime, ...]:
        """Return the closed sweeps before one, the newest first, up to the first one without unreadable rows."""
        closed = select(sweeps.c.as_of).where(sweeps.c.as_of < as_of, sweeps.c.closed_at.is_not(None))
        found: list[datetime] = []
        for earlier in self._connection.execute(closed.order_by(sweeps.c.as_of.desc()).limit(_MAX_UNREADABLE_SWEEPS)).scalars():
            found.append(earlier)
            columns = workload_points.c
            unreadable = select(columns.id).where(columns.as_of == earlier, columns.name.startswith(UNREADABLE, autoescape=True))
            if self._connection.execute(unreadable.limit(1)).first() is None:
                break
        return tuple(found)

    def outcomes(self, as_of: datetime) -> Mapping[EntityRef, Outcome]:
        """Return the outcomes that a sweep has so far, by component."""
        chosen = select(snapshots.c.entity_ref, snapshots.c.outcome).where(snapshots.c.as_of == as_of)
        return {row.entity_ref: Outcome(row.outcome) for row in self._connection.execute(chosen)}

    def outcomes_of(self, refs: Sequence[EntityRef], as_of: datetime) -> Mapping[EntityRef, Outcome]:
        """Return the outcomes that a sweep has so far of these components."""
        chosen = select(snapshots.c.entity_ref, snapshots.c.outcome).where(
            snapshots.c.as_of == as_of, self._is_one_of(snapshots.c.entity_ref, refs)
        )
        return {row.entity_ref: Outcome(row.outcome) for row in self._connection.execute(chosen)}

    def unknown_at(
        self, as_of: datetime, *, team: EntityRef | None = None, refs: Sequence[EntityRef] | None = None
    ) -> tuple[EntityRef, ...]:
        """Return the components that a sweep could not measure, of all or of a team or of some, by reference."""
        chosen = select(snapshots.c.entity_ref).where(
            snapshots.c.as_of == as_of,
            snapshots.c.outcome == Outcome.UNKNOWN.value,
            true() if team is None else snapshots.c.team == team,
            true() if refs is None else snapshots.c.entity_ref.in_(refs),
        )
        return tuple(self._connection.execute(chosen.order_by(snapshots.c.entity_ref)).scalars())

    def count(self, as_of: datetime) -> int:
        """Count the outcomes that a sweep has so far."""
        return self._connection.execute(select(func.count()).where(snapshots.c.as_of == as_of)).scalar_one()

    def of_sweep(self, as_of: datetime) -> Iterator[Measurement]:
        """Yield the measurements of a sweep by reference, with two statements per page."""
        last: EntityRef | None = None
        while True:
            chosen = select(snapshots).where(snapshots.c.as_of == as_of)
            if last is not None:
                chosen = chosen.where(snapshots.c.entity_ref > last)
            page = self._measurements(chosen.order_by(snapshots.c.entity_ref).limit(_PAGE))
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].snapshot.ref

    def of_team(self, team: EntityRef, as_of: datetime) -> tuple[Measurement, ...]:
        """Return the measurements of what a team owned in a sweep, by reference."""
        chosen = select(snapshots).where(snapshots.c.team == team, snapshots.c.as_of == as_of)
        return self._measurements(chosen.order_by(snapshots.c.entity_ref))

    def of_component(self, ref: EntityRef, as_of: datetime) -> Measurement | None:
        """Return one component's measurement in a sweep."""
        chosen = select(snapshots).where(snapshots.c.entity_ref == ref, snapshots.c.as_of == as_of)
        found = self._measurements(chosen)
        return found[0] if found else None

    def of_components(self, refs: Sequence[EntityRef], as_of: datetime) -> tuple[Measurement, ...]:
        """Return the measurements of several components in a sweep, by reference."""
        chosen = select(snapshots).where(snapshots.c.entity_ref.in_(refs), snapshots.c.as_of == as_of)
        return self._measurements(chosen.order_by(snapshots.c.entity_ref))

    def recent_network(self, refs: Sequence[EntityRef], *, after: datetime) -> Mapping[EntityRef, RecentNetwork]:
        """Return the newest network figures, fetched after an instant, of the workloads of each of these components."""
        columns = workload_points.c
        chosen = (
            select(snapshots.c.entity_ref, *(columns[name] for name in points.NETWORK_COLUMNS))
            .join(snapshot_points, columns.id == snapshot_points.c.point_id)
            .join(snapshots, snapshots.c.id == snapshot_points.c.snapshot_id)
            .where(
                self._is_one_of(snapshots.c.entity_ref, refs), snapshots.c.as_of > after, columns.network_as_of == columns.as_of
            )
            .where(columns.network_monitored.is_(True))
            .order_by(columns.as_of)
        )
        found: dict[EntityRef, dict[WorkloadKey, NetworkFigures]] = {}
        for row in self._connection.execute(chosen).mappings():
            use = points.network_of(row)
            if isinstance(use, NetworkUse):
                found.setdefault(row["entity_ref"], {})[points.key_of(row)] = NetworkFigures(use=use, as_of=row["as_of"])
        return found

    def teams_at(self, as_of: datetime) -> tuple[EntityRef, ...]:
        """Return the teams that owned a component in a sweep, by reference."""
        chosen = select(snapshots.c.team).where(snapshots.c.as_of == as_of).distinct().order_by(snapshots.c.team)
        return tuple(self._connection.execute(chosen).scalars())

    def _one_as_of(self, measurements: Iterable[Measurement]) -> datetime:
        instants = {measurement.snapshot.as_of for measurement in measurements}
        if len(instants) != 1:
            message = f"the measurements belong to {len(instants)} sweeps, not to one"
            raise ValueError(message)
        return instants.pop()

    def _require_open(self, as_of: datetime) -> None:
        # FOR SHARE: PostgreSQL must not close the sweep meanwhile; SQLite has one writer.
        chosen = select(sweeps.c.closed_at).where(sweeps.c.as_of == as_of).with_for_update(read=True)
        row = self._connection.execute(chosen).first()
        if row is None or row.closed_at is not None:
            state = "was never opened" if row is None else "is closed"
            message = f"the sweep of {as_of.isoformat()} {state}; nothing can be added to it"
            raise SweepClosed(message)

    def _write(self, as_of: datetime, chosen: Mapping[EntityRef, Measurement]) -> None:
        if not chosen:
            return
        self._write_points(point for measurement in chosen.values() for point in measurement.points)
        rows = [_snapshot_row(measurement.snapshot) for measurement in chosen.values()]
        upsert(self._connection, snapshots, rows, key=["entity_ref", "as_of"])
        found = self._connection.execute(
            select(snapshots.c.entity_ref, snapshots.c.id).where(
                snapshots.c.as_of == as_of, self._is_one_of(snapshots.c.entity_ref, chosen)
            )
        )
        snapshot_ids = {row.entity_ref: row.id for row in found}
        keys_of = {ref: {points.stored_key(point.key) for point in measurement.points} for ref, measurement in chosen.items()}
        keys = sorted(set().union(*keys_of.values()))
        point_ids = self._point_ids(as_of, keys)
        self._connection.execute(
            delete(snapshot_points).where(self._is_one_of(snapshot_points.c.snapshot_id, snapshot_ids.values()))
        )
        links = [
            {"snapshot_id": snapshot_ids[ref], "point_id": point_ids[key]}
            for ref, keys_of_one in keys_of.items()
            for key in sorted(keys_of_one)
        ]
        insert_many(self._connection, snapshot_points, links)

    def _write_points(self, measured: Iterable[WorkloadPoint]) -> None:
        fullest: dict[WorkloadKey, dict[str, Any]] = {}
        for point in measured:
            row, key = points.row_of(point), points.stored_key(point.key)
            other = fullest.get(key)
            if other is None or row["precedence"] <= other["precedence"]:
                fullest[key] = row
        # In the order of their keys, so that two writers cannot deadlock.
        rows = [fullest[key] for key in sorted(fullest)]
        upsert(self._connection, workload_points, rows, key=points.KEY, unless_smaller="precedence", are_distinct=True)

    def _point_ids(self, as_of: datetime, keys: Sequence[WorkloadKey]) -> Mapping[WorkloadKey, int]:
        columns = workload_points.c
        chosen = select(columns.id, *(columns[name] for name in _KEY)).where(columns.as_of == as_of)
        if self._connection.dialect.name == "postgresql":
            given = given_rows(workload_points, _KEY)
            chosen = chosen.join(given, and_(*(given.c[name] == columns[name] for name in _KEY)))
            found = self._connection.execute(chosen, document_of([row_from(key) for key in keys]))
            return {points.key_of(row): row["id"] for row in found.mappings()}
        named = tuple_(*(columns[name] for name in _KEY))
        ids: dict[WorkloadKey, int] = {}
        for start in range(0, len(keys), _MAX_KEYS):
            some = [(key.cluster, key.namespace, key.type, key.name) for key in keys[start : start + _MAX_KEYS]]
            ids.update(
                {points.key_of(row): row["id"] for row in self._connection.execute(chosen.where(named.in_(some))).mappings()}
            )
        return ids

    def _measurements(self, chosen: Select[tuple[object, ...]]) -> tuple[Measurement, ...]:
        rows = self._connection.execute(chosen).mappings().all()
        points_of: dict[int, list[WorkloadPoint]] = {row["id"]: [] for row in rows}
        read: dict[int, WorkloadPoint] = {}
        for start in range(0, len(rows), _MAX_KEYS):
            ids = [row["id"] for row in rows[start : start + _MAX_KEYS]]
            linked = (
                select(snapshot_points.c.snapshot_id, workload_points)
                .join(workload_points, workload_points.c.id == snapshot_points.c.point_id)
                .where(snapshot_points.c.snapshot_id.in_(ids))
            )
            for row in self._connection.execute(linked).mappings():
                point = read.get(row["id"])
                if point is None:
                    point = read[row["id"]] = points.point_of(row)
                points_of[row["snapshot_id"]].append(point)
        return tuple(_measurement_of(row, points_of[row["id"]]) for row in rows)


def _snapshot_row(snapshot: Snapshot) -> dict[str, Any]:
    unknown: dict[str, str] = {}
    row: dict[str, Any] = {
        "entity_ref": snapshot.ref,
        "as_of": snapshot.as_of,
        "team": snapshot.team,
        "outcome": snapshot.outcome.value,
        "reason": snapshot.reason,
        "warnings": list(snapshot.warnings),
        "bulk_clusters": list(snapshot.bulk_clusters),
    }
    for name in TOTALS:
        total: Total = getattr(snapshot, name)
        row[name] = points.value_or_null(total.amount, name, unknown)
        row[f"{name}_known"] = total.known
        row[f"{name}_parts"] = total.parts
    row["unknown"] = unknown
    return row


def total_of_row(row: RowMapping, name: str) -> Total:
    """Return one of the totals of a snapshot's row."""
    return Total(
        amount=points.known_total(row[name], name, row["unknown"]), known=row[f"{name}_known"], parts=row[f"{name}_parts"]
    )


def _measurement_of(row: RowMapping, linked: list[WorkloadPoint]) -> Measurement:
    ordered = tuple(sorted(linked, key=lambda point: point.key))
    snapshot = Snapshot(
        ref=row["entity_ref"],
        as_of=row["as_of"],
        team=row["team"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        warnings=tuple(row["warnings"]),
        bulk_clusters=tuple(row["bulk_clusters"]),
        workloads=tuple(point.key for point in ordered),
        **{name: total_of_row(row, name) for name in TOTALS},
    )
    return Measurement(snapshot=snapshot, points=ordered)
