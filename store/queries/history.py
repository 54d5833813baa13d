"""Series over closed sweeps, of a component, a team or the platform. Sums are made in Python: exact on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select, true

from domain.measures import Measured, Total, Unknown, total_of
from domain.refs import PLATFORM, EntityRef
from domain.snapshots import TOTALS, Outcome, SeriesPoint
from domain.workload import WorkloadKey
from store.queries import points
from store.queries.rows import Queries
from store.queries.snapshots import total_of_row
from store.schema import snapshot_points, snapshots, sweeps, workload_points

_Parts = dict[str, list[Measured[Decimal]]]


class History(Queries):
    """Queries over several closed sweeps. To those of a team, `PLATFORM` is the team that owns every component."""

    def of_component(self, ref: EntityRef, *, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        """Return a component's points in these sweeps, oldest first; sweeps without it are left out."""
        return self.of_components([ref], as_ofs=as_ofs).get(ref, ())

    def of_components(
        self, refs: Sequence[EntityRef], *, as_ofs: Sequence[datetime]
    ) -> Mapping[EntityRef, tuple[SeriesPoint, ...]]:
        """Return the points of several components in these sweeps, oldest first; components in none of them are left out."""
        chosen = select(snapshots).where(snapshots.c.entity_ref.in_(refs), snapshots.c.as_of.in_(as_ofs))
        series: dict[EntityRef, list[SeriesPoint]] = {}
        for row in self._connection.execute(chosen.order_by(snapshots.c.entity_ref, snapshots.c.as_of)).mappings():
            measured = row["outcome"] == Outcome.MEASURED.value
            totals = {name: total_of_row(row, name) for name in TOTALS}
            point = SeriesPoint(as_of=row["as_of"], **totals, measured=int(measured), unknown=int(not measured))
            series.setdefault(row["entity_ref"], []).append(point)
        return {ref: tuple(found) for ref, found in series.items()}

    def of_team(self, team: EntityRef, *, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        """Return the sums of what a team owned in these sweeps, oldest first, each workload once; sweeps without it are left out."""
        return self._sums(_is_of(team), as_ofs)

    def sweeps_of_component(self, ref: EntityRef, *, earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        """Return the closed sweeps with earliest <= as_of <= latest that hold a component, oldest first."""
        return self._sweeps_with(snapshots.c.entity_ref == ref, earliest, latest)

    def sweeps_of_team(self, team: EntityRef, *, earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        """Return those that hold a component of a team, oldest first."""
        return self._sweeps_with(_is_of(team), earliest, latest)

    def _sweeps_with(self, whose: ColumnElement[bool], earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        holds = exists(select(1).where(whose, snapshots.c.as_of == sweeps.c.as_of).correlate(sweeps))
        closed = select(sweeps.c.as_of).where(
            sweeps.c.closed_at.is_not(None), sweeps.c.as_of >= earliest, sweeps.c.as_of <= latest
        )
        return tuple(self._connection.execute(closed.where(holds).order_by(sweeps.c.as_of)).scalars())

    def owners_of(self, key: WorkloadKey) -> tuple[EntityRef, ...]:
        """Return the components that own a workload in the newest closed sweep, by reference."""
        newest = select(func.max(sweeps.c.as_of)).where(sweeps.c.closed_at.is_not(None)).scalar_subquery()
        columns = workload_points.c
        chosen = (
            select(snapshots.c.entity_ref)
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, columns.id == snapshot_points.c.point_id)
            .where(
                columns.as_of == newest,
                columns.cluster == key.cluster,
                columns.namespace == key.namespace,
                columns.type == key.type,
                columns.name == key.name,
                snapshots.c.as_of == newest,
            )
        )
        return tuple(self._connection.execute(chosen.order_by(snapshots.c.entity_ref)).scalars())

    def first_of_team(self, team: EntityRef) -> datetime | None:
        """Return the first sweep in which a team owned a component."""
        found: datetime | None = self._connection.execute(select(func.min(snapshots.c.as_of)).where(_is_of(team))).scalar()
        return found

    def first_of_components(self, refs: Iterable[EntityRef]) -> Mapping[EntityRef, datetime]:
        """Return the first sweep of each component that has one."""
        chosen = select(snapshots.c.entity_ref, func.min(snapshots.c.as_of).label("first"))
        found = self._connection.execute(chosen.where(snapshots.c.entity_ref.in_(list(refs))).group_by(snapshots.c.entity_ref))
        return {row.entity_ref: row.first for row in found}

    def _sums(self, whose: ColumnElement[bool], as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        outcomes = self._outcomes(whose, as_ofs)
        parts: dict[datetime, _Parts] = {as_of: {name: [] for name in TOTALS} for as_of in outcomes}
        columns = workload_points.c
        claimed = (
            select(snapshot_points.c.point_id)
            .join(snapshots, snapshots.c.id == snapshot_points.c.snapshot_id)
            .where(whose, snapshots.c.as_of.in_(as_ofs))
        )
        chosen: Select[Any] = select(columns.as_of, *(columns[name] for name in TOTALS), columns.unknown)
        once_each = chosen.where(columns.as_of.in_(as_ofs), columns.id.in_(claimed)).order_by(columns.id)
        for row in self._connection.execute(once_each).mappings():
            for name in TOTALS:
                parts[row["as_of"]][name].append(points.measured(row[name], name, row["unknown"]))
        return tuple(
            _sum(as_of, parts[as_of], measured, unknown, reason) for as_of, (measured, unknown, reason) in outcomes.items()
        )

    def _outcomes(self, whose: ColumnElement[bool], as_ofs: Sequence[datetime]) -> Mapping[datetime, tuple[int, int, str]]:
        """Count the measured and unknown components of each sweep, oldest first, with the reason of one unknown."""
        chosen = select(
            snapshots.c.as_of, snapshots.c.outcome, func.count().label("total"), func.min(snapshots.c.reason).label("reason")
        )
        grouped = chosen.where(whose, snapshots.c.as_of.in_(as_ofs)).group_by(snapshots.c.as_of, snapshots.c.outcome)
        counts: dict[datetime, tuple[int, int, str]] = {}
        for row in self._connection.execute(grouped.order_by(snapshots.c.as_of)):
            measured, unknown, reason = counts.get(row.as_of, (0, 0, ""))
            if row.outcome == Outcome.MEASURED.value:
                counts[row.as_of] = (row.total, unknown, reason)
            else:
                counts[row.as_of] = (measured, row.total, row.reason)
        return counts


def _is_of(team: EntityRef) -> ColumnElement[bool]:
    return true() if team == PLATFORM else snapshots.c.team == team


def _sum(as_of: datetime, parts: _Parts, measured: int, unknown: int, reason: str) -> SeriesPoint:
    def total(name: str) -> Total:
        if unknown and not measured and not parts[name]:  # nothing was measured: unknown, not zero
            return Total(amount=Unknown(reason), known=0, parts=0)
        return total_of(parts[name])

    return SeriesPoint(as_of=as_of, **{name: total(name) for name in TOTALS}, measured=measured, unknown=unknown)
