"""The forecast of a month and its comparison with a budget. The report and the budget alert use the same arithmetic.

Method: what the month cost so far, and for its remaining days the daily rate of a seven-day cost. The rate of the last seven days gives
the forecast; the lowest and the highest rate of the last four weeks give its range. Days that were not measured are not extrapolated:
they widen the range, by nothing for its lower end and by the highest rate measured this month for its upper one.

    start of the month               until                    end
         |......month to date.........|.....remaining days.....|
          measured, or a range         at a rate per day
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.measures import Total, Unknown, known_or
from domain.month_to_date import WINDOW, MonthToDate

RATE_WEEKS: Final = 4
_SECOND: Final = timedelta(seconds=1)
_ZERO: Final = Decimal(0)


class BudgetVerdict(StrEnum):
    """What a forecast says about a budget."""

    EXCEEDED = "exceeded"
    """What was measured is above it already."""
    ABOVE = "above"
    """At the rate of the last seven days the month ends above it: the budget alert fires."""
    UNCERTAIN = "uncertain"
    """It ends above it only at the highest rate, or not enough was measured to say."""
    WITHIN = "within"
    """It ends within it at the highest rate, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthForecast:
    """What a month will have cost at its end."""

    low: Decimal
    """At the lowest rate of the last weeks."""
    at_current_rate: Decimal
    """At the rate of the last seven days; a lower bound if `is_exact` is False."""
    high: Decimal | None
    """At the highest rate; None if it is not known what the month cost so far at most, or no week was measured completely."""
    is_exact: bool
    """True if the month to date and the last seven days were measured completely."""
    weeks: int
    """Number of completely measured weeks whose rates give the range."""

    def verdict(self, month: MonthToDate, monthly_budget: Decimal) -> BudgetVerdict:
        """Compare with a budget. `month` is the one forecast."""
        if month.low > monthly_budget:
            return BudgetVerdict.EXCEEDED
        if self.at_current_rate > monthly_budget:
            return BudgetVerdict.ABOVE
        is_within = self.high is not None and self.high <= monthly_budget
        return BudgetVerdict.WITHIN if is_within else BudgetVerdict.UNCERTAIN


def forecast_at_least(month: MonthToDate, cost_7d: Total) -> Decimal:
    """Return what the month costs at least, if the rest of it costs what is known of the last seven days."""
    return month.low + _remaining_cost(month, known_or(cost_7d.amount, _ZERO))


def forecast_month(month: MonthToDate, cost_7d: Total, earlier: Iterable[Total]) -> MonthForecast | None:
    """Forecast a month.

    Args:
        month: its cost so far.
        cost_7d: the last seven days of it.
        earlier: the cost of each week before these, the newest first. Incomplete ones are left out, as no rate is known of them.

    Returns:
        None if the month is over, or nothing of it or of the last seven days was measured.
    """
    if month.is_finished or isinstance(cost_7d.amount, Unknown):
        return None
    recent = [cost_7d, *list(earlier)[: RATE_WEEKS - 1]]
    costs = [one.amount for one in recent if not isinstance(one.amount, Unknown) and one.is_complete]
    at_current_rate = forecast_at_least(month, cost_7d)
    low, high = at_current_rate, None
    if costs:
        low = month.low + _remaining_cost(month, min(costs))
        high = None if month.high is None else month.high + _remaining_cost(month, max([*costs, cost_7d.amount]))
    return MonthForecast(
        low=low, at_current_rate=at_current_rate, high=high, is_exact=not month.reason and cost_7d.is_complete, weeks=len(costs)
    )


def budget_by_now(month: MonthToDate, monthly_budget: Decimal) -> Decimal:
    """Return the part of a budget that falls to the time up to `until`: all of it for a month that is over."""
    return monthly_budget * ((month.until - month.start) // _SECOND) / ((month.end - month.start) // _SECOND)


def budget_of_week(month: MonthToDate, monthly_budget: Decimal) -> Decimal:
    """Return the part of a budget that falls to seven days of its month."""
    return monthly_budget * (WINDOW // _SECOND) / ((month.end - month.start) // _SECOND)


def _remaining_cost(month: MonthToDate, cost_7d: Decimal) -> Decimal:
    return cost_7d * ((month.end - month.until) // _SECOND) / (WINDOW // _SECOND)
