"""Applies the rules to the measurements of one closed sweep, and tracks its recommendations. What follows is decided in `notice_plan`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from alerts.cost_rules import begin_of_open_alert, observe_budget
from alerts.measuring_rules import INCOMPLETE_LISTINGS, observe_catalog
from alerts.observations import AlertId, Observation
from alerts.outage import MEASURED_WITHIN, OUTAGE, FigureCoverage, began_at, observe_outage
from alerts.policy import Rule
from alerts.rules import observe, withdrawn
from alerts.states import AlertState
from domain.figures import MEASURE_OF_KIND, FigureKind, known_figures
from domain.refs import OWNER_KINDS, EntityRef
from domain.snapshots import Measurement, Outcome
from domain.sweeps import DAY, Sweep
from domain.tracking import Recommendation, by_entity, close_removed, track
from store import Transaction
from tasks.context import Policy
from tasks.evaluate.sweep_history import HistoryReader, batches


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEvaluation:
    """What a sweep shows."""

    observations: tuple[Observation, ...]
    """The outage first. Left out is what changes nothing: a quiet alert whose condition nothing meets."""
    recommendations: tuple[Recommendation, ...]
    """Opened, seen again or ended."""


@dataclass(kw_only=True)
class SweepEvaluator:
    """Evaluates one sweep within one transaction, which it only reads."""

    transaction: Transaction
    policy: Policy
    sweep: Sweep
    states: Mapping[AlertId, AlertState]
    """Every alert that is not quiet."""
    _observations: dict[AlertId, Observation] = field(default_factory=dict)
    _recommendations: list[Recommendation] = field(default_factory=list)
    _with_figure: dict[FigureKind, list[EntityRef]] = field(default_factory=dict)
    _without_figure: dict[FigureKind, list[EntityRef]] = field(default_factory=dict)

    def evaluate(self) -> SweepEvaluation:
        """Observe every component once, the teams with a budget, what left the catalog, and the installation."""
        outcomes = self.transaction.snapshots.outcomes(self.sweep.as_of)
        measured_before = self._history.measured_before(list(outcomes))
        lifecycles = {component.ref: component.lifecycle for component in self.transaction.components.all()}
        for batch in batches(self.transaction.snapshots.of_sweep(self.sweep.as_of)):
            self._observe_components(batch, lifecycles=lifecycles, measured_before=measured_before)
        self._observe_team_budgets()
        self._close_removed()
        outage = observe_outage(self._coverages(outcomes), as_of=self.sweep.as_of, policy=self.policy.alerts)
        for observation in (outage, self._observe_catalog()):
            self._add(observation)
        ordered = sorted(self._observations.values(), key=lambda observation: observation.alert != OUTAGE)
        return SweepEvaluation(observations=tuple(ordered), recommendations=tuple(self._recommendations))

    @cached_property
    def _history(self) -> HistoryReader:
        return HistoryReader(transaction=self.transaction, policy=self.policy, sweep=self.sweep, states=self.states)

    def _add(self, observation: Observation) -> None:
        if observation.found or observation.alert in self.states:
            self._observations[observation.alert] = observation

    def _observe_components(
        self, batch: Sequence[Measurement], *, lifecycles: Mapping[EntityRef, str], measured_before: frozenset[EntityRef]
    ) -> None:
        refs = [measurement.snapshot.ref for measurement in batch]
        histories = self._history.histories(batch, measured_before)
        followed = by_entity(self.transaction.recommendations.followed(refs))
        for measurement in batch:
            ref = measurement.snapshot.ref
            self._count_figures(measurement)
            seen = observe(measurement, histories[ref], self.policy.alerts, lifecycle=lifecycles.get(ref, ""))
            for observation in (*seen, *self._disabled(measurement, seen)):
                self._add(observation)
            self._recommendations += track(measurement, followed.get(ref, ()))

    def _count_figures(self, measurement: Measurement) -> None:
        figures = known_figures(measurement)
        for kind in {kind for kind, _ in figures}:
            is_known = any(known for (one, _), known in figures.items() if one is kind)
            counted = self._with_figure if is_known else self._without_figure
            counted.setdefault(kind, []).append(measurement.snapshot.ref)

    def _coverages(self, outcomes: Mapping[EntityRef, Outcome]) -> Iterable[FigureCoverage]:
        """Count for each kind of figure the components that had it in the day before, and those of them without it now."""
        outage = self.states.get(OUTAGE)
        before = self._measured_in_day_before(list(outcomes), FigureKind.WORKLOADS)
        unknown = sum(outcomes[ref] is Outcome.UNKNOWN for ref in before)
        yield FigureCoverage(kind=FigureKind.WORKLOADS, before=len(before), unknown=unknown)
        open_kinds = {streak.finding.subject for streak in outage.streaks} if outage is not None else set()
        for kind in MEASURE_OF_KIND:
            lacking = self._without_figure.get(kind, [])
            if len(lacking) >= self.policy.alerts.outage_components or str(kind) in open_kinds:
                lost = self._measured_in_day_before(lacking, kind)
                kept = before.intersection(self._with_figure.get(kind, []))
                yield FigureCoverage(kind=kind, before=len(kept) + len(lost), unknown=len(lost))

    def _measured_in_day_before(self, refs: Sequence[EntityRef], kind: FigureKind) -> frozenset[EntityRef]:
        """Return the components that had a kind of figure in the day before this sweep, or before the open outage of it."""
        began = began_at(self.states.get(OUTAGE), kind, as_of=self.sweep.as_of)
        as_ofs = self._history.sweeps_within(MEASURED_WITHIN, before=began)
        if kind is FigureKind.WORKLOADS:
            return self._history.measured_in(refs, as_ofs)
        found = self._history.figures_in(refs, as_ofs)
        return frozenset(ref for ref, figures in found.items() if any(one is kind for one, _ in figures))

    def _observe_catalog(self) -> Observation:
        as_of = self.sweep.as_of
        earlier = self.transaction.sweeps.closed_between(as_of - INCOMPLETE_LISTINGS * DAY, as_of)
        return observe_catalog(self.sweep, [sweep for sweep in earlier if sweep.as_of < as_of])

    def _disabled(self, measurement: Measurement, seen: Sequence[Observation]) -> Iterator[Observation]:
        snapshot = measurement.snapshot
        observed = {observation.alert for observation in seen}
        for alert in (AlertId(rule=rule, about=snapshot.ref) for rule in Rule):
            if alert in self.states and alert not in observed:
                reason = "The rule is now disabled for it."
                yield withdrawn(alert, team=snapshot.team, as_of=snapshot.as_of, reason=reason)

    def _observe_team_budgets(self) -> None:
        """Compare each team's budget with what the team owned in a sweep, every workload counted once."""
        alerts = self.policy.alerts
        if not alerts.rules.budget.enabled:
            return
        for team in sorted(set(alerts.monthly_budgets) & set(self.transaction.snapshots.teams_at(self.sweep.as_of))):
            today, month = self._history.team_month(team)
            budget = alerts.monthly_budgets[team]
            since = begin_of_open_alert(self.states.get(AlertId(rule=Rule.BUDGET, about=team)))
            self._add(observe_budget(about=team, team=team, today=today, month=month, monthly_budget=budget, alerted_since=since))

    def _close_removed(self) -> None:
        """Withdraw the alerts and end the recommendations of components that left the catalog by this sweep."""
        as_of = self.sweep.as_of
        removed = {ref: at for ref, at in self.transaction.components.gone().items() if at <= as_of}
        for alert, state in self.states.items():
            reason = self._end_reason(alert, is_removed=alert.about in removed)
            if reason and alert not in self._observations:
                self._add(withdrawn(alert, team=state.team, as_of=as_of, reason=reason))
        before = self.transaction.sweeps.closed_before(as_of)
        newly = [ref for ref in sorted(removed) if before is None or removed[ref] > before.as_of]
        followed = self.transaction.recommendations.followed(newly) if newly else ()
        self._recommendations += close_removed(followed, as_of=as_of)

    def _end_reason(self, alert: AlertId, *, is_removed: bool) -> str:
        if is_removed:
            return "It left the catalog: it was missing from two complete listings in a row."
        alerts = self.policy.alerts
        has_budget = alert.about in alerts.monthly_budgets and alerts.rules.budget.enabled
        if alert.rule is Rule.BUDGET and alert.about.kind in OWNER_KINDS and not has_budget:
            return "It no longer has a budget."
        return ""
