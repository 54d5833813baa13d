"""Cost by week, and what changed between two weeks. Both use the closing snapshots that reports use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from domain.closing_point import ClosingPoint
from domain.closing_snapshot import ClosingCandidate
from domain.cost_change import CostChange, CostComparison, WorkloadChange, compare
from domain.money import change_share, percent_number
from domain.refs import OWNER_KINDS, EntityRef
from domain.snapshots import SeriesPoint
from domain.weeks import IsoWeek, Schedule, current_week, last_completed_week


def get_cost_trend(view: HistoryView, query: TrendInput) -> TrendOutput:
    """Return the cost of a component or team by week; the current week, by its newest sweep, comes last.

    Raises:
        NotFoundError: nothing visible of it was measured in that time.
    """
    closed = ClosedWeeks.of(view, measured_ref(view, query.entity_ref))
    running = current_week(view.history.clock(), closed.schedule.zone)
    weeks = [running.shift(-back) for back in range(query.weeks - 1, -1, -1)]
    found = closed.choose(weeks)
    rows = [_trend_week(week, view.rows.closing.total(found[week].chosen), running) for week in weeks]
    first = next((number for number, row in enumerate(rows) if row.as_of is not None), None)
    if first is None:
        message = (
            f"no measurement of {closed.ref} that you may see in the last {query.weeks} weeks; "
            "list_components lists what was measured"
        )
        raise NotFoundError(message)
    rows = rows[first:]
    known = [row for row in rows if row.cost is not None]
    # What was measured in part compares with nothing.
    costs = (
        [] if any(_incomplete(row) for row in (*known[:1], *known[-1:])) else [row.cost for row in known if row.cost is not None]
    )
    change = None if len(costs) < 2 else figure(Decimal(repr(costs[-1])) - Decimal(repr(costs[0])))  # noqa: PLR2004 - two make a change
    return TrendOutput(
        currency=view.history.currency,
        as_of=next((row.as_of for row in reversed(rows) if row.as_of is not None), None),
        not_shown=max(one.hidden for one in found.values()),
        entity_ref=str(closed.ref),
        warnings=[warning for row in rows for warning in _incomplete(row)],
        weeks=rows,
        change=change,
        change_percent=_percent(change, costs[0] if costs else None),
    )


def compare_weeks(view: HistoryView, query: CompareInput) -> CompareOutput:
    """Return what changed between the closing snapshots of two weeks, workload by workload, the largest change first.

    Raises:
        NotFoundError: a week has no closing snapshot that holds it.
    """
    closed = ClosedWeeks.of(view, measured_ref(view, query.entity_ref))
    week, before = closed.compared(query.week, query.before)
    now, then, hidden = closed.read_both(week, before)
    changed = compare(now, then)
    share = changed.like_for_like_share
    ordered = sorted(changed.changes, key=lambda one: (-abs(one.amount), one.key))
    shown, note = page_of([one for one in ordered if one.amount or one.comparison is CostComparison.NOT_COMPARABLE], query)
    return CompareOutput(
        currency=view.history.currency,
        as_of=now.as_of,
        as_of_before=then.as_of,
        not_shown=hidden,
        entity_ref=str(closed.ref),
        week=str(week),
        before=str(before),
        cost_now=number(now.cost_7d.amount),
        cost_then=number(then.cost_7d.amount),
        like_for_like=_group(changed, CostComparison.LIKE_FOR_LIKE),
        like_for_like_percent=percent_number(share),
        added=_group(changed, CostComparison.ADDED),
        removed=_group(changed, CostComparison.REMOVED),
        ramping_in=_group(changed, CostComparison.RAMPING_IN),
        ramping_out=_group(changed, CostComparison.RAMPING_OUT),
        moved=_group(changed, CostComparison.MOVED),
        not_comparable=_group(changed, CostComparison.NOT_COMPARABLE),
        changes=[_change_row(one) for one in shown],
        warnings=coverage_warnings(now, week) + coverage_warnings(then, before),
        **note,
    )


@dataclass(frozen=True, kw_only=True)
class _ClosedWeek:
    as_ofs: tuple[datetime, ...]
    chosen: tuple[ClosingCandidate, ...]
    """The visible closing snapshots."""
    hidden: int


@dataclass(frozen=True, kw_only=True)
class ClosedWeeks:
    """The closing snapshots of a component or a team: those of the reports of its team."""

    view: HistoryView
    ref: EntityRef
    team: EntityRef
    schedule: Schedule

    @classmethod
    def of(cls, view: HistoryView, ref: EntityRef) -> ClosedWeeks:
        """Return those of a component or team."""
        team = ref if ref.kind in OWNER_KINDS else view.component(ref).team
        return cls(view=view, ref=ref, team=team, schedule=view.history.schedules.of(team))

    def compared(self, week: str | None, before: str | None) -> tuple[IsoWeek, IsoWeek]:
        """Return the two weeks to compare, by default the last two completed ones. Raises InputError."""
        newer = last_completed_week(self.view.history.clock(), self.schedule.zone) if week is None else parse_week(week)
        older = newer.shift(-1) if before is None else parse_week(before)
        if older >= newer:
            message = f"before ({older}) must be an earlier week than week ({newer})"
            raise InputError(message)
        return newer, older

    def choose(self, weeks: Sequence[IsoWeek]) -> Mapping[IsoWeek, _ClosedWeek]:
        """Return the closing snapshots of some weeks."""
        closing, now = self.view.rows.closing, self.view.history.clock()
        sweeps = closing.sweeps_of_weeks(self.team, self.schedule, weeks, now=now)
        found = {}
        for week, as_ofs in sweeps.items():
            if self.ref == self.team:
                chosen, hidden = self.view.only_visible(closing.of_team(self.ref, as_ofs), lambda one: one.ref)
            else:
                chosen, hidden = tuple(closing.of_components([self.ref], as_ofs).values()), 0
            found[week] = _ClosedWeek(as_ofs=as_ofs, chosen=chosen, hidden=hidden)
        return found

    def read_both(self, week: IsoWeek, before: IsoWeek) -> tuple[ClosingPoint, ClosingPoint, int]:
        """Return the closing snapshots of two weeks with their workloads, and the larger number of hidden components.

        Raises:
            NotFoundError: a week has none that the caller may see.
        """
        found, closing = self.choose([week, before]), self.view.rows.closing
        now, then = self._read(week, found[week]), self._read(before, found[before])
        return (
            closing.with_other_owners(now, then, found[week].as_ofs, of=self.ref),
            closing.with_other_owners(then, now, found[before].as_ofs, of=self.ref),
            max(found[week].hidden, found[before].hidden),
        )

    def _read(self, week: IsoWeek, found: _ClosedWeek) -> ClosingPoint:
        point = self.view.rows.closing.read(found.chosen, found.as_ofs)
        if point is None:
            message = f"no closing snapshot of {self.ref} for {week} that you may see; get_cost_trend shows the measured weeks"
            raise NotFoundError(message)
        return point


def measured_ref(view: HistoryView, text: str) -> EntityRef:
    """Parse the reference of a team, or of a component that the caller may see. Raises InputError, NotFoundError."""
    ref = parse_ref(text)
    if ref.kind in OWNER_KINDS:
        return ref  # of a team visibility is decided component by component
    return view.component(ref).ref


def _trend_week(week: IsoWeek, point: SeriesPoint | None, running: IsoWeek) -> TrendWeekRow:
    with_cost, workloads = (None, None) if point is None else point.counts
    return TrendWeekRow(
        week=str(week),
        as_of=point and point.as_of,
        running=week == running,
        cost=point and number(point.cost_7d.amount),
        savings_available_per_month=point and number(point.savings_available_per_month.amount),
        savings_realised_per_month=point and number(point.active_savings_per_month.amount),
        workloads=workloads,
        workloads_with_cost=with_cost,
    )


def _incomplete(row: TrendWeekRow) -> list[str]:
    unknown = (row.workloads or 0) - (row.workloads_with_cost or 0)
    return [f"{row.week}: the cost of {unknown} of {row.workloads} workloads is unknown"] if unknown else []


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


def coverage_warnings(closing: ClosingPoint, week: IsoWeek) -> list[str]:
    """Return a sentence for what was not measured at the end of a week."""
    total, unknown, of = closing.cost_7d, len(closing.unknown), len(closing.outcomes)
    components = [f"{week}: {unknown} of {of} components could not be measured"] if unknown else []
    workloads = [f"{week}: the cost of {total.parts - total.known} of {total.parts} workloads is unknown"]
    return [*components, *([] if total.is_complete else workloads)]


def _percent(change: float | None, base: float | None) -> float | None:
    share = None if change is None or base is None else change_share(Decimal(repr(change)), base=Decimal(repr(base)))
    return percent_number(share)
