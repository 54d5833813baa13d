"""Series over time, of a component, a team or the platform. Sums are made here in Python: exact, and the same on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select, true

from domain.measures import Measured, Total, Unknown, total_of
from domain.refs import EntityRef
from domain.snapshots import Outcome, SeriesPoint
from store.queries import points
from store.queries.snapshots import TOTALS, total_of_row
from store.schema import snapshot_points, snapshots, sweeps, workload_points

_Parts = dict[str, list[Measured[Decimal]]]


class History:
    """Questions over several closed sweeps. Reads only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_component(self, ref: EntityRef, *, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        """Answer a component in the sweeps asked for, oldest first; a sweep without it is left out."""
        return self.of_components([ref], as_ofs=as_ofs).get(ref, ())

    def of_components(
        self, refs: Sequence[EntityRef], *, as_ofs: Sequence[datetime]
    ) -> Mapping[EntityRef, tuple[SeriesPoint, ...]]:
        """Answer several components in the sweeps asked for, each oldest first; who is in none of them is left out."""
        chosen = select(snapshots).where(snapshots.c.entity_ref.in_(refs), snapshots.c.as_of.in_(as_ofs))
        series: dict[EntityRef, list[SeriesPoint]] = {}
        for row in self._connection.execute(chosen.order_by(snapshots.c.entity_ref, snapshots.c.as_of)).mappings():
            measured = row["outcome"] == Outcome.MEASURED.value
            series.setdefault(row["entity_ref"], []).append(
                SeriesPoint(
                    as_of=row["as_of"],
                    cost_7d=total_of_row(row, "cost_7d"),
                    savings_available_per_month=total_of_row(row, "savings_available_per_month"),
                    active_savings_per_month=total_of_row(row, "active_savings_per_month"),
                    measured=int(measured),
                    unknown=int(not measured),
                )
            )
        return {ref: tuple(found) for ref, found in series.items()}

    def of_team(self, team: EntityRef, *, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        """Answer what a team owned in the sweeps asked for, oldest first, each workload once; sweeps without it are left out."""
        return self._sums(snapshots.c.team == team, as_ofs)

    def of_platform(self, *, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
        """Answer the sum of everything in the sweeps asked for, oldest first, each workload once."""
        return self._sums(true(), as_ofs)

    def sweeps_of_component(self, ref: EntityRef, *, earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        """Return the closed sweeps with earliest <= as_of <= latest that hold a component, oldest first."""
        return self._sweeps_with(snapshots.c.entity_ref == ref, earliest, latest)

    def sweeps_of_team(self, team: EntityRef, *, earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        """Return those that hold a component of a team, oldest first."""
        return self._sweeps_with(snapshots.c.team == team, earliest, latest)

    def sweeps_of_platform(self, *, earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        """Return those that hold any component, oldest first."""
        return self._sweeps_with(true(), earliest, latest)

    def _sweeps_with(self, whose: ColumnElement[bool], earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        holds = exists(select(1).where(whose, snapshots.c.as_of == sweeps.c.as_of).correlate(sweeps))
        closed = select(sweeps.c.as_of).where(
            sweeps.c.closed_at.is_not(None), sweeps.c.as_of >= earliest, sweeps.c.as_of <= latest
        )
        return tuple(self._connection.execute(closed.where(holds).order_by(sweeps.c.as_of)).scalars())

    def first_of_team(self, team: EntityRef) -> datetime | None:
        """Answer the first sweep in which a team owned a component."""
        found: datetime | None = self._connection.execute(
            select(func.min(snapshots.c.as_of)).where(snapshots.c.team == team)
        ).scalar()
        return found

    def first_of_all(self) -> datetime | None:
        """Answer the first sweep in which anything was measured."""
        found: datetime | None = self._connection.execute(select(func.min(snapshots.c.as_of))).scalar()
        return found

    def first_of_components(self, refs: Iterable[EntityRef]) -> Mapping[EntityRef, datetime]:
        """Answer the first sweep of each component that has one."""
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
        return tuple(_summed(as_of, parts[as_of], measured, unknown, why) for as_of, (measured, unknown, why) in outcomes.items())

    def _outcomes(self, whose: ColumnElement[bool], as_ofs: Sequence[datetime]) -> Mapping[datetime, tuple[int, int, str]]:
        """Count measured and unknown components of each sweep, oldest first, with one reason of an unknown."""
        chosen = select(
            snapshots.c.as_of, snapshots.c.outcome, func.count().label("many"), func.min(snapshots.c.reason).label("why")
        )
        grouped = chosen.where(whose, snapshots.c.as_of.in_(as_ofs)).group_by(snapshots.c.as_of, snapshots.c.outcome)
        counts: dict[datetime, tuple[int, int, str]] = {}
        for row in self._connection.execute(grouped.order_by(snapshots.c.as_of)):
            measured, unknown, why = counts.get(row.as_of, (0, 0, ""))
            if row.outcome == Outcome.MEASURED.value:
                counts[row.as_of] = (row.many, unknown, why)
            else:
                counts[row.as_of] = (measured, row.many, row.why)
        return counts


def _summed(as_of: datetime, parts: _Parts, measured: int, unknown: int, why: str) -> SeriesPoint:
    def total(name: str) -> Total:
        if unknown and not measured and not parts[name]:  # nothing was learned, which is not the same as nothing is there
            return Total(amount=Unknown(why), known=0, parts=0)
        return total_of(parts[name])

    return SeriesPoint(
        as_of=as_of,
        cost_7d=total("cost_7d"),
        savings_available_per_month=total("savings_available_per_month"),
        active_savings_per_month=total("active_savings_per_month"),
        measured=measured,
        unknown=unknown,
    )
