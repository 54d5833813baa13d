"""The sentences of the monthly roll-up, identical in every rendering."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from domain.money import change_share, format_direction, format_money, format_percent
from reports import content
from reports.builders.months import format_forecast, format_spent
from reports.formatting import format_amount, format_coverage, format_resent, format_saving


def format_month_name(month: str) -> str:
    """Format `2026-10` as `October 2026`."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def month_remarks(report: content.MonthlyReport) -> Iterator[str]:
    """Yield remarks about the report: late, sent again, or of the current month."""
    if report.late_reason:
        yield report.late_reason
    if report.again:
        yield format_resent(report.again)
    if report.running:
        yield "This month has not ended; the figures are current, not final."


def month_figures(report: content.MonthlyReport) -> Iterator[tuple[str, str]]:
    """Yield the key figures with their labels."""
    headline, currency = report.headline, report.currency
    yield f"Cost, {format_month_name(report.month)}", _format_cost(headline.cost)
    if headline.before is not None:
        yield f"Cost, {format_month_name(headline.before.month)}", _format_cost(headline.before)
    yield "Change", format_month_change(headline, currency)
    forecast = headline.forecast
    expected = f"unknown: {headline.no_forecast_reason}" if forecast is None else format_forecast(forecast, currency)
    yield f"Forecast, {format_month_name(headline.next_month)}", expected
    realised = headline.savings_realised
    coverage = f"\n{format_coverage(realised)}" if format_coverage(realised) and realised.amount is not None else ""
    yield "Savings realised, per month", f"{format_amount(realised)}{coverage}"
    yield "Recommendations done", format_realised(headline.realised, currency)


def describe_month(report: content.MonthlyReport) -> str:
    """Return what the month cost and how that changed, in one sentence."""
    headline, currency = report.headline, report.currency
    cost = headline.cost
    month = format_month_name(report.month)
    if cost.spent is None and cost.spent_at_least is None:
        return f"The cost of {month} is unknown: {cost.reason}."
    spent = format_spent(cost)
    change = headline.change
    if change is None or change.at_least is None or change.at_least != change.at_most:
        return f"{month} cost {spent}."
    verb = format_direction(change.at_least, currency)
    before = "the month before" if headline.before is None else format_month_name(headline.before.month)
    if not verb:
        return f"{month} cost {spent}, as {before}."
    share = "" if change.share is None else f" ({format_percent(abs(change.share))})"
    return f"{month} cost {spent}: it {verb} by {format_money(abs(change.at_least), currency)}{share} against {before}."


def format_month_change(headline: content.MonthHeadline, currency: str) -> str:
    """Format the change to the month before, as a range where it is one."""
    change = headline.change
    if change is None:
        return f"not comparable: {headline.no_change_reason}"
    share = "" if change.share is None else f" ({format_percent(change.share, signed=True)})"
    return f"{_range(change.at_least, change.at_most, currency, signed=True)}{share}"


def format_realised(realised: content.RealisedSavings, currency: str) -> str:
    """Format what was carried out, and what it saves."""
    saved = format_saving(realised.per_month, currency)
    pending = f"\neffect pending for {realised.effect_pending:,}" if realised.effect_pending else ""
    return f"{realised.done:,}{f', saving {saved} a month' if saved else ''}{pending}"


def _format_cost(cost: content.Budget) -> str:
    """Format the cost of a month, with the reason if it is a range."""
    return f"{format_spent(cost)}\n{cost.reason}" if cost.reason else format_spent(cost)


def format_variance(team: content.TeamMonth) -> str:
    """Format cost less budget with its share of the budget; empty without a budget."""
    budget, (low, high) = team.cost.monthly_budget, team.variance
    if budget is None:
        return ""
    share = change_share(low, base=budget) if low is not None and low == high else None
    percent = "" if share is None else f" ({format_percent(share, signed=True)})"
    return f"{_range(low, high, team.cost.currency, signed=True)}{percent}"


def _range(low: Decimal | None, high: Decimal | None, currency: str, *, signed: bool = False) -> str:
    if low is None and high is None:
        return "unknown"
    if low is None or high is None:
        known = low if low is not None else high
        return f"at {'least' if low is not None else 'most'} {format_money(known or Decimal(0), currency, signed=signed)}"
    lowest = format_money(low, currency, signed=signed)
    highest = format_money(high, currency, signed=signed)
    return lowest if lowest == highest else f"{lowest} to {highest}"
