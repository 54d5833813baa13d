"""The five rules: a measurement and its history into one observation per rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from alerts.cost_rules import observe_budget, observe_cost_increase
from alerts.measuring_rules import observe_unmeasured
from alerts.observations import AlertId, Finding, Observation, RequestFigures, Severity, Verdict
from alerts.policy import AlertPolicy, OverProvisionedSettings, PagingMode, Rule, UnderProvisionedSettings
from domain.advice import Issue, IssuePriority, possible_issues
from domain.figures import Figure
from domain.measures import Measured, Unknown, known_or
from domain.money import per_month
from domain.month_to_date import MonthToDate
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, SeriesPoint, WorkloadPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepHistory:
    """What was known before this sweep. Costs are 7-day costs."""

    measured_before: bool
    figures_before: frozenset[Figure] = frozenset()
    """The kinds of figure, by cluster, that were measured before and are not now."""
    closing_costs_7d: tuple[Measured[Decimal], ...] = ()
    """Of the closing snapshots of earlier weeks, the newest first."""
    alerted_usual_cost_7d: Decimal | None = None
    """What the open cost-increase alert compares with; None: it is not open."""
    month: MonthToDate | None = None
    """With this sweep; None: nothing has a budget."""
    budget_alerted_since: datetime | None = None
    """When the budget alert that is open began; None: it is not open."""


def observe(measurement: Measurement, history: SweepHistory, policy: AlertPolicy, *, lifecycle: str) -> tuple[Observation, ...]:
    """Return what one component's measurement shows, for each rule that is enabled for it.

    `lifecycle` is the component's `spec.lifecycle`: outside production nothing pages.
    """
    snapshot = measurement.snapshot
    rules = policy.rules_of(snapshot.ref)
    observed: dict[Rule, Observation] = {
        Rule.UNDER_PROVISIONED: observe_under_provisioned(measurement, history, policy, lifecycle),
        Rule.OVER_PROVISIONED: _over_provisioned(measurement, history, policy, lifecycle),
        Rule.COST_INCREASE: observe_cost_increase(
            snapshot, history.closing_costs_7d, rules.cost_increase, alerted_usual_cost_7d=history.alerted_usual_cost_7d
        ),
        Rule.UNMEASURED: observe_unmeasured(
            measurement, measured_before=history.measured_before, figures_before=history.figures_before
        ),
    }
    budget = policy.monthly_budget_of(snapshot.ref)
    if budget is not None and history.month is not None:
        observed[Rule.BUDGET] = observe_budget(
            about=snapshot.ref,
            team=snapshot.team,
            today=SeriesPoint.of_component(snapshot),
            month=history.month,
            monthly_budget=budget,
            page=paging_mode_in(rules.budget.page, policy, lifecycle),
            first_sweep=not history.measured_before,
            alerted_since=history.budget_alerted_since,
        )
    return tuple(observation for rule, observation in observed.items() if rules.settings_of(rule).enabled)


def withdrawn(alert: AlertId, *, team: EntityRef, as_of: datetime, reason: str) -> Observation:
    """Return the observation that closes an alert."""
    return Observation(alert=alert, team=team, as_of=as_of, verdict=Verdict.WITHDRAWN, reason=reason)


def is_under_provisioned(point: WorkloadPoint) -> bool | None:
    """Return True if a workload is in danger: its requests are too small. None: unknown."""
    return _has_issue(point, Issue.UNDER_PROVISIONED)


def observe_under_provisioned(
    measurement: Measurement, history: SweepHistory, policy: AlertPolicy, lifecycle: str
) -> Observation:
    """Return what a measurement shows of the rule under-provisioned."""
    settings = policy.rules_of(measurement.snapshot.ref).under_provisioned

    def find(point: WorkloadPoint) -> Finding:
        kills = known_or(point.oom_kills_24h, 0)
        return Finding(
            subject=str(point.key),
            workload=point.key,
            severity=_severity_of(kills, settings),
            amount=Decimal(kills),
            has_evidence=kills >= settings.oom_kills_for_error,
            page=paging_mode_in(settings.page, policy, lifecycle, cluster=point.key.cluster),
            figures=_figures_of(point),
        )

    return _by_workload(Rule.UNDER_PROVISIONED, measurement, history, is_under_provisioned, find)


def _severity_of(oom_kills: int, settings: UnderProvisionedSettings) -> Severity:
    if oom_kills >= settings.oom_kills_for_critical:
        return Severity.CRITICAL
    if oom_kills >= settings.oom_kills_for_error or settings.page is PagingMode.ALWAYS:
        return Severity.ERROR
    return Severity.WARNING


def _over_provisioned(measurement: Measurement, history: SweepHistory, policy: AlertPolicy, lifecycle: str) -> Observation:
    settings = policy.rules_of(measurement.snapshot.ref).over_provisioned

    def find(point: WorkloadPoint) -> Finding:
        return Finding(
            subject=str(point.key),
            workload=point.key,
            amount=known_or(point.savings_available_per_month, Decimal(0)),
            page=paging_mode_in(settings.page, policy, lifecycle, cluster=point.key.cluster),
            figures=_figures_of(point),
        )

    def is_met(point: WorkloadPoint) -> bool | None:
        if point.keeps_memory and not point.may_need_memory:
            return False
        both = _has_issue(point, Issue.OVER_PROVISIONED), _is_above_minimum(point, settings)
        return False if False in both else None if None in both or point.may_need_memory else True

    return _by_workload(Rule.OVER_PROVISIONED, measurement, history, is_met, find)


def _is_above_minimum(point: WorkloadPoint, settings: OverProvisionedSettings) -> bool | None:
    """Compare savings with both minimums, per month. None: unknown."""
    savings, cost = point.savings_available_per_month, point.cost_7d
    if isinstance(savings, Unknown):
        return None
    if savings < settings.min_monthly_savings:
        return False
    return None if isinstance(cost, Unknown) else savings >= settings.min_share * per_month(cost)


def _has_issue(point: WorkloadPoint, issue: Issue) -> bool | None:
    """Apply the rule of `domain.advice`. None: a flag is unknown that would make a difference."""
    possible = possible_issues(
        under_provisioned=point.under_provisioned, over_provisioned=point.over_provisioned, automated=point.automated
    )
    met = {found == (issue, IssuePriority.HIGH) for found in possible}
    return met.pop() if len(met) == 1 else None


def _by_workload(
    rule: Rule,
    measurement: Measurement,
    history: SweepHistory,
    is_met: Callable[[WorkloadPoint], bool | None],
    find: Callable[[WorkloadPoint], Finding],
) -> Observation:
    snapshot = measurement.snapshot
    clear = Observation(alert=AlertId(rule=rule, about=snapshot.ref), team=snapshot.team, as_of=snapshot.as_of)
    if snapshot.outcome is Outcome.UNKNOWN:
        return clear.as_unknown(snapshot.reason)
    verdicts = [(point, is_met(point)) for point in sorted(measurement.points, key=lambda point: point.key)]
    return replace(
        clear,
        first_sweep=not history.measured_before,
        found=tuple(find(point) for point, met in verdicts if met),
        unknown=tuple(str(point.key) for point, met in verdicts if met is None),
    )


def paging_mode_in(page: PagingMode, policy: AlertPolicy, lifecycle: str, *, cluster: str | None = None) -> PagingMode:
    """Return when a rule may page there: `never` outside production, another lifecycle or a cluster listed as non-production."""
    is_production = lifecycle.strip().lower() in policy.production_lifecycles
    return page if is_production and cluster not in policy.non_production_clusters else PagingMode.NEVER


def _figures_of(point: WorkloadPoint) -> RequestFigures:
    return RequestFigures(
        cpu_request_millicores=known_or(point.cpu_request_millicores, None),
        cpu_recommended_millicores=known_or(point.cpu_recommended_millicores, None),
        memory_request_bytes=known_or(point.memory_request_bytes, None),
        memory_recommended_bytes=known_or(point.advised_memory_bytes, None),
        keeps_memory=point.keeps_memory,
        oom_kills_24h=known_or(point.oom_kills_24h, None),
        savings_available_per_month=known_or(point.savings_available_per_month, None),
        cost_7d=known_or(point.cost_7d, None),
    )
