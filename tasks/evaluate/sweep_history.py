"""Reads what the rules compare a sweep with: closing snapshots, months, and what was measured before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final

from alerts.cost_rules import begin_of_open_alert, usual_of_open_alert
from alerts.measuring_rules import subject_of
from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.rules import SweepHistory
from alerts.states import AlertState
from domain.closing_snapshot import ClosingCandidate, closing_window
from domain.figures import Figure, known_figures
from domain.measures import Measured, T, Unknown
from domain.month_to_date import MonthToDate, month_to_date, start_of_month, sweeps_needed
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, SeriesPoint
from domain.sweeps import Sweep
from domain.weeks import Schedule, current_week
from store import Transaction
from tasks.context import Policy

BATCH: Final = 200
"""Components read together."""
_LOOK_BACK: Final = timedelta(days=90)
"""Daily snapshots are kept for this long."""
_FIGURES_LOOK_BACK: Final = timedelta(days=7)
"""A kind of figure counts as measured before if a sweep in this time had it, or its loss is observed already."""


@dataclass(kw_only=True)
class HistoryReader:
    """Reads the history of one sweep within one transaction."""

    transaction: Transaction
    policy: Policy
    sweep: Sweep
    states: Mapping[AlertId, AlertState]
    """Every alert that is not quiet."""
    _sweeps_by_schedule: dict[Schedule, Sequence[Sequence[datetime]]] = field(default_factory=dict)
    _month: tuple[datetime, ...] | None = None

    def measured_before(self, refs: Sequence[EntityRef]) -> frozenset[EntityRef]:
        """Return the components that any earlier sweep measured; the sweep before has most of them."""
        before = self.transaction.sweeps.closed_before(self.sweep.as_of)
        if before is None:
            return frozenset()
        found = self.measured_in(refs, [before.as_of])
        rest = [ref for ref in refs if ref not in found]
        return found | self.measured_in(rest, self.sweeps_within(_LOOK_BACK)) if rest else found

    def measured_in(self, refs: Sequence[EntityRef], as_ofs: Sequence[datetime]) -> frozenset[EntityRef]:
        """Return the components that any of these sweeps measured."""
        history = self.transaction.history
        return frozenset().union(*(history.measured(batch, as_ofs=as_ofs) for batch in batches(refs)))

    def figures_in(self, refs: Iterable[EntityRef], as_ofs: Sequence[datetime]) -> Mapping[EntityRef, frozenset[Figure]]:
        """Return the kinds of figure that any of these sweeps has of each component."""
        found: dict[EntityRef, frozenset[Figure]] = {}
        for batch in batches(refs):
            found |= self.transaction.history.figures_of_components(batch, as_ofs=as_ofs)
        return found

    def sweeps_within(self, length: timedelta, *, before: datetime | None = None) -> list[datetime]:
        """Return the closed sweeps in the time before a sweep, newest first; by default before this one."""
        end = before or self.sweep.as_of
        closed = self.transaction.sweeps.closed_between(end - length, end)
        return [sweep.as_of for sweep in closed if sweep.as_of < end]

    def histories(self, batch: Sequence[Measurement], measured_before: frozenset[EntityRef]) -> Mapping[EntityRef, SweepHistory]:
        """Return the history of each component."""
        closing = self._closing_snapshots({measurement.snapshot.ref: measurement.snapshot.team for measurement in batch})
        months = self._months([one for one in batch if self.policy.alerts.monthly_budget_of(one.snapshot.ref) is not None])
        figures = self._figures_before(batch)
        return {
            ref: SweepHistory(
                measured_before=ref in measured_before,
                figures_before=figures.get(ref, frozenset()),
                closing_costs_7d=tuple(_closing_cost(one) for one in weeks),
                alerted_usual_cost_7d=usual_of_open_alert(self.states.get(AlertId(rule=Rule.COST_INCREASE, about=ref))),
                month=months.get(ref),
                budget_alerted_since=begin_of_open_alert(self.states.get(AlertId(rule=Rule.BUDGET, about=ref))),
            )
            for ref, weeks in closing.items()
        }

    def team_month(self, team: EntityRef) -> tuple[SeriesPoint, MonthToDate]:
        """Return what a team owned in this sweep, every workload counted once, and its month with it."""
        as_of, history = self.sweep.as_of, self.transaction.history
        points = {point.as_of: point for point in history.of_team(team, as_ofs=[*self._needed(), as_of])}
        month = month_to_date(points.values(), until=as_of)
        if month.reason:
            points |= {point.as_of: point for point in history.of_team(team, as_ofs=self._month_sweeps())}
            month = month_to_date(points.values(), until=as_of)
        return points[as_of], month

    def _months(self, budgeted: Sequence[Measurement]) -> Mapping[EntityRef, MonthToDate]:
        """Return the month of each component: from the few sweeps that cover it, or from all where these are incomplete."""
        if not budgeted:
            return {}
        as_of = self.sweep.as_of
        today = {one.snapshot.ref: SeriesPoint.of_component(one.snapshot) for one in budgeted}
        read = self._points_of(today, self._needed())
        months = {ref: month_to_date([*read[ref].values(), today[ref]], until=as_of) for ref in today}
        lacking = [ref for ref, month in months.items() if month.reason]
        read = self._points_of(lacking, self._month_sweeps()) if lacking else {}
        return months | {ref: month_to_date([*read[ref].values(), today[ref]], until=as_of) for ref in lacking}

    def _needed(self) -> tuple[datetime, ...]:
        as_of = self.sweep.as_of
        return tuple(one for one in sweeps_needed([*self._month_sweeps(), as_of], until=as_of) if one != as_of)

    def _month_sweeps(self) -> tuple[datetime, ...]:
        """Return the sweeps whose windows reach into this month, before this one."""
        if self._month is None:
            start = start_of_month(self.sweep.as_of)
            self._month = tuple(self.sweeps_within(self.sweep.as_of - start))
        return self._month

    def _figures_before(self, batch: Sequence[Measurement]) -> Mapping[EntityRef, frozenset[Figure]]:
        """Return the kinds of figure that each component lacks now, and had before."""
        lacking = {
            measurement.snapshot.ref: frozenset(figure for figure, is_known in known_figures(measurement).items() if not is_known)
            for measurement in batch
        }
        lacking = {ref: figures for ref, figures in lacking.items() if figures}
        observed = {ref: self._observed_as_missing(ref, figures) for ref, figures in lacking.items()}
        asked = [ref for ref, figures in lacking.items() if figures - observed[ref]]
        stored = self.figures_in(asked, self.sweeps_within(_FIGURES_LOOK_BACK)) if asked else {}
        return {ref: observed[ref] | (figures & stored.get(ref, frozenset())) for ref, figures in lacking.items()}

    def _observed_as_missing(self, ref: EntityRef, figures: frozenset[Figure]) -> frozenset[Figure]:
        state = self.states.get(AlertId(rule=Rule.UNMEASURED, about=ref))
        subjects = {streak.finding.subject for streak in state.streaks} if state is not None else set()
        return frozenset(figure for figure in figures if subject_of(*figure) in subjects)

    def _closing_snapshots(self, teams: Mapping[EntityRef, EntityRef]) -> Mapping[EntityRef, Sequence[ClosingCandidate | None]]:
        """Return the closing snapshots of the weeks before, newest first, of components (with their teams)."""
        refs_of: dict[Schedule, list[EntityRef]] = {}
        for ref, team in teams.items():
            refs_of.setdefault(self.policy.schedules.of(team), []).append(ref)
        found: dict[EntityRef, Sequence[ClosingCandidate | None]] = {}
        for schedule, refs in refs_of.items():
            weeks = [self.transaction.closing.of_components(refs, as_ofs) for as_ofs in self._closing_sweeps(schedule)]
            found |= {ref: [week.get(ref) for week in weeks] for ref in refs}
        return found

    def _points_of(
        self, refs: Collection[EntityRef], as_ofs: Collection[datetime]
    ) -> dict[EntityRef, dict[datetime, SeriesPoint]]:
        series = self.transaction.history.of_components(sorted(refs), as_ofs=sorted(as_ofs)) if refs and as_ofs else {}
        return {ref: {point.as_of: point for point in series.get(ref, ())} for ref in refs}

    def _closing_sweeps(self, schedule: Schedule) -> Sequence[Sequence[datetime]]:
        """Return the sweeps that may close each of the weeks before, the newest week first; weeks without any are left out."""
        if schedule not in self._sweeps_by_schedule:
            as_of = self.sweep.as_of
            rules = (self.policy.alerts.rules, *self.policy.alerts.component_rules.values())
            week = current_week(as_of, schedule.zone)
            weeks = [week.shift(-back) for back in range(1, max(one.cost_increase.weeks for one in rules) + 1)]
            windows = [closing_window(schedule, one, now=as_of) for one in weeks]
            closed = self.transaction.sweeps.closed_between(windows[-1].earliest, windows[0].latest) if windows else ()
            earlier = [sweep.as_of for sweep in closed if sweep.as_of < as_of]
            found = [[one for one in earlier if one in window] for window in windows]
            self._sweeps_by_schedule[schedule] = [as_ofs for as_ofs in found if as_ofs]
        return self._sweeps_by_schedule[schedule]


def _closing_cost(closing: ClosingCandidate | None) -> Measured[Decimal]:
    """Return the cost of an earlier week; an incomplete one would make every later cost look like a rise."""
    if closing is None or closing.outcome is Outcome.UNKNOWN:
        return Unknown("not measured then")
    return closing.cost_7d.amount if closing.cost_7d.is_complete else Unknown("not all of it was measured then")


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Split items into lists of at most BATCH."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
