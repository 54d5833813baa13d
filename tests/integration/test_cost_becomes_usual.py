"""A higher cost that lasts: its alert ends with that reason, and the weekly report counts it."""

from __future__ import annotations

from decimal import Decimal

from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import Phase
from domain.weeks import IsoWeek
from reports.facts import ReportedAlert, TeamAlerts
from store import Store
from tasks.report.report_data import gather_team
from tasks.report.requests import ReportRequest
from tests.factories import PAYMENTS, make_ref
from tests.integration.alert_installation import SLOT_LENGTH, START, Installation, fine

ALERT = AlertId(rule=Rule.COST_INCREASE, about=make_ref("checkout"))
WEEK = 28
"""Slots of six hours; the first slot ends week 36, and the one after may still close it."""


def alerts_in_report(installation: Installation, week: str) -> TeamAlerts:
    with installation.store.reading() as transaction:
        request = ReportRequest(week=IsoWeek.parse(week), now=installation.now)
        return gather_team(transaction, installation.context.policy, PAYMENTS, request).alerts


def test_a_higher_cost_that_became_usual_ends_with_its_reason_and_is_counted_in_the_report(store: Store) -> None:
    installation = Installation(store=store)

    def measure(slot: int, cost: int) -> list[str]:
        installation.number = slot
        messages = installation.run({"checkout": [fine(cost_7d=Decimal(cost))]})
        return [str(message.renderings[-1].payload["text"]) for message in messages]

    for week in range(3):
        assert measure(week * WEEK, 200) == []
    (opened,) = measure(2 * WEEK + 4, 300)
    assert opened.startswith("Checkout: 7-day cost up $100.00")
    assert measure(3 * WEEK, 300) == []
    since = START + (2 * WEEK + 4) * SLOT_LENGTH
    expected = ReportedAlert(rule=Rule.COST_INCREASE, about=make_ref("checkout"), since=since)
    assert alerts_in_report(installation, "2026-W39") == TeamAlerts(open=(expected,))
    assert measure(4 * WEEK, 300) == []
    (ended,) = measure(4 * WEEK + 1, 300)
    assert ended.startswith("Now usual: Checkout: cost rose")
    assert "has been at this level for two weeks; it is now the usual one" in ended
    assert installation.state(ALERT).phase is Phase.QUIET
    assert measure(5 * WEEK, 300) == []
    assert alerts_in_report(installation, "2026-W40") == TeamAlerts(became_usual=(make_ref("checkout"),))
