"""The month in a weekly report: to date, and the one that ended in the week as a whole."""

from __future__ import annotations

from decimal import Decimal

from domain.measures import Unknown
from domain.weeks import IsoWeek
from reports.facts import TeamFacts
from store import Store
from tasks.report.report_data import gather_team
from tasks.report.requests import ReportRequest
from tests.factories import PAYMENTS
from tests.integration.alert_installation import Installation, Shown, fine

WEEK = 28
"""Slots of six hours; the first is Monday, 7 September, 00:00 UTC."""


def facts_of(installation: Installation, week: str) -> TeamFacts:
    with installation.store.reading() as transaction:
        request = ReportRequest(week=IsoWeek.parse(week), now=installation.now)
        return gather_team(transaction, installation.context.policy, PAYMENTS, request)


def test_a_month_that_ended_in_the_week_is_reported_as_finished(store: Store) -> None:
    installation = Installation(store=store)
    for week in range(5):
        installation.number = week * WEEK
        installation.run({"checkout": [fine(cost_7d=Decimal(70))]})
    before, after = facts_of(installation, "2026-W39"), facts_of(installation, "2026-W40")
    assert before.finished_month is None
    assert before.month_to_date is not None
    assert (before.month_to_date.amount, before.month_to_date.days) == (Decimal(270), 27)
    assert after.finished_month is not None
    assert after.month_to_date is not None
    assert (after.finished_month.amount, after.finished_month.is_finished) == (Decimal(300), True)
    assert (after.month_to_date.amount, after.month_to_date.days) == (Decimal(40), 4)


def test_a_failed_last_sweep_leaves_the_month_as_it_was(store: Store) -> None:
    installation = Installation(store=store)
    for slot in (0, *range(WEEK - 3, WEEK)):
        installation.number = slot
        installation.run({"checkout": [fine(cost_7d=Decimal(70))]})
    failed: Shown = {"checkout": [fine(cost_7d=Unknown("ScaleOps answered with status 500"))]}
    installation.run(failed)
    month = facts_of(installation, "2026-W37").month_to_date
    assert month is not None
    assert (month.amount, month.known_days, month.days) == (Decimal("127.5"), 13, 13)
