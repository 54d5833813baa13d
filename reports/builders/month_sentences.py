"""The sentences of the monthly roll-up, identical in every rendering."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from domain.money import change_share, format_direction, format_money, format_percent
from reports import content
from reports.builders.months import format_forecast, format_spent
from reports.builders.sentences import KeyFigure
from reports.formatting import bracketed_share, format_resent, format_saving


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


def month_figures(report: content.MonthlyReport) -> Iterator[KeyFigure]:
    """Yield the key figures."""
    headline, currency = report.headline, report.currency
    for cost in (headline.cost, headline.before):
        if cost is not None:
            yield KeyFigure(label=f"Cost, {format_month_name(cost.month)}", value=format_spent(cost), note=cost.reason)
    yield KeyFigure(label="Change", value=format_month_change(headline, currency))
    forecast = headline.forecast
    expected = f"unknown: {headline.no_forecast_reason}" if forecast is None else format_forecast(forecast, currency)
    yield KeyFigure(label=f"Forecast, {format_month_name(headline.next_month)}", value=expected)
    yield KeyFigure.of_amount("Savings realised, per month", headline.savings_realised)
    counts = ((headline.realised.effect_pending, "effect pending for"), (headline.realised.unknown, "savings unknown for"))
    yield KeyFigure(
        label="Recommendations done",
        value=format_realised(headline.realised, currency),
        note=", ".join(f"{what} {count:,}" for count, what in counts if count),
    )


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
    return f"{_range(change.at_least, change.at_most, currency, signed=True)}{bracketed_share(change.share)}"


def format_realised(realised: content.RealisedSavings, currency: str) -> str:
    """Format what was carried out, and what it saves."""
    saved = "" if realised.per_month is None else format_saving(realised.per_month, currency)
    return f"{realised.done:,}{f', saving {saved} a month' if saved else ''}"


def format_variance(team: content.TeamMonth) -> str:
    """Format cost less budget with its share of the budget; empty without a budget."""
    budget, (low, high) = team.cost.monthly_budget, team.variance
    if budget is None:
        return ""
    share = change_share(low, base=budget) if low is not None and low == high else None
    return f"{_range(low, high, team.cost.currency, signed=True)}{bracketed_share(share)}"


def _range(low: Decimal | None, high: Decimal | None, currency: str, *, signed: bool = False) -> str:
    if low is None and high is None:
        return "unknown"
    if low is None or high is None:
        known = low if low is not None else high
        return f"at {'least' if low is not None else 'most'} {format_money(known or Decimal(0), currency, signed=signed)}"
    lowest = format_money(low, currency, signed=signed)
    highest = format_money(high, currency, signed=signed)
    return lowest if lowest == highest else f"{lowest} to {highest}"
