"""Series over closed sweeps, of a component, a team or the platform. Sums are made in Python: exact on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, select, true

from domain.closing_point import sum_points
from domain.figures import Figure
from domain.refs import PLATFORM, EntityRef
from domain.snapshots import TOTALS, Outcome, SeriesPoint
from domain.workload import WorkloadKey
from store.queries.points import FIGURE_COLUMNS, SUMMED_COLUMNS, SummedRow, summed_row
from store.queries.rows import Queries
from store.queries.snapshots import total_of_row
from store.schema import snapshot_points, snapshots, sweeps, workload_points


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

    def measured(self, refs: Sequence[EntityRef], *, as_ofs: Sequence[datetime]) -> frozenset[EntityRef]:
        """Return those of some components that any of these sweeps measured."""
        is_one = snapshots.c.entity_ref.in_(refs) & snapshots.c.as_of.in_(as_ofs)
        chosen = select(snapshots.c.entity_ref).where(is_one, snapshots.c.outcome == Outcome.MEASURED.value).distinct()
        return frozenset(self._connection.execute(chosen).scalars())

    def figures_of_components(
        self, refs: Sequence[EntityRef], *, as_ofs: Sequence[datetime]
    ) -> Mapping[EntityRef, frozenset[Figure]]:
        """Return the kinds of figure, by cluster, that any of these sweeps has of each component."""
        columns = workload_points.c
        known = [func.max(case((columns[name].is_not(None), 1), else_=0)).label(kind) for kind, name in FIGURE_COLUMNS.items()]
        chosen = (
            select(snapshots.c.entity_ref, columns.cluster, *known)
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, columns.id == snapshot_points.c.point_id)
            .where(snapshots.c.entity_ref.in_(refs), snapshots.c.as_of.in_(as_ofs))
            .group_by(snapshots.c.entity_ref, columns.cluster)
        )
        found: dict[EntityRef, set[Figure]] = {}
        for row in self._connection.execute(chosen).mappings():
            figures = {(kind, row["cluster"]) for kind in FIGURE_COLUMNS if row[kind]}
            found.setdefault(row["entity_ref"], set()).update(figures)
        return {ref: frozenset(figures) for ref, figures in found.items()}

    def of_team(self, team: EntityRef, *, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        """Return the sums of what a team owned in these sweeps, oldest first, each workload once; sweeps without it are left out."""
        return self._sums(_is_of(team), as_ofs)

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
        parts: dict[datetime, list[SummedRow]] = {as_of: [] for as_of in outcomes}
        columns = workload_points.c
        claimed = (
            select(snapshot_points.c.point_id)
            .join(snapshots, snapshots.c.id == snapshot_points.c.snapshot_id)
            .where(whose, snapshots.c.as_of.in_(as_ofs))
        )
        chosen: Select[Any] = select(*SUMMED_COLUMNS)
        once_each = chosen.where(columns.as_of.in_(as_ofs), columns.id.in_(claimed)).order_by(columns.id)
        for row in self._connection.execute(once_each).mappings():
            parts[row["as_of"]].append(summed_row(row))
        without = self._without_workloads(whose, as_ofs)
        return tuple(
            SeriesPoint(
                as_of=as_of,
                measured=measured,
                unknown=unknown,
                **sum_points(parts[as_of], unknown=[reason] * unknown, without_workloads=without.get(as_of, 0)),
            )
            for as_of, (measured, unknown, reason) in outcomes.items()
        )

    def _without_workloads(self, whose: ColumnElement[bool], as_ofs: Sequence[datetime]) -> Mapping[datetime, int]:
        """Count the unknown components of each sweep of which no workload is known."""
        linked = exists(select(1).where(snapshot_points.c.snapshot_id == snapshots.c.id).correlate(snapshots))
        chosen = select(snapshots.c.as_of, func.count().label("components")).where(
            whose, snapshots.c.as_of.in_(as_ofs), snapshots.c.outcome != Outcome.MEASURED.value, ~linked
        )
        return {row.as_of: row.components for row in self._connection.execute(chosen.group_by(snapshots.c.as_of))}

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
