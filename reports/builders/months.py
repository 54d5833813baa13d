"""A month against its budget: what it cost, its forecast, and one sentence about both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from domain.forecast import BudgetVerdict, MonthForecast, budget_by_now, forecast_month
from domain.measures import Total, known_or
from domain.money import change_share, format_count, format_direction, format_money, format_percent, format_whole_money
from domain.month_to_date import MonthToDate
from reports import content


def build_budget(
    month: MonthToDate, monthly_budget: Decimal | None, costs_7d: Sequence[Total], *, currency: str
) -> content.Budget:
    """Build what a report says about a month.

    Args:
        month: the month so far, or a finished one.
        monthly_budget: None: there is none.
        costs_7d: the cost of each week, the newest first; of the first, `month` has the last days.
        currency: of all amounts.
    """
    forecast = forecast_month(month, costs_7d[0], costs_7d[1:]) if costs_7d else None
    if forecast is not None and forecast.high is None and not format_direction(forecast.at_current_rate, currency):
        forecast = None  # "at least nothing" is no forecast
    built = content.Budget(
        currency=currency,
        month=f"{month.start:%Y-%m}",
        is_finished=month.is_finished,
        spent=known_or(month.amount, None),
        spent_at_least=month.low if month.known_days or month.low else None,
        spent_at_most=month.high,
        reason=month.reason,
        monthly_budget=monthly_budget,
        known_days=month.known_days,
        days=month.days,
        budget_by_now=None if monthly_budget is None else budget_by_now(month, monthly_budget),
        forecast=None if forecast is None else _forecast_of(forecast),
        verdict=_verdict(month, forecast, monthly_budget),
    )
    return built.model_copy(update={"sentence": _describe(built)})


def _forecast_of(forecast: MonthForecast) -> content.Forecast:
    return content.Forecast(
        low=forecast.low,
        at_current_rate=forecast.at_current_rate,
        high=forecast.high,
        is_exact=forecast.is_exact,
        weeks=forecast.weeks,
    )


def _verdict(month: MonthToDate, forecast: MonthForecast | None, monthly_budget: Decimal | None) -> str:
    if monthly_budget is None:
        return ""
    if month.low > monthly_budget:
        return BudgetVerdict.EXCEEDED.value
    if month.is_finished:
        is_within = month.high is not None and month.high <= monthly_budget
        return BudgetVerdict.WITHIN.value if is_within else BudgetVerdict.UNCERTAIN.value
    return "" if forecast is None else forecast.verdict(month, monthly_budget).value


def format_month(budget: content.Budget) -> str:
    """Format the month as `November`, or `October, finished`."""
    name = f"{date.fromisoformat(f'{budget.month}-01'):%B}"
    return f"{name}, finished" if budget.is_finished else name


def format_spent(budget: content.Budget) -> str:
    """Format what a month cost: an amount, a range, `at least` one, or `unknown`."""
    if budget.spent is not None:
        return format_money(budget.spent, budget.currency)
    if budget.spent_at_least is None:
        return "unknown"
    low = format_money(budget.spent_at_least, budget.currency)
    if budget.spent_at_most is None:
        return f"at least {low}"
    return f"{low} to {format_money(budget.spent_at_most, budget.currency)}"


def format_forecast(forecast: content.Forecast, currency: str) -> str:
    """Format a forecast as `about $3,600 by month end ($3,400 to $3,700 at the daily rates of the last 4 weeks)`."""
    current = format_whole_money(forecast.at_current_rate, currency)
    rates = f"the daily rates of the last {forecast.weeks} weeks" if forecast.weeks > 1 else "the daily rate of the last 7 days"
    if forecast.high is None:
        return f"at least {current} by month end"
    low, high = format_whole_money(forecast.low, currency), format_whole_money(forecast.high, currency)
    span = f"{low} to {high}" if low != high else low
    if not forecast.is_exact:
        return f"{span} by month end, at {rates}"
    if low != high:
        return f"about {current} by month end ({span} at {rates})"
    return f"about {current} by month end, at {rates}"


def _describe(budget: content.Budget) -> str:
    reason = f" ({budget.reason})" if budget.reason else ""
    spent = f"{format_spent(budget)}{'' if budget.is_finished else ' so far'}{reason}"
    forecast = "" if budget.forecast is None else f"; {format_forecast(budget.forecast, budget.currency)}"
    against = _describe_verdict(budget)
    variance = _describe_variance(budget)
    return f"{spent}{forecast}{f': {against}' if against else ''}{f'; {variance}' if variance else ''}."


def _describe_verdict(budget: content.Budget) -> str:
    if budget.monthly_budget is None:
        return ""
    limit = f"the budget of {format_money(budget.monthly_budget, budget.currency)}"
    if not budget.verdict:
        return f"{limit} cannot be compared, because the cost of the last 7 days is unknown"
    expected = _expected(budget)
    share = None if expected is None else change_share(expected, base=budget.monthly_budget)
    percent = "" if share is None else f"{format_percent(share)} of {limit}"
    match BudgetVerdict(budget.verdict):
        case BudgetVerdict.EXCEEDED:
            return f"{limit} is exceeded already" if not budget.is_finished else f"{limit} is exceeded"
        case BudgetVerdict.ABOVE:
            over = Decimal(0) if expected is None else expected - budget.monthly_budget
            return f"{format_money(over, budget.currency)} above {limit}" if expected is not None else f"above {limit}"
        case BudgetVerdict.WITHIN:
            return percent or f"within {limit}"
        case BudgetVerdict.UNCERTAIN:
            at_most = "above it at the highest rate" if expected is not None else f"it may exceed {limit}"
            return f"{percent}, {at_most}" if percent else at_most


def _expected(budget: content.Budget) -> Decimal | None:
    """Return the one amount to compare with the budget; None if it is a range or a lower bound."""
    if budget.is_finished:
        return budget.spent
    return budget.forecast.at_current_rate if budget.forecast is not None and budget.forecast.is_exact else None


def _describe_days(days: int) -> str:
    return "day" if days == 1 else format_count(days, "day")


def _describe_variance(budget: content.Budget) -> str:
    """Return how far the cost so far is from the budget that falls to these days; empty where that is not known."""
    by_now = budget.budget_by_now
    if by_now is None or budget.spent_at_least is None:
        return ""
    at_least = "" if budget.spent is not None else "at least "
    over, under = budget.spent_at_least - by_now, None if budget.spent_at_most is None else by_now - budget.spent_at_most
    until = (
        ""
        if budget.is_finished
        else f" the {format_money(by_now, budget.currency)} budgeted for the first {_describe_days(budget.days)}"
    )
    if format_direction(over, budget.currency) == "rose":
        return f"{at_least}{format_money(over, budget.currency)} over{until or ' it'}"
    if under is not None and format_direction(under, budget.currency) == "rose":
        return f"{at_least}{format_money(under, budget.currency)} under{until or ' it'}"
    return ""
