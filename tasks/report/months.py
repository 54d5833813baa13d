"""Gathers the months of a report: of the team, and of its components with a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.closing_point import ClosingPoint
from domain.closing_snapshot import ClosingCandidate
from domain.forecast import RATE_WEEKS
from domain.month_to_date import MonthToDate, month_to_date, start_of_month, sweeps_needed
from domain.refs import EntityRef
from domain.snapshots import SeriesPoint
from domain.weeks import IsoWeek, Schedule
from reports.facts import ComponentMonth
from store import Transaction
from tasks.context import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMonths:
    """The month at the end of a week, and the one that ended in it; each as a whole if it is over then."""

    current: MonthToDate | None = None
    finished: MonthToDate | None = None


def months_of(
    transaction: Transaction, schedule: Schedule, week: IsoWeek, now: ClosingPoint | None, team: EntityRef
) -> ReportMonths:
    """Return the months of a team, or of the platform."""
    if now is None:
        return ReportMonths()
    until = _end_of(week, schedule, now)
    start = start_of_month(until)
    ended = start if start > week.starts_at(schedule.zone) else None
    return ReportMonths(
        current=_month(transaction, now, team, until), finished=None if ended is None else _month(transaction, now, team, ended)
    )


def component_months(
    transaction: Transaction,
    policy: Policy,
    schedule: Schedule,
    now: ClosingPoint | None,
    weeks: Mapping[IsoWeek, Sequence[ClosingCandidate]],
) -> tuple[ComponentMonth, ...]:
    """Return the months of the components with a budget. `weeks`: the closing snapshots of each week, the week of `now` last."""
    if now is None:
        return ()
    closing = {one.snapshot.ref: SeriesPoint.of_component(one.snapshot) for one in now.measurements}
    budgets = {ref: budget for ref in closing if (budget := policy.alerts.monthly_budget_of(ref)) is not None}
    if not budgets:
        return ()
    *_, week = weeks
    months = _months_of(transaction, {ref: closing[ref] for ref in budgets}, until=_end_of(week, schedule, now), newest=now.as_of)
    recent = [{one.ref: one.cost_7d for one in weeks[each]} for each in reversed(list(weeks)[-RATE_WEEKS:])]
    return tuple(
        ComponentMonth(
            ref=ref, month=months[ref], monthly_budget=budget, costs_7d=tuple(costs[ref] for costs in recent if ref in costs)
        )
        for ref, budget in sorted(budgets.items())
    )


def current_month(transaction: Transaction, ref: EntityRef, newest: SeriesPoint) -> MonthToDate:
    """Return what a component cost in the month up to its newest snapshot."""
    return _months_of(transaction, {ref: newest}, until=newest.as_of, newest=newest.as_of)[ref]


def _months_of(
    transaction: Transaction, last: Mapping[EntityRef, SeriesPoint], *, until: datetime, newest: datetime
) -> Mapping[EntityRef, MonthToDate]:
    """Return the month of each component: from the few sweeps that cover it, or from all where these are incomplete."""
    sweeps = _sweeps_of_month(transaction, until, newest)
    needed = _series(transaction, last, sweeps_needed(sweeps, until=until))
    months = {ref: month_to_date([*needed.get(ref, ()), point], until=until) for ref, point in last.items()}
    lacking = [ref for ref, month in months.items() if month.reason]
    every = _series(transaction, lacking, sweeps)
    return months | {ref: month_to_date([*every.get(ref, ()), last[ref]], until=until) for ref in lacking}


def _end_of(week: IsoWeek, schedule: Schedule, now: ClosingPoint) -> datetime:
    """Return the end of a week; the closing snapshot may be some hours younger."""
    return min(week.ends_at(schedule.zone), now.as_of)


def _sweeps_of_month(transaction: Transaction, until: datetime, newest: datetime) -> list[datetime]:
    return [sweep.as_of for sweep in transaction.sweeps.closed_between(start_of_month(until), newest)]


def _series(
    transaction: Transaction, refs: Mapping[EntityRef, object] | Sequence[EntityRef], as_ofs: Sequence[datetime]
) -> Mapping[EntityRef, tuple[SeriesPoint, ...]]:
    return transaction.history.of_components(sorted(refs), as_ofs=as_ofs) if refs and as_ofs else {}


def _month(transaction: Transaction, now: ClosingPoint, team: EntityRef, until: datetime) -> MonthToDate:
    return cost_of_month(transaction, team, until, last=now.series_point, up_to=now.as_of)


def cost_of_month(
    transaction: Transaction, team: EntityRef, until: datetime, *, last: SeriesPoint | None, up_to: datetime
) -> MonthToDate:
    """Return what a team cost in the month that holds the time right before `until`.

    Args:
        transaction: to read the sweeps of the month with.
        team: PLATFORM is all teams.
        until: the end of the time.
        last: the closing snapshot.
        up_to: the newest sweep to read.
    """
    closing = () if last is None else (last,)
    sweeps = _sweeps_of_month(transaction, until, up_to)
    windows = transaction.history.of_team(team, as_ofs=sweeps_needed(sweeps, until=until))
    found = month_to_date([*windows, *closing], until=until)
    if not found.reason:
        return found
    return month_to_date([*transaction.history.of_team(team, as_ofs=sweeps), *closing], until=until)
