"""The forecast of a month is a range; the budget alert fires exactly where the report says that it ends above."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cost_rules import observe_budget
from domain.forecast import BudgetVerdict, budget_by_now, budget_of_week, forecast_at_least, forecast_month
from domain.measures import Total, Unknown
from domain.month_to_date import MonthToDate, month_to_date
from tests.factories import CHECKOUT, PAYMENTS, make_window

NOVEMBER_15 = datetime(2026, 11, 15, tzinfo=timezone.utc)
"""Fourteen days of the month are over, sixteen remain."""
WEEK = timedelta(days=7)


def month_of(*costs_7d: int | None, until: datetime = NOVEMBER_15) -> MonthToDate:
    """Return the month from weekly windows, the newest first; None: not measured."""
    windows = [make_window(until - WEEK * back, cost) for back, cost in enumerate(costs_7d) if cost is not None]
    return month_to_date(windows, until=until)


def week(cost: int | None, *, known: int = 2) -> Total:
    return make_window(NOVEMBER_15, cost, known=known).cost_7d


def test_the_range_is_at_the_lowest_and_the_highest_of_four_weeks_and_the_forecast_at_the_last() -> None:
    found = forecast_month(month_of(70, 140, 7), week(70), [week(140), week(None), week(35), week(7000)])
    assert found is not None
    assert (found.low, found.at_current_rate, found.high) == tuple(Decimal(210 + rate * 16) for rate in (5, 10, 20))
    assert (found.is_exact, found.weeks) == (True, 3)


def test_without_an_earlier_week_there_is_one_rate() -> None:
    found = forecast_month(month_of(70, 70), week(70), [])
    assert found is not None
    assert found.low == found.at_current_rate == found.high == 300


def test_days_that_were_not_measured_widen_the_range() -> None:
    month = month_to_date([make_window(NOVEMBER_15, 70), make_window(NOVEMBER_15 - timedelta(days=10), 140)], until=NOVEMBER_15)
    assert month.reason == "3 days were not measured"
    found = forecast_month(month, week(70), [week(70)])
    assert found is not None
    assert found.high is not None
    assert not found.is_exact
    assert (found.low, found.high - found.low) == (Decimal(70 + 80 + 160), Decimal(3 * 20))


@pytest.mark.parametrize("lacking", [{"known": 1}, {"known": 0}])
def test_an_incomplete_week_gives_a_lower_bound_and_no_rate(lacking: dict[str, int]) -> None:
    found = forecast_month(month_of(70, 70), week(70, **lacking), [])
    assert found is not None
    assert (found.at_current_rate, found.high, found.weeks, found.is_exact) == (Decimal(300), None, 0, False)
    assert found.verdict(month_of(70, 70), Decimal(10_000)) is BudgetVerdict.UNCERTAIN


def test_a_month_of_which_the_most_is_not_known_has_no_highest_forecast() -> None:
    month = month_to_date([make_window(NOVEMBER_15, 70, known=1)], until=NOVEMBER_15)
    found = forecast_month(month, week(70), [week(70)])
    assert found is not None
    assert (month.high, found.high, found.low) == (None, None, month.low + 160)


def test_what_cannot_be_forecast() -> None:
    finished = month_to_date(
        [make_window(datetime(2026, 12, 1, tzinfo=timezone.utc))], until=datetime(2026, 12, 1, tzinfo=timezone.utc)
    )
    assert forecast_month(finished, week(70), []) is None
    assert forecast_month(month_of(None), week(None), [week(70)]) is None


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        (139, BudgetVerdict.EXCEEDED),
        (140, BudgetVerdict.ABOVE),
        (299, BudgetVerdict.ABOVE),
        (300, BudgetVerdict.UNCERTAIN),
        (379, BudgetVerdict.UNCERTAIN),
        (380, BudgetVerdict.WITHIN),
    ],
)
def test_a_budget_is_compared_with_the_range(budget: int, verdict: BudgetVerdict) -> None:
    month = month_of(70, 70)
    found = forecast_month(month, week(70), [week(105)])
    assert found is not None
    assert found.verdict(month, Decimal(budget)) is verdict


def test_a_budget_falls_to_its_days() -> None:
    assert budget_by_now(month_of(70, 70), Decimal(900)) == 420
    assert budget_of_week(month_of(70, 70), Decimal(900)) == 210


costs = st.one_of(st.none(), st.integers(0, 5000))


@given(st.lists(costs, min_size=2, max_size=6), st.integers(0, 60), st.integers(0, 2), st.integers(1, 30_000))
def test_the_report_and_the_budget_alert_agree(costs_7d: list[int | None], slots: int, known: int, budget: int) -> None:
    until = NOVEMBER_15 + timedelta(hours=6) * slots
    windows = [
        make_window(until - WEEK * back, cost, known=2 if back else known)
        for back, cost in enumerate(costs_7d)
        if cost is not None
    ]
    today = make_window(until, costs_7d[0], known=known)
    month = month_to_date([*windows, today], until=until)
    found = forecast_month(month, today.cost_7d, [week(cost) for cost in costs_7d[1:]])
    observed = observe_budget(about=CHECKOUT, team=PAYMENTS, today=today, month=month, monthly_budget=Decimal(budget))
    if found is None:
        assert month.is_finished or isinstance(today.cost_7d.amount, Unknown)
        return
    verdict = found.verdict(month, Decimal(budget))
    assert bool(observed.found) == (verdict in (BudgetVerdict.EXCEEDED, BudgetVerdict.ABOVE))
    assert found.at_current_rate == forecast_at_least(month, today.cost_7d)
    if found.is_exact:
        assert found.high is not None
        assert found.low <= found.at_current_rate <= found.high
    else:
        assert month.reason or not today.cost_7d.is_complete
