"""Closing snapshots: which sweeps may close a week, and the snapshots that do, chosen by `domain.closing_snapshot`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, RowMapping, Select, and_, exists, func, or_, select, true, tuple_

from domain.closing_point import ClosingPoint, count_once, sum_points
from domain.closing_snapshot import ClosingCandidate, ClosingWindow, choose_closing, closing_window
from domain.measures import T
from domain.refs import OWNER_KINDS, PLATFORM, EntityRef
from domain.snapshots import TOTALS, Outcome, SeriesPoint
from domain.weeks import WEEKLY_REPORT, IsoWeek, Schedule
from domain.workload import WorkloadKey
from store.queries import points
from store.queries.points import SUMMED_COLUMNS, SummedRow, summed_row
from store.queries.rows import Queries
from store.queries.snapshots import Snapshots, total_of_row
from store.schema import report_runs, snapshot_points, snapshots, sweeps, workload_points

_BATCH: Final = 500
_COLUMNS: Final = (
    snapshots.c.entity_ref,
    snapshots.c.as_of,
    snapshots.c.team,
    snapshots.c.outcome,
    snapshots.c.reason,
    snapshots.c.unknown,
    *(snapshots.c[f"{name}{part}"] for name in TOTALS for part in ("", "_known", "_parts")),
)


@dataclass(frozen=True, kw_only=True)
class ClosingSums:
    """The sums of the closing snapshots of a week, and what they are made of: every workload once."""

    point: SeriesPoint
    workloads: Mapping[WorkloadKey, SummedRow]


class ClosingSnapshots(Queries):
    """Closing snapshots of components, of a team, or (`PLATFORM`) of all. Read only."""

    def sweeps_of_weeks(
        self, team: EntityRef, schedule: Schedule, weeks: Sequence[IsoWeek], *, now: datetime
    ) -> Mapping[IsoWeek, tuple[datetime, ...]]:
        """Return the sweeps that may close each week for a team, oldest first.

        Of a reported week they are those that its report was made from (or the report of the week after, which compared with it),
        so that every later reader chooses the same snapshots, whatever was closed or configured since.
        """
        recorded = self._recorded(team, weeks)
        windows = {week: closing_window(schedule, week, now=now) for week in weeks if week not in recorded}
        found = {}
        if windows:
            earliest, latest = min(one.earliest for one in windows.values()), max(one.latest for one in windows.values())
            as_ofs = self.sweeps_in(ClosingWindow(earliest=earliest, latest=latest), now=now)
            found = {week: tuple(as_of for as_of in as_ofs if as_of in window) for week, window in windows.items()}
        return {week: recorded[week] if week in recorded else found[week] for week in weeks}

    def sweeps_in(self, window: ClosingWindow, *, now: datetime) -> Sequence[datetime]:
        """Return the sweeps in a closing window that were closed by `now`, oldest first."""
        closed = select(sweeps.c.as_of).where(
            sweeps.c.closed_at <= now, sweeps.c.as_of >= window.earliest, sweeps.c.as_of <= window.latest
        )
        return self._connection.execute(closed.order_by(sweeps.c.as_of)).scalars().all()

    def _recorded(self, team: EntityRef, weeks: Sequence[IsoWeek]) -> Mapping[IsoWeek, tuple[datetime, ...]]:
        names = {str(week) for week in weeks} | {str(week.shift(1)) for week in weeks}
        chosen = select(report_runs.c.week, report_runs.c.sweeps_now, report_runs.c.sweeps_then).where(
            report_runs.c.team == team,
            report_runs.c.report == WEEKLY_REPORT,
            report_runs.c.week.in_(names),
            report_runs.c.again == 0,
        )
        runs = {row.week: row for row in self._connection.execute(chosen)}
        recorded = {}
        for week in weeks:
            own, next_week = runs.get(str(week)), runs.get(str(week.shift(1)))
            if own is not None and own.sweeps_now is not None:
                recorded[week] = own.sweeps_now
            elif next_week is not None and next_week.sweeps_then is not None:
                recorded[week] = next_week.sweeps_then
        return recorded

    def of_team(self, team: EntityRef, as_ofs: Collection[datetime]) -> tuple[ClosingCandidate, ...]:
        """Return the closing snapshots of what a team owned in them, among the sweeps that may close the week, by reference."""
        if team == PLATFORM:
            return self._choose(true(), as_ofs)
        mine = select(snapshots.c.entity_ref).where(snapshots.c.team == team, snapshots.c.as_of.in_(as_ofs))
        return tuple(one for one in self._choose(snapshots.c.entity_ref.in_(mine), as_ofs) if one.team == team)

    def of_components(self, refs: Iterable[EntityRef], as_ofs: Collection[datetime]) -> Mapping[EntityRef, ClosingCandidate]:
        """Return the closing snapshots of components; those without one are left out."""
        found: dict[EntityRef, ClosingCandidate] = {}
        for batch in _batches(sorted(refs)):
            found |= {one.ref: one for one in self._choose(snapshots.c.entity_ref.in_(batch), as_ofs)}
        return found

    def owned_at_end(self, team: EntityRef, schedule: Schedule, week: IsoWeek, *, now: datetime) -> bool:
        """Return True if a team owned a component at the end of a week. Only such a week has a report."""
        as_ofs = self.sweeps_of_weeks(team, schedule, [week], now=now)[week]
        return team == PLATFORM or bool(self.of_team(team, as_ofs or self.deciding_sweeps(schedule, week, now=now)))

    def deciding_sweeps(self, schedule: Schedule, week: IsoWeek, *, now: datetime) -> Sequence[datetime]:
        """Return the sweeps in the closing window of a week, or the newest before it if the worker was down in that time."""
        window = closing_window(schedule, week, now=now)
        before = select(func.max(sweeps.c.as_of)).where(sweeps.c.closed_at <= now, sweeps.c.as_of < window.earliest)
        return self.sweeps_in(window, now=now) or [one for one in self._connection.execute(before).scalars() if one is not None]

    def owners(self, as_ofs: Collection[datetime]) -> frozenset[EntityRef]:
        """Return every team that owned a component in one of these sweeps, though perhaps not in its closing snapshot."""
        chosen = select(snapshots.c.team).where(snapshots.c.as_of.in_(as_ofs)).distinct()
        return frozenset(self._connection.execute(chosen).scalars())

    def sweeps_used(self, as_ofs: Collection[datetime]) -> frozenset[datetime]:
        """Return the sweeps whose snapshots close the week for some component, among those that may."""
        if len(as_ofs) <= 1:
            return frozenset(as_ofs)
        newest = max(as_ofs)
        settled = select(snapshots.c.id).where(snapshots.c.as_of == newest, *_is_settled(snapshots)).limit(1)
        used = {newest} if self._connection.execute(settled).first() is not None else set()
        others = self._candidates(and_(snapshots.c.as_of.in_(as_ofs), ~_is_settled_in(newest)))
        return frozenset(used | {one.as_of for one in choose_closing(others).values()})

    def read(self, chosen: Sequence[ClosingCandidate], as_ofs: Collection[datetime]) -> ClosingPoint | None:
        """Return the chosen snapshots with their workloads; None without any. `as_ofs`: the sweeps that may close the week."""
        if not chosen:
            return None
        rows = Snapshots(self._connection)
        measurements = [one for as_of, refs in _by_sweep(chosen) for one in rows.of_components(refs, as_of)]
        listed = select(sweeps.c.listing_complete).where(sweeps.c.as_of == max(as_ofs))
        return ClosingPoint(
            as_of=_newest(chosen),
            measurements=tuple(sorted(measurements, key=lambda one: one.snapshot.ref)),
            listing_complete=bool(self._connection.execute(listed).scalar()),
        )

    def with_other_owners(
        self, closing: ClosingPoint, other: ClosingPoint, as_ofs: Collection[datetime], *, of: EntityRef
    ) -> ClosingPoint:
        """Return a closing point that names who owned, at its time, the workloads that only the other one has.

        An owner is a team if `of` is one, else a component. `as_ofs`: the sweeps that may close the week of `closing`.
        """
        missing = sorted(other.points.keys() - closing.points.keys())
        claims = [claim for as_of in sorted(as_ofs) for claim in self._claims(missing, as_of)] if of != PLATFORM else []
        chosen = self.of_components({ref for _, ref, _ in claims}, as_ofs)
        owners: dict[WorkloadKey, EntityRef] = {}
        for key, ref, as_of in claims:
            owner = chosen[ref].team if of.kind in OWNER_KINDS else ref
            if chosen[ref].as_of == as_of and owner != of:
                owners[key] = min(owner, owners.get(key, owner))
        return replace(closing, owned_elsewhere=owners) if owners else closing

    def _claims(self, keys: Sequence[WorkloadKey], as_of: datetime) -> Iterator[tuple[WorkloadKey, EntityRef, datetime]]:
        columns = workload_points.c
        named = tuple_(columns.cluster, columns.namespace, columns.type, columns.name)
        chosen = (
            select(columns.cluster, columns.namespace, columns.type, columns.name, snapshots.c.entity_ref)
            .join(snapshot_points, snapshot_points.c.point_id == columns.id)
            .join(snapshots, snapshots.c.id == snapshot_points.c.snapshot_id)
        )
        for batch in _batches(keys):
            wanted = [(key.cluster, key.namespace, key.type, key.name) for key in batch]
            for row in self._connection.execute(chosen.where(columns.as_of == as_of, named.in_(wanted))).mappings():
                yield points.key_of(row), row["entity_ref"], as_of

    def total(self, chosen: Sequence[ClosingCandidate]) -> SeriesPoint | None:
        """Return the sums that `read` would have; None without any snapshot."""
        found = self.sums(chosen)
        return None if found is None else found.point

    def sums(self, chosen: Sequence[ClosingCandidate]) -> ClosingSums | None:
        """Return what `read` would have, as far as sums and comparisons need it; None without any snapshot."""
        if not chosen:
            return None
        unknown = [one for one in chosen if one.outcome is Outcome.UNKNOWN]
        refs_with_workloads: set[EntityRef] = set()
        rows: list[SummedRow] = []
        for as_of, refs in _by_sweep(chosen):
            for row in self._summed_rows(refs, as_of):
                refs_with_workloads.add(row["entity_ref"])
                rows.append(summed_row(row))
        once = count_once(rows)
        without = sum(1 for one in unknown if one.ref not in refs_with_workloads)
        totals = sum_points(once.values(), unknown=[one.reason for one in unknown], without_workloads=without)
        point = SeriesPoint(as_of=_newest(chosen), measured=len(chosen) - len(unknown), unknown=len(unknown), **totals)
        return ClosingSums(point=point, workloads=once)

    def _summed_rows(self, refs: Sequence[EntityRef], as_of: datetime) -> Sequence[RowMapping]:
        chosen: Select[Any] = (
            select(snapshots.c.entity_ref, *SUMMED_COLUMNS)
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, workload_points.c.id == snapshot_points.c.point_id)
            .where(snapshots.c.as_of == as_of, snapshots.c.entity_ref.in_(refs))
        )
        return self._connection.execute(chosen.order_by(snapshots.c.entity_ref, workload_points.c.id)).mappings().all()

    def _choose(self, whose: ColumnElement[bool], as_ofs: Collection[datetime]) -> tuple[ClosingCandidate, ...]:
        """Choose among the newest sweep, and the older ones where that has no measured snapshot with a cost to prefer."""
        if not as_ofs:
            return ()
        newest, *older = sorted(as_ofs, reverse=True)
        found = self._candidates(and_(whose, snapshots.c.as_of == newest))
        if older:
            found += self._candidates(and_(whose, snapshots.c.as_of.in_(older), ~_is_settled_in(newest)))
        return tuple(sorted(choose_closing(found).values(), key=lambda one: one.ref))

    def _candidates(self, whose: ColumnElement[bool]) -> list[ClosingCandidate]:
        return [
            ClosingCandidate(
                ref=row["entity_ref"],
                as_of=row["as_of"],
                team=row["team"],
                outcome=Outcome(row["outcome"]),
                reason=row["reason"],
                **{name: total_of_row(row, name) for name in TOTALS},
            )
            for row in self._connection.execute(select(*_COLUMNS).where(whose)).mappings()
        ]


def _is_settled_in(newest: datetime) -> ColumnElement[bool]:
    """A component whose newest snapshot was measured with a cost needs no older one."""
    other = snapshots.alias("newest")
    same = (other.c.entity_ref == snapshots.c.entity_ref, other.c.as_of == newest, *_is_settled(other))
    return exists(select(1).where(*same).correlate(snapshots))


def _is_settled(rows: FromClause) -> tuple[ColumnElement[bool], ...]:
    return rows.c.outcome == Outcome.MEASURED.value, or_(rows.c.cost_7d_known > 0, rows.c.cost_7d_parts == 0)


def _newest(chosen: Iterable[ClosingCandidate]) -> datetime:
    """Return the newest as-of of those that were measured, or of all if none was."""
    return max((one.outcome is Outcome.MEASURED, one.as_of) for one in chosen)[1]


def _by_sweep(chosen: Iterable[ClosingCandidate]) -> Iterator[tuple[datetime, list[EntityRef]]]:
    by_sweep: dict[datetime, list[EntityRef]] = {}
    for one in chosen:
        by_sweep.setdefault(one.as_of, []).append(one.ref)
    for as_of, refs in by_sweep.items():
        for batch in _batches(refs):
            yield as_of, batch


def _batches(items: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), _BATCH):
        yield list(items[start : start + _BATCH])
