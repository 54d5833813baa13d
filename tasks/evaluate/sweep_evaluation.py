"""Applies the rules to the measurements of one closed sweep, and tracks its recommendations. What follows is decided in `notice_plan`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from typing import Final

from alerts.observations import AlertId, Observation
from alerts.policy import Rule
from alerts.rules import SweepHistory, observe, observe_budget, withdrawn
from alerts.storm import observe_outage
from domain.closing_snapshot import ClosingCandidate, closing_window
from domain.measures import Measured, T, Unknown
from domain.refs import OWNER_KINDS, EntityRef
from domain.snapshots import Measurement, Outcome, SeriesPoint
from domain.sweeps import Sweep
from domain.tracking import Recommendation, by_entity, close_removed, track
from domain.weeks import Schedule, current_week
from store import Transaction
from tasks.context import Policy

BATCH: Final = 200
"""Components read together."""
_LOOK_BACK: Final = timedelta(days=90)
"""Daily snapshots are kept for this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEvaluation:
    """What a sweep shows."""

    observations: tuple[Observation, ...]
    """The outage first. Left out is what changes nothing: a quiet alert whose condition nothing meets."""
    recommendations: int
    """Opened, seen again or ended."""


@dataclass(kw_only=True)
class SweepEvaluator:
    """Evaluates one sweep within one transaction."""

    transaction: Transaction
    policy: Policy
    sweep: Sweep
    tracked: Mapping[AlertId, EntityRef]
    """Every alert that is not quiet, and its team."""
    _observations: dict[AlertId, Observation] = field(default_factory=dict)
    _recommendations: int = 0
    _sweeps_by_schedule: dict[Schedule, Sequence[Sequence[datetime]]] = field(default_factory=dict)
    _days_found: dict[datetime, date] | None = None

    def evaluate(self) -> SweepEvaluation:
        """Observe the outage, every component once, the teams with a budget, and what left the catalog."""
        outcomes = self.transaction.snapshots.outcomes(self.sweep.as_of)
        measured_before = self._measured_before(list(outcomes))
        unknown = sum(outcomes[ref] is Outcome.UNKNOWN for ref in measured_before)
        components = len(measured_before)
        self._add(observe_outage(unknown=unknown, components=components, as_of=self.sweep.as_of, policy=self.policy.alerts))
        lifecycles = {component.ref: component.lifecycle for component in self.transaction.components.all()}
        for batch in _batches(self.transaction.snapshots.of_sweep(self.sweep.as_of)):
            self._observe_components(batch, lifecycles=lifecycles, measured_before=measured_before)
        self._observe_team_budgets()
        self._close_removed()
        return SweepEvaluation(observations=tuple(self._observations.values()), recommendations=self._recommendations)

    def _add(self, observation: Observation) -> None:
        if observation.found or observation.alert in self.tracked:
            self._observations[observation.alert] = observation

    def _observe_components(
        self, batch: Sequence[Measurement], *, lifecycles: Mapping[EntityRef, str], measured_before: frozenset[EntityRef]
    ) -> None:
        refs = [measurement.snapshot.ref for measurement in batch]
        histories = self._histories(batch, measured_before)
        still_open = by_entity(self.transaction.recommendations.open(refs))
        changed: list[Recommendation] = []
        for measurement in batch:
            ref = measurement.snapshot.ref
            seen = observe(measurement, histories[ref], self.policy.alerts, lifecycle=lifecycles.get(ref, ""))
            for observation in (*seen, *self._disabled(measurement, seen)):
                self._add(observation)
            changed += track(measurement, still_open.get(ref, ()))
        self.transaction.recommendations.put(changed)
        self._recommendations += len(changed)

    def _disabled(self, measurement: Measurement, seen: Sequence[Observation]) -> Iterator[Observation]:
        snapshot = measurement.snapshot
        observed = {observation.alert for observation in seen}
        for alert in (AlertId(rule=rule, about=snapshot.ref) for rule in Rule):
            if alert in self.tracked and alert not in observed:
                reason = "The rule is now disabled for it."
                yield withdrawn(alert, team=snapshot.team, as_of=snapshot.as_of, reason=reason)

    def _measured_before(self, refs: Sequence[EntityRef]) -> frozenset[EntityRef]:
        """Return the components that any earlier sweep measured; the sweep before has most of them."""
        sweeps, as_of = self.transaction.sweeps, self.sweep.as_of
        before = sweeps.closed_before(as_of)
        if before is None:
            return frozenset()
        found = self._measured_in(refs, [before.as_of])
        rest = [ref for ref in refs if ref not in found]
        first = self.transaction.history.first_of_components(rest) if rest else {}
        known = [ref for ref in rest if first[ref] < as_of]
        if known:
            earlier = [sweep.as_of for sweep in sweeps.closed_between(as_of - _LOOK_BACK, before.as_of)]
            found |= self._measured_in(known, earlier)
        return frozenset(found)

    def _measured_in(self, refs: Sequence[EntityRef], as_ofs: Sequence[datetime]) -> set[EntityRef]:
        found: set[EntityRef] = set()
        for batch in _batches(refs):
            series = self.transaction.history.of_components(batch, as_ofs=as_ofs)
            found |= {ref for ref, points in series.items() if any(point.measured for point in points)}
        return found

    def _histories(self, batch: Sequence[Measurement], measured_before: frozenset[EntityRef]) -> Mapping[EntityRef, SweepHistory]:
        closing = self._closing_snapshots({measurement.snapshot.ref: measurement.snapshot.team for measurement in batch})
        budgeted = {ref for ref in closing if self.policy.alerts.monthly_budget_of(ref) is not None}
        days = self._days() if budgeted else {}
        daily = self._points_of(budgeted, days)
        return {
            ref: SweepHistory(
                measured_before=ref in measured_before,
                closing_costs_7d=tuple(_closing_cost(one) for one in closed_weeks),
                daily_costs_7d={day: _cost_of(daily[ref].get(as_of), complete=False) for as_of, day in days.items()}
                if ref in budgeted
                else {},
            )
            for ref, closed_weeks in closing.items()
        }

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

    def _days(self) -> Mapping[datetime, date]:
        """Return the last sweep of each UTC day of this month before today."""
        if self._days_found is None:
            today = self.sweep.as_of.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
            last = self.transaction.sweeps.last_of_each_day(today.replace(day=1), today - timedelta(microseconds=1))
            self._days_found = {sweep.as_of: sweep.as_of.astimezone(timezone.utc).date() for sweep in last}
        return self._days_found

    def _observe_team_budgets(self) -> None:
        """Compare each team's budget with what the team owned in a sweep, every workload counted once."""
        as_of, alerts = self.sweep.as_of, self.policy.alerts
        if not alerts.rules.budget.enabled:
            return
        for team in sorted(set(alerts.monthly_budgets) & set(self.transaction.snapshots.teams_at(as_of))):
            days = self._days()
            series = {point.as_of: point for point in self.transaction.history.of_team(team, as_ofs=[*sorted(days), as_of])}
            today = series[as_of]
            observation = observe_budget(
                about=team,
                team=team,
                as_of=as_of,
                cost_7d=today.cost_7d,
                daily_costs_7d={day: _cost_of(series.get(at)) for at, day in days.items()},
                monthly_budget=alerts.monthly_budgets[team],
            )
            if today.unknown and not observation.found:
                observation = observation.as_unknown(f"{today.unknown} of its components could not be measured")
            self._add(observation)

    def _close_removed(self) -> None:
        """Withdraw the alerts and end the recommendations of components that left the catalog by this sweep."""
        as_of = self.sweep.as_of
        removed = {ref: at for ref, at in self.transaction.components.gone().items() if at <= as_of}
        for alert, team in self.tracked.items():
            reason = self._end_reason(alert, is_removed=alert.about in removed)
            if reason and alert not in self._observations:
                self._add(withdrawn(alert, team=team, as_of=as_of, reason=reason))
        before = self.transaction.sweeps.closed_before(as_of)
        newly = [ref for ref in sorted(removed) if before is None or removed[ref] > before.as_of]
        still_open = self.transaction.recommendations.open(newly) if newly else ()
        self.transaction.recommendations.put(close_removed(still_open, as_of=as_of))
        self._recommendations += len(still_open)

    def _end_reason(self, alert: AlertId, *, is_removed: bool) -> str:
        if is_removed:
            return "It left the catalog: it was missing from two complete listings in a row."
        alerts = self.policy.alerts
        has_budget = alert.about in alerts.monthly_budgets and alerts.rules.budget.enabled
        if alert.rule is Rule.BUDGET and alert.about.kind in OWNER_KINDS and not has_budget:
            return "It no longer has a budget."
        return ""


def _cost_of(point: SeriesPoint | None, *, complete: bool = True) -> Measured[Decimal]:
    """Return a cost to compare with; an incomplete one would make every later cost look like a rise."""
    if point is None or not point.measured:
        return Unknown("not measured then")
    if complete and not point.cost_7d.is_complete:
        return Unknown("not all of it was measured then")
    return point.cost_7d.amount


def _closing_cost(closing: ClosingCandidate | None) -> Measured[Decimal]:
    """Return the cost of an earlier week; an incomplete one would make every later cost look like a rise."""
    if closing is None or closing.outcome is Outcome.UNKNOWN:
        return Unknown("not measured then")
    return closing.cost_7d.amount if closing.cost_7d.is_complete else Unknown("not all of it was measured then")


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
