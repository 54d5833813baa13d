"""The rules about money: a cost above the usual one, a month above its budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from alerts.observations import AlertId, BudgetFigures, CostFigures, Figures, Finding, Observation, Verdict
from alerts.policy import CostIncreaseSettings, PagingMode, Rule
from alerts.states import AlertState
from domain.forecast import forecast_at_least
from domain.measures import Measured, Total, Unknown
from domain.money import format_count
from domain.month_to_date import MonthToDate, start_of_month
from domain.refs import EntityRef
from domain.snapshots import Outcome, SeriesPoint, Snapshot
from domain.usual_range import noise_floor

WEEKS_TO_BECOME_USUAL: Final = 2
BECAME_USUAL: Final = "The cost has been at this level for two weeks; it is now the usual one."


def observe_budget(
    *,
    about: EntityRef,
    team: EntityRef,
    today: SeriesPoint,
    month: MonthToDate,
    monthly_budget: Decimal,
    page: PagingMode = PagingMode.NEVER,
    first_sweep: bool = False,
    alerted_since: datetime | None = None,
) -> Observation:
    """Compare the month's forecast with a budget: the cost so far, and the rest of the month at today's rate.

    What was measured alone may already be above the budget; within it is only what was measured completely. An alert is about one
    month and ends with it, whatever is known; the sweep after that begins the new month. `alerted_since` is when the open alert began
    (`begin_of_open_alert`).
    """
    if alerted_since is not None and start_of_month(alerted_since) < month.start:
        over = f"{start_of_month(alerted_since):%B %Y} is over. The budget of {month.start:%B} is checked on its own."
        return Observation(
            alert=AlertId(rule=Rule.BUDGET, about=about), team=team, as_of=today.as_of, verdict=Verdict.WITHDRAWN, reason=over
        )
    within = Observation(alert=AlertId(rule=Rule.BUDGET, about=about), team=team, as_of=today.as_of, first_sweep=first_sweep)
    if isinstance(today.cost_7d.amount, Unknown):
        return within.as_unknown(today.cost_7d.amount.reason)
    forecast = forecast_at_least(month, today.cost_7d)
    if forecast > monthly_budget:
        figures = BudgetFigures(
            month_to_date=month.low,
            forecast=forecast,
            monthly_budget=monthly_budget,
            known_days=month.known_days,
            days=month.days,
            is_complete=today.is_complete and not month.reason,
        )
        return replace(within, found=(Finding(amount=forecast - monthly_budget, figures=figures, page=page),))
    if month.reason:
        return within.as_unknown(f"of this month, {month.reason}")
    if not today.is_complete:
        return within.as_unknown(_incomplete_point(today))
    return within


def observe_cost_increase(
    snapshot: Snapshot,
    closing_costs_7d: tuple[Measured[Decimal], ...],
    settings: CostIncreaseSettings,
    *,
    alerted_usual_cost_7d: Decimal | None,
) -> Observation:
    """Compare with the mean of the weeks before, the newest first; an open alert, with what was usual when it opened."""
    alert = AlertId(rule=Rule.COST_INCREASE, about=snapshot.ref)
    clear, cost = Observation(alert=alert, team=snapshot.team, as_of=snapshot.as_of), snapshot.cost_7d
    if snapshot.outcome is Outcome.UNKNOWN:
        return clear.as_unknown(snapshot.reason)
    if isinstance(cost.amount, Unknown):
        return clear.as_unknown(cost.amount.reason)
    before = [amount for amount in closing_costs_7d[: settings.weeks] if not isinstance(amount, Unknown)]
    if len(before) < settings.min_weeks:
        return clear.as_unknown("there are too few weeks to compare with")
    usual = alerted_usual_cost_7d
    if usual is None:
        usual = sum(before, Decimal(0)) / len(before)
    if not _is_increase(cost.amount, usual, settings):
        return clear if cost.is_complete else clear.as_unknown(_incomplete(cost))
    recent = before[:WEEKS_TO_BECOME_USUAL]
    if (
        cost.is_complete
        and len(recent) == WEEKS_TO_BECOME_USUAL
        and not any(_is_increase(cost.amount, one, settings) for one in recent)
    ):
        return replace(clear, verdict=Verdict.USUAL, reason=BECAME_USUAL)
    figures = CostFigures(cost_7d=cost.amount, usual_cost_7d=usual, weeks=len(before))
    return replace(clear, found=(Finding(amount=cost.amount - usual, figures=figures),))


def smallest_growth(figures: Figures) -> Decimal:
    """Return the smallest growth of a finding's amount that means something: of money, the noise floor of the budget or usual cost."""
    match figures:
        case BudgetFigures():
            return noise_floor(figures.monthly_budget)
        case CostFigures():
            return noise_floor(figures.usual_cost_7d)
        case _:
            return Decimal(0)


def _is_increase(cost: Decimal, usual: Decimal, settings: CostIncreaseSettings) -> bool:
    increase = cost - usual
    return increase >= settings.min_increase and increase >= settings.min_ratio * usual


def usual_of_open_alert(state: AlertState | None) -> Decimal | None:
    """Return the usual cost that an open alert compares with; None if it is not open."""
    incident = state.incident if state is not None else None
    figures = incident.opening.figures if incident is not None and incident.opening is not None else None
    return figures.usual_cost_7d if isinstance(figures, CostFigures) else None


def begin_of_open_alert(state: AlertState | None) -> datetime | None:
    """Return the sweep in which an alert that is open or pending began; None if it is neither."""
    if state is None:
        return None
    opened = [] if state.incident is None else [state.incident.opened_as_of]
    return min([*opened, *(streak.since for streak in state.streaks)], default=None)


def _incomplete(total: Total) -> str:
    return f"the cost of {total.parts - total.known} of {total.parts} workloads is not known"


def _incomplete_point(point: SeriesPoint) -> str:
    if point.unknown:
        return f"{format_count(point.unknown, 'component')} could not be measured"
    return _incomplete(point.cost_7d)
