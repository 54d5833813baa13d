"""A report shows the month of each component with a budget, and which alerts opened and paged in its weeks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from alerts.policy import AlertPolicy, Rule
from domain.weeks import IsoWeek
from reports import content
from reports.builders.report import build_team_report
from reports.facts import OpenedAlert, TeamFacts
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from store import Store
from tasks.report.report_data import gather_platform, gather_team
from tasks.report.requests import ReportRequest
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_ref
from tests.integration.alert_installation import START, Installation, fine, starved

SLOTS_OF_WEEK = 28
"""Slots of six hours; the first is Monday, 7 September, 00:00 UTC."""


def facts_of(installation: Installation, week: str) -> TeamFacts:
    with installation.store.reading() as transaction:
        request = ReportRequest(week=IsoWeek.parse(week), now=installation.now)
        return gather_team(transaction, installation.context.policy, PAYMENTS, request)


def budgets_of(report: content.Report) -> list[tuple[content.ComponentName, content.Budget]]:
    return [
        one for section in report.sections if isinstance(section.body, content.ComponentOverview) for one in section.body.budgeted
    ]


def test_components_with_a_budget_have_their_month_worst_first(store: Store) -> None:
    names = ("cart", "checkout", "free")
    budgets = {make_ref("cart"): Decimal(600), CHECKOUT: Decimal(200)}
    installation = Installation(
        store=store,
        components=[make_component(name) for name in names],
        alerts=AlertPolicy(instance="test", monthly_budgets=budgets),
    )
    for week in range(4):
        installation.number = week * SLOTS_OF_WEEK
        installation.run({name: [fine(name, cost_7d=Decimal(70))] for name in names})
    facts = facts_of(installation, "2026-W39")
    report = build_team_report(facts)
    assert [(component.ref, month.verdict) for component, month in budgets_of(report)] == [
        (str(CHECKOUT), "exceeded"),
        ("component:default/cart", "within"),
    ]
    said = [month.sentence for _, month in budgets_of(report)]
    so_far = "$270.00 so far; about $300 by month end, at the daily rates of the last 4 weeks: "
    assert [one.removeprefix(so_far) for one in said] == [
        "the budget of $200.00 is exceeded already; $90.00 over the $180.00 budgeted for the first 27 days.",
        "50% of the budget of $600.00; $270.00 under the $540.00 budgeted for the first 27 days.",
    ]
    slack = str([one.payload for message in render_slack(report) for one in message])
    assert all(one in rendering for one in said for rendering in (render_page(report), render_markdown(report), slack))


def test_alerts_that_opened_are_of_their_week_and_pages_count_once(store: Store) -> None:
    installation = Installation(store=store)
    for slot, points in ((0, [fine()]), (3, [starved()]), (4, [starved(kills=9)]), (SLOTS_OF_WEEK, [starved(kills=9)])):
        installation.number = slot
        installation.run({"checkout": points})
    opened = OpenedAlert(rule=Rule.UNDER_PROVISIONED, about=CHECKOUT, as_of=START + timedelta(hours=18), is_page=True)
    facts = facts_of(installation, "2026-W37")
    assert facts.opened == (opened,)
    with store.reading() as transaction:
        request = ReportRequest(week=IsoWeek.parse("2026-W37"), now=installation.now)
        assert gather_platform(transaction, installation.context.policy, request).opened == (opened,)
    lines = {line.label: line.sentences for line in build_team_report(facts).headline.lines}
    assert lines["On call"] == ("1 page: Checkout, too little CPU or memory (Mon 7 Sep, 18:00 UTC).",)
