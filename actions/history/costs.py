"""The course of cost over weeks, and what changed between two of them. Closing snapshots only, as reports use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from actions.errors import InputError, NotFoundError
from actions.history.context import OWNERS, HistoryView, parse_ref, parse_week
from actions.history.lists import known
from actions.history.models import (
    ChangeGroup,
    ChangeRow,
    CompareInput,
    CompareOutput,
    TrendInput,
    TrendOutput,
    TrendWeekRow,
    page_of,
)
from actions.live.outputs import figure, number
from domain.closing_snapshot import closing_window
from domain.measures import Total, Unknown
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, SeriesPoint
from domain.trends import ClosingPoint, CostChange, CostComparison, WorkloadChange, compare
from domain.weeks import IsoWeek, current_week, last_completed_week


@dataclass(frozen=True, kw_only=True)
class _Point:
    """One week of the course."""

    as_of: datetime
    cost: Decimal | Unknown
    savings_available: Decimal | Unknown
    savings_realised: Decimal | Unknown
    workloads: int
    workloads_with_cost: int


def get_cost_trend(reading: HistoryView, asked: TrendInput) -> TrendOutput:
    """Answer the cost of a component or a team, week by week; the running week, by its newest sweep, comes last.

    Raises:
        NotFoundError: nothing was measured of it in that time.
    """
    ref = _measured_ref(reading, asked.entity_ref)
    schedule, now = reading.archive.schedules.of(ref), reading.archive.clock()
    running = current_week(now, schedule.zone)
    weeks = [running.plus(-back) for back in range(asked.weeks - 1, -1, -1)]
    closing = _closing_as_ofs(reading, ref, weeks)
    points, hidden = _points(reading, ref, [as_of for as_of in closing if as_of is not None])
    rows = [_trend_week(week, points.get(as_of) if as_of else None, running) for week, as_of in zip(weeks, closing, strict=True)]
    first = next((number for number, row in enumerate(rows) if row.as_of is not None), None)
    if first is None:
        message = (
            f"nothing that you may see was measured of {ref} in the last {asked.weeks} weeks; list_components finds what was"
        )
        raise NotFoundError(message)
    rows = rows[first:]
    costs = [row.cost for row in rows if row.cost is not None]
    change = None if len(costs) < 2 else figure(Decimal(repr(costs[-1])) - Decimal(repr(costs[0])))  # noqa: PLR2004 - two make a change
    return TrendOutput(
        currency=reading.archive.currency,
        as_of=next((row.as_of for row in reversed(rows) if row.as_of is not None), None),
        not_shown=hidden,
        entity_ref=str(ref),
        weeks=rows,
        change=change,
        change_percent=_percent(change, costs[0] if costs else None),
    )


def compare_weeks(reading: HistoryView, asked: CompareInput) -> CompareOutput:
    """Answer what changed between the closing snapshots of two weeks, workload by workload, the largest change first.

    Raises:
        NotFoundError: one of the weeks has no closing snapshot with it.
    """
    ref = _measured_ref(reading, asked.entity_ref)
    zone = reading.archive.schedules.of(ref).zone
    week = last_completed_week(reading.archive.clock(), zone) if asked.week is None else parse_week(asked.week)
    before = week.plus(-1) if asked.before is None else parse_week(asked.before)
    if before >= week:
        message = f"before ({before}) must be an earlier week than week ({week})"
        raise InputError(message)
    now, hidden_now = _closing(reading, ref, week)
    then, hidden_then = _closing(reading, ref, before)
    changed = compare(now, then)
    ordered = sorted(changed.changes, key=lambda one: (-abs(one.amount), one.key))
    shown, note = page_of([one for one in ordered if one.amount or one.comparison is CostComparison.NOT_COMPARABLE], asked)
    return CompareOutput(
        currency=reading.archive.currency,
        as_of=now.as_of,
        as_of_before=then.as_of,
        not_shown=max(hidden_now, hidden_then),
        entity_ref=str(ref),
        week=str(week),
        before=str(before),
        cost_now=known(_amount(now, now.cost_7d)),
        cost_then=known(_amount(then, then.cost_7d)),
        like_for_like=_group(changed, CostComparison.LIKE_FOR_LIKE),
        like_for_like_percent=_share(changed.like_for_like_share),
        added=_group(changed, CostComparison.ADDED),
        removed=_group(changed, CostComparison.REMOVED),
        not_comparable=_group(changed, CostComparison.NOT_COMPARABLE),
        changes=[_change_row(one) for one in shown],
        warnings=_coverage_warnings(now, week) + _coverage_warnings(then, before),
        **note,
    )


def _measured_ref(reading: HistoryView, text: str) -> EntityRef:
    ref = parse_ref(text)
    if ref.kind in OWNERS:
        return ref  # what is shown of a team is decided component by component
    return reading.component(ref).ref


def _closing_as_ofs(reading: HistoryView, ref: EntityRef, weeks: Sequence[IsoWeek]) -> list[datetime | None]:
    schedule, now = reading.archive.schedules.of(ref), reading.archive.clock()
    windows = [closing_window(schedule, week, now=now) for week in weeks]
    history = reading.rows.history
    find = history.sweeps_of_team if ref.kind in OWNERS else history.sweeps_of_component
    as_ofs = find(ref, earliest=windows[0].earliest, latest=windows[-1].latest)
    return [window.closing(as_ofs) for window in windows]


def _points(reading: HistoryView, ref: EntityRef, as_ofs: Sequence[datetime]) -> tuple[dict[datetime, _Point], int]:
    if ref.kind not in OWNERS:
        return {point.as_of: _series_point(point) for point in reading.rows.history.of_component(ref, as_ofs=as_ofs)}, 0
    if reading.sees_everything:
        return {point.as_of: _series_point(point) for point in reading.rows.history.of_team(ref, as_ofs=as_ofs)}, 0
    points: dict[datetime, _Point] = {}
    most_hidden = 0
    for as_of in as_ofs:
        measured, hidden = reading.measured_of(reading.rows.snapshots.of_team(ref, as_of))
        most_hidden = max(most_hidden, hidden)
        if measured:
            points[as_of] = _point_of(ClosingPoint(as_of=as_of, measurements=measured))
    return points, most_hidden


def _series_point(point: SeriesPoint) -> _Point:
    return _Point(
        as_of=point.as_of,
        cost=point.cost_7d.amount,
        savings_available=point.savings_available_per_month.amount,
        savings_realised=point.active_savings_per_month.amount,
        workloads=point.cost_7d.parts,
        workloads_with_cost=point.cost_7d.known,
    )


def _point_of(closing: ClosingPoint) -> _Point:
    return _Point(
        as_of=closing.as_of,
        cost=_amount(closing, closing.cost_7d),
        savings_available=_amount(closing, closing.savings_available_per_month),
        savings_realised=_amount(closing, closing.realised_savings_per_month),
        workloads=closing.cost_7d.parts,
        workloads_with_cost=closing.cost_7d.known,
    )


def _amount(closing: ClosingPoint, total: Total) -> Decimal | Unknown:
    """Answer a total; where nothing was learned it is unknown, which is not the same as nothing being there."""
    if total.parts == 0 and Outcome.UNKNOWN in closing.outcomes.values():
        return next(Unknown(one.snapshot.reason) for one in closing.measurements if one.snapshot.outcome is Outcome.UNKNOWN)
    return total.amount


def _trend_week(week: IsoWeek, point: _Point | None, running: IsoWeek) -> TrendWeekRow:
    return TrendWeekRow(
        week=str(week),
        as_of=None if point is None else point.as_of,
        running=week == running,
        cost=None if point is None else known(point.cost),
        savings_available_per_month=None if point is None else known(point.savings_available),
        savings_realised_per_month=None if point is None else known(point.savings_realised),
        workloads=0 if point is None else point.workloads,
        workloads_with_cost=0 if point is None else point.workloads_with_cost,
    )


def _closing(reading: HistoryView, ref: EntityRef, week: IsoWeek) -> tuple[ClosingPoint, int]:
    [as_of] = _closing_as_ofs(reading, ref, [week])
    sweep = None if as_of is None else reading.rows.sweeps.get(as_of)
    measured: tuple[Measurement, ...] = ()
    hidden = 0
    if sweep is not None:
        measured, hidden = reading.measured_of(_measurements(reading, ref, sweep.as_of))
    if sweep is None or not measured:
        message = f"nothing that you may see closes the week {week} of {ref}; get_cost_trend shows the weeks that were measured"
        raise NotFoundError(message)
    return ClosingPoint(as_of=sweep.as_of, measurements=measured, listing_complete=sweep.listing_complete), hidden


def _measurements(reading: HistoryView, ref: EntityRef, as_of: datetime) -> tuple[Measurement, ...]:
    if ref.kind in OWNERS:
        return reading.rows.snapshots.of_team(ref, as_of)
    found = reading.rows.snapshots.of_component(ref, as_of)
    return () if found is None else (found,)


def _group(changed: CostChange, comparison: CostComparison) -> ChangeGroup:
    group = changed.group(comparison)
    return ChangeGroup(workloads=group.workloads, amount=figure(group.amount))


def _change_row(change: WorkloadChange) -> ChangeRow:
    return ChangeRow(
        workload_name=change.key.name,
        cluster_name=change.key.cluster,
        namespace=change.key.namespace,
        type=change.key.type,
        entity_refs=[str(ref) for ref in change.components],
        comparison=change.comparison.value,
        then=number(change.then),
        now=number(change.now),
        amount=figure(change.amount),
    )


def _coverage_warnings(closing: ClosingPoint, week: IsoWeek) -> list[str]:
    total = closing.cost_7d
    if total.is_complete:
        return []
    return [f"{week}: the cost of {total.parts - total.known} of {total.parts} workloads is unknown"]


def _percent(change: float | None, base: float | None) -> float | None:
    return None if change is None or not base else round(change / base * 100, 1)


def _share(share: Decimal | None) -> float | None:
    return None if share is None else round(float(share) * 100, 1)
