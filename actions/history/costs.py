"""Cost by week, and what changed between two weeks. Both use the closing snapshots that reports use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from actions.errors import InputError, NotFoundError
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
from actions.history.view import HistoryView, parse_ref, parse_week
from actions.live.outputs import fields_of, figure, number
from domain.closing_snapshot import closing_window
from domain.measures import Total, Unknown
from domain.refs import OWNER_KINDS, EntityRef
from domain.snapshots import Measurement, Outcome, SeriesPoint
from domain.trends import ClosingPoint, CostChange, CostComparison, WorkloadChange, compare
from domain.weeks import IsoWeek, current_week, last_completed_week


def get_cost_trend(view: HistoryView, query: TrendInput) -> TrendOutput:
    """Return the cost of a component or team by week; the current week, by its newest sweep, comes last.

    Raises:
        NotFoundError: nothing visible of it was measured in that time.
    """
    ref = _measured_ref(view, query.entity_ref)
    schedule, now = view.history.schedules.of(ref), view.history.clock()
    running = current_week(now, schedule.zone)
    weeks = [running.shift(-back) for back in range(query.weeks - 1, -1, -1)]
    closing = _closing_as_ofs(view, ref, weeks)
    points, hidden = _points(view, ref, [as_of for as_of in closing if as_of is not None])
    rows = [_trend_week(week, points.get(as_of) if as_of else None, running) for week, as_of in zip(weeks, closing, strict=True)]
    first = next((number for number, row in enumerate(rows) if row.as_of is not None), None)
    if first is None:
        message = (
            f"no measurement of {ref} that you may see in the last {query.weeks} weeks; list_components lists what was measured"
        )
        raise NotFoundError(message)
    rows = rows[first:]
    costs = [row.cost for row in rows if row.cost is not None]
    change = None if len(costs) < 2 else figure(Decimal(repr(costs[-1])) - Decimal(repr(costs[0])))  # noqa: PLR2004 - two make a change
    return TrendOutput(
        currency=view.history.currency,
        as_of=next((row.as_of for row in reversed(rows) if row.as_of is not None), None),
        not_shown=hidden,
        entity_ref=str(ref),
        weeks=rows,
        change=change,
        change_percent=_percent(change, costs[0] if costs else None),
    )


def compare_weeks(view: HistoryView, query: CompareInput) -> CompareOutput:
    """Return what changed between the closing snapshots of two weeks, workload by workload, the largest change first.

    Raises:
        NotFoundError: a week has no closing snapshot that holds it.
    """
    ref = _measured_ref(view, query.entity_ref)
    zone = view.history.schedules.of(ref).zone
    week = last_completed_week(view.history.clock(), zone) if query.week is None else parse_week(query.week)
    before = week.shift(-1) if query.before is None else parse_week(query.before)
    if before >= week:
        message = f"before ({before}) must be an earlier week than week ({week})"
        raise InputError(message)
    now, hidden_now = _closing(view, ref, week)
    then, hidden_then = _closing(view, ref, before)
    changed = compare(now, then)
    share = changed.like_for_like_share
    ordered = sorted(changed.changes, key=lambda one: (-abs(one.amount), one.key))
    shown, note = page_of([one for one in ordered if one.amount or one.comparison is CostComparison.NOT_COMPARABLE], query)
    return CompareOutput(
        currency=view.history.currency,
        as_of=now.as_of,
        as_of_before=then.as_of,
        not_shown=max(hidden_now, hidden_then),
        entity_ref=str(ref),
        week=str(week),
        before=str(before),
        cost_now=number(_total(now, now.cost_7d).amount),
        cost_then=number(_total(then, then.cost_7d).amount),
        like_for_like=_group(changed, CostComparison.LIKE_FOR_LIKE),
        like_for_like_percent=None if share is None else round(float(share) * 100, 1),
        added=_group(changed, CostComparison.ADDED),
        removed=_group(changed, CostComparison.REMOVED),
        not_comparable=_group(changed, CostComparison.NOT_COMPARABLE),
        changes=[_change_row(one) for one in shown],
        warnings=_coverage_warnings(now, week) + _coverage_warnings(then, before),
        **note,
    )


def _measured_ref(view: HistoryView, text: str) -> EntityRef:
    ref = parse_ref(text)
    if ref.kind in OWNER_KINDS:
        return ref  # of a team visibility is decided component by component
    return view.component(ref).ref


def _closing_as_ofs(view: HistoryView, ref: EntityRef, weeks: Sequence[IsoWeek]) -> list[datetime | None]:
    schedule, now = view.history.schedules.of(ref), view.history.clock()
    windows = [closing_window(schedule, week, now=now) for week in weeks]
    history = view.rows.history
    find = history.sweeps_of_team if ref.kind in OWNER_KINDS else history.sweeps_of_component
    as_ofs = find(ref, earliest=windows[0].earliest, latest=windows[-1].latest)
    return [window.closing(as_ofs) for window in windows]


def _points(view: HistoryView, ref: EntityRef, as_ofs: Sequence[datetime]) -> tuple[dict[datetime, SeriesPoint], int]:
    history = view.rows.history
    if ref.kind not in OWNER_KINDS or view.sees_everything:
        series = (history.of_team if ref.kind in OWNER_KINDS else history.of_component)(ref, as_ofs=as_ofs)
        return {point.as_of: point for point in series}, 0
    points: dict[datetime, SeriesPoint] = {}
    most_hidden = 0
    for as_of in as_ofs:
        measured, hidden = view.visible_measurements(view.rows.snapshots.of_team(ref, as_of))
        most_hidden = max(most_hidden, hidden)
        if measured:
            closing = ClosingPoint(as_of=as_of, measurements=measured)
            unknown = len(_unknown_reasons(closing))
            points[as_of] = SeriesPoint(
                as_of=as_of,
                cost_7d=_total(closing, closing.cost_7d),
                savings_available_per_month=_total(closing, closing.savings_available_per_month),
                active_savings_per_month=_total(closing, closing.realised_savings_per_month),
                measured=len(measured) - unknown,
                unknown=unknown,
            )
    return points, most_hidden


def _unknown_reasons(closing: ClosingPoint) -> list[str]:
    return [one.snapshot.reason for one in closing.measurements if one.snapshot.outcome is Outcome.UNKNOWN]


def _total(closing: ClosingPoint, total: Total) -> Total:
    """Return a total; unknown if no component was measured, which is different from having no workloads."""
    reasons = _unknown_reasons(closing)
    return replace(total, amount=Unknown(reasons[0])) if reasons and total.parts == 0 else total


def _trend_week(week: IsoWeek, point: SeriesPoint | None, running: IsoWeek) -> TrendWeekRow:
    return TrendWeekRow(
        week=str(week),
        as_of=point and point.as_of,
        running=week == running,
        cost=point and number(point.cost_7d.amount),
        savings_available_per_month=point and number(point.savings_available_per_month.amount),
        savings_realised_per_month=point and number(point.active_savings_per_month.amount),
        workloads=point.cost_7d.parts if point else 0,
        workloads_with_cost=point.cost_7d.known if point else 0,
    )


def _closing(view: HistoryView, ref: EntityRef, week: IsoWeek) -> tuple[ClosingPoint, int]:
    [as_of] = _closing_as_ofs(view, ref, [week])
    sweep = None if as_of is None else view.rows.sweeps.get(as_of)
    measured, hidden = view.visible_measurements(() if sweep is None else _measurements(view, ref, sweep.as_of))
    if sweep is None or not measured:
        message = f"no closing snapshot of {ref} for {week} that you may see; get_cost_trend shows the measured weeks"
        raise NotFoundError(message)
    return ClosingPoint(as_of=sweep.as_of, measurements=measured, listing_complete=sweep.listing_complete), hidden


def _measurements(view: HistoryView, ref: EntityRef, as_of: datetime) -> tuple[Measurement, ...]:
    if ref.kind in OWNER_KINDS:
        return view.rows.snapshots.of_team(ref, as_of)
    found = view.rows.snapshots.of_component(ref, as_of)
    return () if found is None else (found,)


def _group(changed: CostChange, comparison: CostComparison) -> ChangeGroup:
    group = changed.group(comparison)
    return ChangeGroup(workloads=group.workloads, amount=figure(group.amount))


def _change_row(change: WorkloadChange) -> ChangeRow:
    return ChangeRow(
        **fields_of(change.key),
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
