"""The five rules: a measurement and its history into one observation per rule."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import partial

from alerts.observations import (
    AlertId,
    BudgetFigures,
    CostFigures,
    Finding,
    Observation,
    RequestFigures,
    Severity,
    UnmeasuredFigures,
    Verdict,
)
from alerts.policy import AlertPolicy, OverProvisionedSettings, PagingMode, Rule, Rules, UnderProvisionedSettings
from domain.advice import Issue, IssuePriority, possible_issues
from domain.measures import Measured, Total, Unknown, known_or
from domain.money import per_month
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, Snapshot, WorkloadPoint
from domain.trends import month_to_date


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepHistory:
    """What was known before this sweep. Costs are 7-day costs."""

    measured_before: bool
    closing_costs_7d: tuple[Measured[Decimal], ...] = ()
    """Of the closing snapshots of earlier weeks, the newest first."""
    daily_costs_7d: Mapping[date, Measured[Decimal]] = field(default_factory=dict)
    """Of the last snapshot of each UTC day of this month before today."""


def observe(measurement: Measurement, history: SweepHistory, policy: AlertPolicy, *, lifecycle: str) -> tuple[Observation, ...]:
    """Return what one component's measurement shows, for each rule that is enabled for it.

    `lifecycle` is the component's `spec.lifecycle`: outside production nothing pages.
    """
    snapshot = measurement.snapshot
    rules = policy.rules_of(snapshot.ref)
    observed: dict[Rule, Observation] = {
        Rule.UNDER_PROVISIONED: _under_provisioned(measurement, history, policy, lifecycle),
        Rule.OVER_PROVISIONED: _over_provisioned(measurement, history, policy, lifecycle),
        Rule.COST_INCREASE: _cost_increase(measurement, history, rules),
        Rule.UNMEASURED: _unmeasured(measurement, history),
    }
    budget = policy.monthly_budget_of(snapshot.ref)
    if budget is not None:
        observed[Rule.BUDGET] = observe_budget(
            about=snapshot.ref,
            team=snapshot.team,
            as_of=snapshot.as_of,
            cost_7d=snapshot.cost_7d,
            daily_costs_7d=history.daily_costs_7d,
            monthly_budget=budget,
            page=_page_of(rules.budget.page, policy, lifecycle),
            first_sweep=not history.measured_before,
        )
    return tuple(observation for rule, observation in observed.items() if rules.settings_of(rule).enabled)


def observe_budget(
    *,
    about: EntityRef,
    team: EntityRef,
    as_of: datetime,
    cost_7d: Total,
    daily_costs_7d: Mapping[date, Measured[Decimal]],
    monthly_budget: Decimal,
    page: PagingMode = PagingMode.NEVER,
    first_sweep: bool = False,
) -> Observation:
    """Compare the month's forecast with a budget: the days so far, and the rest of the month at today's rate.

    An incomplete cost that is above the budget already counts; one below it is unknown.
    """
    within = Observation(alert=AlertId(rule=Rule.BUDGET, about=about), team=team, as_of=as_of)
    if isinstance(cost_7d.amount, Unknown):
        return within.as_unknown(cost_7d.amount.reason)
    today = as_of.astimezone(timezone.utc).date()
    so_far = month_to_date({**daily_costs_7d, today: cost_7d.amount}, through=today)
    spent = known_or(so_far.amount, Decimal(0))
    days_left = calendar.monthrange(today.year, today.month)[1] - today.day
    forecast = spent + cost_7d.amount / 7 * days_left
    if forecast <= monthly_budget:
        return within if cost_7d.is_complete else within.as_unknown(_incomplete(cost_7d))
    figures = BudgetFigures(
        month_to_date=spent, forecast=forecast, monthly_budget=monthly_budget, known_days=so_far.known_days, days=so_far.days
    )
    found = Finding(amount=forecast - monthly_budget, figures=figures, page=page)
    return replace(within, first_sweep=first_sweep, found=(found,))


def withdrawn(alert: AlertId, *, team: EntityRef, as_of: datetime, reason: str) -> Observation:
    """Return the observation that closes an alert."""
    return Observation(alert=alert, team=team, as_of=as_of, verdict=Verdict.WITHDRAWN, reason=reason)


def _under_provisioned(measurement: Measurement, history: SweepHistory, policy: AlertPolicy, lifecycle: str) -> Observation:
    settings = policy.rules_of(measurement.snapshot.ref).under_provisioned

    def find(point: WorkloadPoint) -> Finding:
        kills = known_or(point.oom_kills_24h, 0)
        return Finding(
            subject=str(point.key),
            workload=point.key,
            severity=_severity_of(kills, settings),
            amount=Decimal(kills),
            has_evidence=kills >= settings.oom_kills_for_error,
            page=_page_of(settings.page, policy, lifecycle, cluster=point.key.cluster),
            figures=_figures_of(point),
        )

    return _by_workload(Rule.UNDER_PROVISIONED, measurement, history, partial(_has_issue, issue=Issue.UNDER_PROVISIONED), find)


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
            page=_page_of(settings.page, policy, lifecycle, cluster=point.key.cluster),
            figures=_figures_of(point),
        )

    def is_met(point: WorkloadPoint) -> bool | None:
        both = _has_issue(point, Issue.OVER_PROVISIONED), _is_above_minimum(point, settings)
        return False if False in both else None if None in both else True

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
    clear = _clear(rule, snapshot)
    if snapshot.outcome is Outcome.UNKNOWN:
        return clear.as_unknown(snapshot.reason)
    verdicts = [(point, is_met(point)) for point in sorted(measurement.points, key=lambda point: point.key)]
    return replace(
        clear,
        first_sweep=not history.measured_before,
        found=tuple(find(point) for point, met in verdicts if met),
        unknown=tuple(str(point.key) for point, met in verdicts if met is None),
    )


def _cost_increase(measurement: Measurement, history: SweepHistory, rules: Rules) -> Observation:
    snapshot, settings = measurement.snapshot, rules.cost_increase
    clear, cost = _clear(Rule.COST_INCREASE, snapshot), snapshot.cost_7d
    if snapshot.outcome is Outcome.UNKNOWN or isinstance(cost.amount, Unknown):
        reason = cost.amount.reason if isinstance(cost.amount, Unknown) else snapshot.reason
        return clear.as_unknown(snapshot.reason or reason)
    before = [amount for amount in history.closing_costs_7d[: settings.weeks] if not isinstance(amount, Unknown)]
    if len(before) < settings.min_weeks:
        return clear.as_unknown("there are too few weeks to compare with")
    usual = sum(before, Decimal(0)) / len(before)
    increase = cost.amount - usual
    if increase < settings.min_increase or increase < settings.min_ratio * usual:
        return clear if cost.is_complete else clear.as_unknown(_incomplete(cost))
    figures = CostFigures(cost_7d=cost.amount, usual_cost_7d=usual, weeks=len(before))
    return replace(clear, found=(Finding(amount=increase, figures=figures),))


def _unmeasured(measurement: Measurement, history: SweepHistory) -> Observation:
    snapshot = measurement.snapshot
    is_met = snapshot.outcome is Outcome.UNKNOWN and history.measured_before
    found = (Finding(figures=UnmeasuredFigures(reason=snapshot.reason)),) if is_met else ()
    return replace(_clear(Rule.UNMEASURED, snapshot), found=found)


def _clear(rule: Rule, snapshot: Snapshot) -> Observation:
    return Observation(alert=AlertId(rule=rule, about=snapshot.ref), team=snapshot.team, as_of=snapshot.as_of)


def _incomplete(total: Total) -> str:
    return f"the cost of {total.parts - total.known} of {total.parts} workloads is not known"


def _page_of(page: PagingMode, policy: AlertPolicy, lifecycle: str, *, cluster: str | None = None) -> PagingMode:
    """Return `never` outside production: another lifecycle, or a cluster listed as non-production."""
    is_production = lifecycle.strip().lower() in policy.production_lifecycles
    return page if is_production and cluster not in policy.non_production_clusters else PagingMode.NEVER


def _figures_of(point: WorkloadPoint) -> RequestFigures:
    return RequestFigures(
        cpu_request_millicores=known_or(point.cpu_request_millicores, None),
        cpu_recommended_millicores=known_or(point.cpu_recommended_millicores, None),
        memory_request_bytes=known_or(point.memory_request_bytes, None),
        memory_recommended_bytes=known_or(point.memory_recommended_bytes, None),
        oom_kills_24h=known_or(point.oom_kills_24h, None),
        savings_available_per_month=known_or(point.savings_available_per_month, None),
        cost_7d=known_or(point.cost_7d, None),
    )
