"""The first screen of typical weeks, word for word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from alerts.policy import Rule
from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.month_to_date import MonthToDate
from domain.snapshots import WorkloadPoint
from domain.usual_range import WeeklyChange
from reports import content
from reports.builders.report import build_platform_report, build_team_report
from reports.facts import OpenedAlert, ReportedAlert, TeamAlerts, TeamFacts
from reports.render.documents import render_page
from reports.render.slack import render_slack
from tests.factories import make_measurement, make_point, make_ref
from tests.unit import report_samples as samples

MINUS = "\N{MINUS SIGN}"
QUIET = (1, -1, 2, 0, -2, 1, 1, -1)
"""Percentages of the weeks before, the newest first."""


def closing(as_of: datetime, costs: Mapping[str, float | None], **changes: Any) -> ClosingPoint:
    points = [workload(name, cost, **changes) for name, cost in costs.items()]
    return ClosingPoint(as_of=as_of, measurements=(make_measurement("shop", *points, as_of=as_of),))


def workload(name: str, cost: float | None, **changes: Any) -> WorkloadPoint:
    """Return a workload; the pods of recommendationservice cost the same every week."""
    if name == "recommendationservice" and cost is not None:
        changes |= {"pod_hours_7d": cost, "listed_since": samples.THEN - timedelta(days=60)}
    cost_7d = Unknown("ScaleOps left it out") if cost is None else Decimal(str(cost))
    return make_point(name, cost_7d=cost_7d, automated=True, savings_available_per_month=Decimal(0), **changes)


def facts(now: ClosingPoint, then: ClosingPoint, before: tuple[int, ...] = QUIET, **changes: Any) -> TeamFacts:
    weeks = samples.weeks_until(now, (700, 710, 720))
    changes_before = tuple(
        WeeklyChange(week=samples.WEEK.shift(-back), amount=Decimal(7 * percent), cost_then=Decimal(700), is_comparable=True)
        for back, percent in enumerate(before, start=1)
    )
    month = MonthToDate(
        start=datetime(2026, 11, 1, tzinfo=timezone.utc), until=datetime(2026, 11, 23, tzinfo=timezone.utc),
        low=Decimal(2200), high=Decimal(2200), known_days=22, days=22, reason="",
    )  # fmt: skip
    usual = {"changes_before": changes_before, "followed": (), "month_to_date": month, "monthly_budget": Decimal(9000)}
    meta = samples.make_meta(currency="USD", zone="UTC")
    return replace(
        samples.rich_facts(),
        now=now,
        then=then,
        weeks=weeks,
        meta=meta,
        **{**usual, "alerts": TeamAlerts(), "opened": (), **changes},
    )


def first_screen(report: content.Report) -> dict[str, str]:
    return {"": report.headline.changed} | {line.label: " | ".join(line.sentences) for line in report.headline.lines}


def test_an_unusual_rise_comes_with_its_cause_and_what_to_look_at() -> None:
    then = closing(samples.THEN, {"recommendationservice": 94.43, "frontend": 400, "cart": 223.2})
    now = closing(samples.NOW, {"recommendationservice": 226.64, "frontend": 404, "cart": 227.86})
    friday = samples.NOW - timedelta(days=2)
    report = build_team_report(
        facts(
            now,
            then,
            alerts=TeamAlerts(open=(ReportedAlert(rule=Rule.COST_INCREASE, about=make_ref("shop"), since=friday),)),
            opened=(OpenedAlert(rule=Rule.UNDER_PROVISIONED, about=make_ref("checkout"), as_of=friday, is_page=True),),
        )
    )
    assert first_screen(report) == {
        "": "$858.50 in the week to Sun 22 Nov, 23:00 UTC, up $140.87 (+20%) like for like: "
        f"above the usual range of {MINUS}3.9% to +4.9%.",
        "Why": "recommendationservice, east: +$132.21 (+140%), pod-hours +140%. All else: +$8.66 (+1.4%).",
        "November": "$2,200.00 so far; about $3,181 by month end ($3,000 to $3,181 at the daily rates of the last 4 weeks): "
        "35% of the budget of $9,000.00; $4,400.00 under the $6,600.00 budgeted for the first 22 days.",
        "Do first": "Check what changed in recommendationservice (+$132.21; cost alert open since Fri 20 Nov).",
        "To do": "No recommendation needs action this week.",
        "On call": "1 page: Checkout, too little CPU or memory (Fri 20 Nov, 23:00 UTC).",
        "Measured": "Everything was measured: 1 component, 3 workloads.",
    }
    assert report.headline.tone == "up"
    (native, *_, text), *_ = render_slack(report)
    assert str(native.payload["text"]).splitlines()[0] == f"Payments: {report.headline.changed}"
    assert native.payload["text"] == text.payload["text"]


def test_noise_is_about_the_same_and_alarms_nobody() -> None:
    then, now = (closing(at, {"frontend": cost, "cart": 300}) for at, cost in ((samples.THEN, 420), (samples.NOW, 425.11)))
    report = build_team_report(facts(now, then, month_to_date=None))
    assert first_screen(report) == {
        "": "$725.11 in the week to Sun 22 Nov, 23:00 UTC, about the same as the week before (+$5.11, +0.7% like for like).",
        "Why": "No workload moved much: 1 small change, +$5.11.",
        "To do": "No recommendation needs action this week.",
        "On call": "No page.",
        "Measured": "Everything was measured: 1 component, 2 workloads.",
    }
    assert report.headline.tone == ""


def test_an_added_workload_is_no_unusual_change_and_too_few_weeks_are_named() -> None:
    then, now = closing(samples.THEN, {"frontend": 400}), closing(samples.NOW, {"frontend": 440, "wishlist": 60})
    early = build_team_report(facts(now, then, before=QUIET[:3], month_to_date=None))
    assert early.headline.changed == (
        "$500.00 in the week to Sun 22 Nov, 23:00 UTC, up $100.00 (+25%): added +$60.00, like for like +$40.00 (+10%), "
        "too early to say whether that is usual (3 of 6 comparable weeks)."
    )
    known = build_team_report(facts(now, then, before=(9, -8, 12, 10, -9, 11), month_to_date=None))
    assert "like for like +$40.00 (+10%), within the usual range of" in known.headline.changed
    assert early.headline.tone == known.headline.tone == ""


def test_what_is_unknown_is_never_usual_and_never_nothing() -> None:
    then, now = closing(samples.THEN, {"frontend": 400, "cart": 300}), closing(samples.NOW, {"frontend": 480, "cart": None})
    month = replace(samples.make_month(), low=Decimal(2000), high=Decimal(2300), reason="3 days were not measured")
    report = build_team_report(facts(now, then, month_to_date=month))
    assert first_screen(report) == {
        "": "The known cost is $480.00 in the week to Sun 22 Nov, 23:00 UTC, against the week before: "
        f"not comparable {MINUS}$300.00, like for like +$80.00 (+20%), too little was measured to say whether that is usual.",
        "Why": f"frontend, east: +$80.00 (+20%), price per pod-hour +20%. Not comparable, because a cost is unknown: {MINUS}$300.00.",
        "November": "$2,000.00 to $2,300.00 so far (3 days were not measured); $2,800 to $3,123 by month end, at the daily rates of "
        "the last 3 weeks: within the budget of $9,000.00; at least $4,300.00 under the $6,600.00 budgeted for the first 22 days.",
        "To do": "No recommendation needs action this week.",
        "On call": "No page.",
        "Not measured": "The cost of 1 of 2 workloads is unknown and not in the sums.",
    }


def test_the_roll_up_colours_no_noise_of_a_team() -> None:
    then, now = (closing(at, {"frontend": cost, "cart": 300}) for at, cost in ((samples.THEN, 420), (samples.NOW, 425.11)))
    report = build_platform_report(replace(samples.platform_facts(), now=now, then=then))
    (teams,) = (one.body for one in report.sections if isinstance(one.body, content.TeamOverview))
    assert [team.is_noise for team in teams.teams] == [True]
    assert 'class="up"' not in render_page(report)
