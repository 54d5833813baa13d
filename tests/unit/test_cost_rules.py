"""The rules about money: what fires, what is unknown, what ends and why."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from alerts.cost_rules import BECAME_USUAL, observe_budget, observe_cost_increase, usual_of_open_alert
from alerts.lifecycle import Paging
from alerts.observations import AlertId, BudgetFigures, CostFigures, Observation, Verdict
from alerts.policy import CostIncreaseSettings, Rule
from alerts.states import NoticeKind
from domain.measures import Measured, Unknown
from domain.month_to_date import month_to_date
from domain.snapshots import SeriesPoint
from tests.factories import CHECKOUT, PAYMENTS, make_measurement, make_point, make_window
from tests.unit.alert_scenario import AlertScenario, is_clear, sweep

DAY = timedelta(days=1)
NOVEMBER_15 = datetime(2026, 11, 15, tzinfo=timezone.utc)
"""Fourteen days of the month are over, sixteen remain."""


def budget(*windows: SeriesPoint, limit: int) -> Observation:
    """Observe a budget with the last window as today's."""
    month = month_to_date(windows, until=windows[-1].as_of)
    return observe_budget(about=CHECKOUT, team=PAYMENTS, today=windows[-1], month=month, monthly_budget=Decimal(limit))


def test_budget_is_month_to_date_plus_the_rest_at_todays_rate() -> None:
    windows = make_window(NOVEMBER_15 - 7 * DAY, 140), make_window(NOVEMBER_15, 70)
    (found,) = budget(*windows, limit=369).found
    assert found.figures == BudgetFigures(
        month_to_date=Decimal(210), forecast=Decimal(370), monthly_budget=Decimal(369), known_days=14, days=14
    )
    assert found.amount == Decimal(1)
    within = budget(*windows, limit=370)
    assert is_clear(within)
    assert (within.alert, within.first_sweep) == (AlertId(rule=Rule.BUDGET, about=CHECKOUT), False)


def test_days_without_a_measurement_in_between_change_no_budget() -> None:
    """ScaleOps was away for three days; the windows after it cover them."""
    kept = make_window(NOVEMBER_15 - 8 * DAY), make_window(NOVEMBER_15 - 4 * DAY), make_window(NOVEMBER_15)
    assert budget(*kept, limit=299).found
    assert is_clear(budget(*kept, limit=300))


@pytest.mark.parametrize("lacking", [{"cost_7d": None}, {"cost_7d": None, "unknown": 1, "measured": 0}])
def test_an_unknown_cost_keeps_no_budget_and_breaks_none(lacking: dict[str, int | None]) -> None:
    today = make_window(NOVEMBER_15, **lacking)  # type: ignore[arg-type]  # the names are those of the arguments
    observed = budget(make_window(NOVEMBER_15 - 7 * DAY, 9000), today, limit=1)
    assert isinstance(today.cost_7d.amount, Unknown)
    assert (observed.verdict, observed.reason) == (Verdict.UNKNOWN, today.cost_7d.amount.reason)
    assert (observed.alert, observed.team) == (AlertId(rule=Rule.BUDGET, about=CHECKOUT), PAYMENTS)


@pytest.mark.parametrize("lacking", [{"known": 1}, {"unknown": 1}])
def test_what_was_measured_of_a_cost_can_be_above_a_budget_but_not_within_it(lacking: dict[str, int]) -> None:
    windows = make_window(NOVEMBER_15 - 7 * DAY, 70, **lacking), make_window(NOVEMBER_15, 70, **lacking)
    held = budget(*windows, limit=300)
    assert held.verdict is Verdict.UNKNOWN
    assert held.reason
    (found,) = budget(*windows, limit=299).found
    assert isinstance(found.figures, BudgetFigures)
    assert (found.figures.is_complete, found.figures.known_days) == (False, 0)


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ({"unknown": 1}, "1 component could not be measured"),
        ({"unknown": 2}, "2 components could not be measured"),
        ({"known": 1}, "the cost of 1 of 2 workloads is not known"),
    ],
)
def test_a_cost_that_is_not_complete_today_says_what_is_missing(lacking: dict[str, int], reason: str) -> None:
    windows = make_window(NOVEMBER_15 - 7 * DAY, 70), make_window(NOVEMBER_15, 70, **lacking)
    month = month_to_date(windows[:1], until=NOVEMBER_15 - 7 * DAY)
    observed = observe_budget(about=CHECKOUT, team=PAYMENTS, today=windows[1], month=month, monthly_budget=Decimal(10_000))

    assert (observed.verdict, observed.reason) == (Verdict.UNKNOWN, reason)


def test_days_that_no_window_covers_break_no_budget() -> None:
    held = budget(make_window(NOVEMBER_15 - 11 * DAY, 700), make_window(NOVEMBER_15, 70), limit=999)
    assert (held.verdict, held.reason) == (Verdict.UNKNOWN, "of this month, 4 days were not measured")
    (found,) = budget(make_window(NOVEMBER_15 - 11 * DAY, 700), make_window(NOVEMBER_15, 70), limit=1).found
    assert isinstance(found.figures, BudgetFigures)
    assert not found.figures.is_complete, "the days that were not measured cost more"


def increase(cost: Measured[Decimal] | int, *weeks: Measured[Decimal] | int, usual: int | None = None) -> Observation:
    points = [make_point(cost_7d=Decimal(cost) if isinstance(cost, int) else cost)]
    return observe_cost_increase(
        make_measurement("checkout", *points).snapshot,
        tuple(Decimal(week) if isinstance(week, int) else week for week in weeks),
        CostIncreaseSettings(),
        alerted_usual_cost_7d=None if usual is None else Decimal(usual),
    )


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        (increase(300, 300, 200, 200, 200, usual=200), Verdict.MEASURED),  # one week at this level
        (increase(300, 300, 300, 200, 200, usual=200), Verdict.USUAL),
        (increase(300, 310, 290, 200, 200, usual=200), Verdict.USUAL),
        (increase(300, Unknown("x"), 300, 300, 200, usual=200), Verdict.USUAL),
        (increase(500, 400, 300, 200, 200, usual=200), Verdict.MEASURED),  # it still rises
    ],
)
def test_a_higher_cost_becomes_usual_after_two_weeks_at_its_level(shown: Observation, verdict: Verdict) -> None:
    assert shown.verdict is verdict
    assert bool(shown.found) is (verdict is Verdict.MEASURED)


def test_an_open_increase_is_compared_with_what_was_usual_when_it_opened() -> None:
    """The mean of the weeks moves with the increase; that must not end it."""
    (found,) = increase(280, 300, 200, 200, 200, usual=200).found
    assert found.figures == CostFigures(cost_7d=Decimal(280), usual_cost_7d=Decimal(200), weeks=4)
    assert is_clear(increase(210, 300, 300, 200, 200, usual=200)), "it fell back"


def test_an_incomplete_cost_does_not_become_usual() -> None:
    half = make_measurement("checkout", make_point(cost_7d=Decimal(300)), make_point("b", cost_7d=Unknown("x"))).snapshot
    weeks = (Decimal(300), Decimal(300), Decimal(200))
    assert observe_cost_increase(half, weeks, CostIncreaseSettings(), alerted_usual_cost_7d=Decimal(200)).found


def test_what_became_usual_ends_with_that_reason_and_not_as_an_all_clear() -> None:
    alert = AlertScenario(AlertId(rule=Rule.COST_INCREASE, about=CHECKOUT))
    alert.observe(increase(300, 200, 200))
    assert usual_of_open_alert(alert.state) == Decimal(200)
    (ended,) = alert.observe(increase(300, 300, 300, 200, usual=200))
    assert (ended.kind, ended.reason, ended.paging) == (NoticeKind.BECAME_USUAL, BECAME_USUAL, Paging.NONE)
    assert ended.findings == ()
    assert not alert.state.is_open
    assert usual_of_open_alert(alert.state) is None
    assert usual_of_open_alert(None) is None
    assert sweep(0) < ended.as_of
