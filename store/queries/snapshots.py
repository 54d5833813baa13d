"""Snapshots and the points behind them. They are put while their sweep is open, and read from closed ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, delete, func, select, tuple_

from domain.measures import Total
from domain.messages import Json
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, Snapshot, WorkloadPoint
from domain.workload import WorkloadKey
from store.columns import JsonText
from store.errors import SweepClosed
from store.queries import points
from store.schema import raw_answers, snapshot_points, snapshots, sweeps, workload_points
from store.upserts import upsert

TOTALS: Final = ("cost_7d", "savings_available_per_month", "active_savings_per_month")
_PAGE: Final = 200
_KEYS_AT_A_TIME: Final = 500


class Snapshots:
    """Measurements by component and sweep. Written by `collect` only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, measurement: Measurement) -> None:
        """Store one measurement of an open sweep; see `put_all`."""
        self.put_all([measurement])

    def put_all(self, measurements: Sequence[Measurement]) -> None:
        """Store measurements of one open sweep. Putting one again changes nothing; an unknown never replaces a measured one.

        Of two answers about one workload, which two components claim, the one with fewer unknowns is kept.

        Raises:
            SweepClosed: their sweep is closed, or was never opened.
            ValueError: they belong to several sweeps.
        """
        if not measurements:
            return
        as_of = self._one_as_of(measurements)
        self._require_open(as_of)
        standing = self._outcomes_of(as_of, [measurement.snapshot.ref for measurement in measurements])
        chosen = {
            measurement.snapshot.ref: measurement
            for measurement in measurements
            if measurement.snapshot.outcome is Outcome.MEASURED or standing.get(measurement.snapshot.ref) is not Outcome.MEASURED
        }
        self._write(as_of, chosen)

    def replace_all(self, measurements: Sequence[Measurement]) -> None:
        """Store measurements of one open sweep in the place of what stands there, whatever it is. Raises like `put_all`."""
        if not measurements:
            return
        as_of = self._one_as_of(measurements)
        self._require_open(as_of)
        self._write(as_of, {measurement.snapshot.ref: measurement for measurement in measurements})

    def outcomes(self, as_of: datetime) -> Mapping[EntityRef, Outcome]:
        """Answer who has an outcome in a sweep so far, and which."""
        chosen = select(snapshots.c.entity_ref, snapshots.c.outcome).where(snapshots.c.as_of == as_of)
        return {row.entity_ref: Outcome(row.outcome) for row in self._connection.execute(chosen)}

    def outcomes_of(self, refs: Sequence[EntityRef], as_of: datetime) -> Mapping[EntityRef, Outcome]:
        """Answer which of these components have an outcome in a sweep so far, and which."""
        return self._outcomes_of(as_of, refs)

    def count(self, as_of: datetime) -> int:
        """Count the components that have an outcome in a sweep so far."""
        return self._connection.execute(select(func.count()).where(snapshots.c.as_of == as_of)).scalar_one()

    def of_sweep(self, as_of: datetime) -> Iterator[Measurement]:
        """Stream the measurements of a sweep by reference, a page at a time, two statements a page."""
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
        """Answer the measurements of what a team owned at a sweep, by reference."""
        chosen = select(snapshots).where(snapshots.c.team == team, snapshots.c.as_of == as_of)
        return self._measurements(chosen.order_by(snapshots.c.entity_ref))

    def of_component(self, ref: EntityRef, as_of: datetime) -> Measurement | None:
        """Answer one component's measurement in a sweep."""
        chosen = select(snapshots).where(snapshots.c.entity_ref == ref, snapshots.c.as_of == as_of)
        found = self._measurements(chosen)
        return found[0] if found else None

    def of_components(self, refs: Sequence[EntityRef], as_of: datetime) -> tuple[Measurement, ...]:
        """Answer the measurements of several components in a sweep, by reference."""
        chosen = select(snapshots).where(snapshots.c.entity_ref.in_(refs), snapshots.c.as_of == as_of)
        return self._measurements(chosen.order_by(snapshots.c.entity_ref))

    def teams_at(self, as_of: datetime) -> tuple[EntityRef, ...]:
        """Answer the teams that owned a component in a sweep, by reference."""
        chosen = select(snapshots.c.team).where(snapshots.c.as_of == as_of).distinct().order_by(snapshots.c.team)
        return tuple(self._connection.execute(chosen).scalars())

    def put_raw(self, as_of: datetime, answers: Mapping[EntityRef, Mapping[str, str]]) -> None:
        """Keep the answers of the five questions about components, by action name, as JSON text; compressed, until a newer sweep closes."""
        rows = [{"as_of": as_of, "entity_ref": ref, "answers": _as_object(given)} for ref, given in answers.items()]
        upsert(self._connection, raw_answers, rows, key=["as_of", "entity_ref"])

    def raw(self, ref: EntityRef) -> Mapping[str, Json] | None:
        """Answer what the newest closed sweep heard about a component, by action name."""
        chosen = (
            select(raw_answers.c.answers)
            .join(sweeps, sweeps.c.as_of == raw_answers.c.as_of)
            .where(raw_answers.c.entity_ref == ref, sweeps.c.closed_at.is_not(None))
            .order_by(raw_answers.c.as_of.desc())
        )
        answers: Mapping[str, Json] | None = self._connection.execute(chosen.limit(1)).scalar()
        return answers

    def _one_as_of(self, measurements: Iterable[Measurement]) -> datetime:
        instants = {measurement.snapshot.as_of for measurement in measurements}
        if len(instants) != 1:
            message = f"measurements of {len(instants)} sweeps cannot be stored as one"
            raise ValueError(message)
        return instants.pop()

    def _require_open(self, as_of: datetime) -> None:
        # FOR SHARE keeps PostgreSQL from closing the sweep under us; SQLite has one writer anyway.
        chosen = select(sweeps.c.closed_at).where(sweeps.c.as_of == as_of).with_for_update(read=True)
        row = self._connection.execute(chosen).first()
        if row is None or row.closed_at is not None:
            state = "was never opened" if row is None else "is closed"
            message = f"the sweep of {as_of.isoformat()} {state}; nothing can be added to it"
            raise SweepClosed(message)

    def _outcomes_of(self, as_of: datetime, refs: Sequence[EntityRef]) -> Mapping[EntityRef, Outcome]:
        chosen = select(snapshots.c.entity_ref, snapshots.c.outcome).where(
            snapshots.c.as_of == as_of, snapshots.c.entity_ref.in_(refs)
        )
        return {row.entity_ref: Outcome(row.outcome) for row in self._connection.execute(chosen)}

    def _write(self, as_of: datetime, chosen: Mapping[EntityRef, Measurement]) -> None:
        if not chosen:
            return
        self._write_points(point for measurement in chosen.values() for point in measurement.points)
        rows = [_snapshot_row(measurement.snapshot) for measurement in chosen.values()]
        upsert(self._connection, snapshots, rows, key=["entity_ref", "as_of"])
        found = self._connection.execute(
            select(snapshots.c.entity_ref, snapshots.c.id).where(
                snapshots.c.as_of == as_of, snapshots.c.entity_ref.in_(list(chosen))
            )
        )
        snapshot_ids = {row.entity_ref: row.id for row in found}
        keys_of = {ref: {points.stored_key(point.key) for point in measurement.points} for ref, measurement in chosen.items()}
        keys = sorted(set().union(*keys_of.values()))
        point_ids = self._point_ids(as_of, keys)
        self._connection.execute(delete(snapshot_points).where(snapshot_points.c.snapshot_id.in_(snapshot_ids.values())))
        links = [
            {"snapshot_id": snapshot_ids[ref], "point_id": point_ids[key]}
            for ref, keys_of_one in keys_of.items()
            for key in sorted(keys_of_one)
        ]
        if links:
            self._connection.execute(snapshot_points.insert(), links)

    def _write_points(self, measured: Iterable[WorkloadPoint]) -> None:
        fullest: dict[WorkloadKey, dict[str, Any]] = {}
        for point in measured:
            row, key = points.row_of(point), points.stored_key(point.key)
            standing = fullest.get(key)
            if standing is None or row["unknowns"] <= standing["unknowns"]:
                fullest[key] = row
        # In the order of their keys, so that two writers never wait for each other.
        rows = [fullest[key] for key in sorted(fullest)]
        upsert(self._connection, workload_points, rows, key=points.KEY, unless_fuller="unknowns")

    def _point_ids(self, as_of: datetime, keys: Sequence[WorkloadKey]) -> Mapping[WorkloadKey, int]:
        columns = workload_points.c
        named = tuple_(columns.cluster, columns.namespace, columns.type, columns.name)
        ids: dict[WorkloadKey, int] = {}
        for start in range(0, len(keys), _KEYS_AT_A_TIME):
            some = [(key.cluster, key.namespace, key.type, key.name) for key in keys[start : start + _KEYS_AT_A_TIME]]
            chosen = select(columns.id, columns.cluster, columns.namespace, columns.type, columns.name)
            found = self._connection.execute(chosen.where(columns.as_of == as_of, named.in_(some))).mappings()
            ids.update({points.key_of(row): row["id"] for row in found})
        return ids

    def _measurements(self, chosen: Select[tuple[object, ...]]) -> tuple[Measurement, ...]:
        rows = self._connection.execute(chosen).mappings().all()
        behind: dict[int, list[WorkloadPoint]] = {row["id"]: [] for row in rows}
        read: dict[int, WorkloadPoint] = {}
        for start in range(0, len(rows), _KEYS_AT_A_TIME):
            ids = [row["id"] for row in rows[start : start + _KEYS_AT_A_TIME]]
            linked = (
                select(snapshot_points.c.snapshot_id, workload_points)
                .join(workload_points, workload_points.c.id == snapshot_points.c.point_id)
                .where(snapshot_points.c.snapshot_id.in_(ids))
            )
            for row in self._connection.execute(linked).mappings():
                point = read.get(row["id"])
                if point is None:
                    point = read[row["id"]] = points.point_of(row)
                behind[row["snapshot_id"]].append(point)
        return tuple(_measurement_of(row, behind[row["id"]]) for row in rows)


def _as_object(members: Mapping[str, str]) -> JsonText:
    return JsonText("{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}")


def _snapshot_row(snapshot: Snapshot) -> dict[str, Any]:
    unknown: dict[str, str] = {}
    row: dict[str, Any] = {
        "entity_ref": snapshot.ref,
        "as_of": snapshot.as_of,
        "team": snapshot.team,
        "outcome": snapshot.outcome.value,
        "reason": snapshot.reason,
        "warnings": list(snapshot.warnings),
    }
    for name in TOTALS:
        total: Total = getattr(snapshot, name)
        row[name] = points.value_or_null(total.amount, name, unknown)
        row[f"{name}_known"] = total.known
        row[f"{name}_parts"] = total.parts
    row["unknown"] = unknown
    return row


def total_of_row(row: RowMapping, name: str) -> Total:
    """Read one of the totals of a snapshot's row."""
    return Total(amount=points.measured(row[name], name, row["unknown"]), known=row[f"{name}_known"], parts=row[f"{name}_parts"])


def _measurement_of(row: RowMapping, behind: list[WorkloadPoint]) -> Measurement:
    ordered = tuple(sorted(behind, key=lambda point: point.key))
    snapshot = Snapshot(
        ref=row["entity_ref"],
        as_of=row["as_of"],
        team=row["team"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        warnings=tuple(row["warnings"]),
        workloads=tuple(point.key for point in ordered),
        cost_7d=total_of_row(row, "cost_7d"),
        savings_available_per_month=total_of_row(row, "savings_available_per_month"),
        active_savings_per_month=total_of_row(row, "active_savings_per_month"),
    )
    return Measurement(snapshot=snapshot, points=ordered)
