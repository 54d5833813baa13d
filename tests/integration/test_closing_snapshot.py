"""Report, trend, comparison, alert rule and retention choose the same closing snapshot of a week.

The newest sweep in the closing window of week 47 listed the catalog incompletely and holds nothing of the team payments.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.policy import AlertPolicy, CostIncreaseSettings, Rules
from domain.messages import Json
from domain.refs import EntityRef
from domain.weeks import IsoWeek
from store import Store, Transaction
from tasks.evaluate.stage import evaluate
from tasks.maintenance.purging import purge_expired
from tasks.report.report_data import gather_team
from tasks.report.requests import ReportRequest
from tasks.report.stage import preview
from tests.factories import PAYMENTS
from tests.integration.test_report_stage import DUE, MONDAY, sweep
from tests.stage_factories import make_history_context, make_request_context, make_stage_context, run_action

W47 = IsoWeek(2026, 47)
W48 = IsoWeek(2026, 48)
SUNDAY = MONDAY - timedelta(hours=6)
CHECKOUT = EntityRef.parse("component:default/checkout")
WEEK = timedelta(days=7)
CLOSING = SUNDAY


@pytest.fixture
def store(store: Store) -> Store:
    sweep(store, MONDAY - WEEK, {"checkout": 100, "finder": 40})
    sweep(store, SUNDAY, {"checkout": 130, "finder": 40})
    sweep(store, MONDAY, {"finder": 40})
    sweep(store, MONDAY + WEEK, {"checkout": 400, "finder": 40})
    return store


def action(store: Store, name: str, **arguments: Json) -> Any:
    return run_action(name, make_request_context(history=make_history_context(store, DUE + WEEK)), **arguments)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_report_of_the_week_skips_a_sweep_without_the_team(store: Store) -> None:
    assert preview(make_stage_context(store, DUE), PAYMENTS, W47).headline.cost.as_of == CLOSING


def test_the_trend_of_a_later_report_agrees(store: Store) -> None:
    with store.reading() as transaction:
        context = make_stage_context(store, DUE + WEEK)
        facts = gather_team(transaction, context.policy, PAYMENTS, ReportRequest(week=W48, now=DUE + WEEK))
    assert [week.as_of for week in facts.weeks if week.week == W47] == [CLOSING]
    assert facts.then is not None
    assert facts.then.as_of == CLOSING


@pytest.mark.parametrize("subject", [PAYMENTS, CHECKOUT], ids=["team", "component"])
def test_the_trend_action_agrees(store: Store, subject: EntityRef) -> None:
    trend = action(store, "get_cost_trend", entityRef=str(subject))
    assert [instant(week["asOf"]) for week in trend["weeks"] if week["week"] == str(W47)] == [CLOSING]


@pytest.mark.parametrize("subject", [PAYMENTS, CHECKOUT], ids=["team", "component"])
def test_the_comparison_action_agrees(store: Store, subject: EntityRef) -> None:
    compared = action(store, "compare_weeks", entityRef=str(subject), week=str(W48))
    assert instant(compared["asOfBefore"]) == CLOSING


def test_the_cost_increase_rule_agrees(store: Store) -> None:
    rules = Rules(cost_increase=CostIncreaseSettings(min_weeks=2))
    evaluate(make_stage_context(store, MONDAY + WEEK + timedelta(minutes=10), alerts=AlertPolicy(instance="test", rules=rules)))
    with store.reading() as transaction:
        observed, *_ = transaction.alerts.events_of(f"cost-increase:{CHECKOUT}")
    assert "115" in str(observed.details), "the usual cost is the mean of 100 and 130"


def as_of_kept(transaction: Transaction, as_of: datetime) -> bool:
    return transaction.sweeps.get(as_of) is not None


def test_retention_keeps_what_closes_a_week_for_some_team(store: Store) -> None:
    sweep(store, SUNDAY - timedelta(hours=6), {"checkout": 130, "finder": 40})
    assert purge_expired(make_stage_context(store, MONDAY + timedelta(days=200))).sweeps == 1
    with store.reading() as transaction:
        assert as_of_kept(transaction, SUNDAY)
        assert as_of_kept(transaction, MONDAY)
        assert not as_of_kept(transaction, SUNDAY - timedelta(hours=6))
    assert preview(make_stage_context(store, MONDAY + timedelta(days=200)), PAYMENTS, W47).headline.cost.as_of == CLOSING
