"""A week counts a component once: for the team that owned it in its closing snapshot, in every report, and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from actions.context import HistoryContext
from domain.refs import EntityRef
from domain.weeks import IsoWeek, Schedule, Schedules
from reports import content
from store import Store
from tasks.maintenance.purging import purge_expired
from tasks.report.stage import ReportMade, ReportRejected, preview, report_due, send
from tests.factories import PAYMENTS, SEARCH, make_component, make_contact, make_measurement, make_point, make_team
from tests.integration.history_sample import run
from tests.integration.test_report_stage import DUE, MONDAY
from tests.stage_factories import MONDAY_NINE, make_history_context, make_policy, make_stage_context, record_sweep, weekly_report

W47 = IsoWeek(2026, 47)
SUNDAY = MONDAY - timedelta(hours=6)
WEEK = timedelta(days=7)


def sweep(store: Store, as_of: datetime, owners: dict[str, EntityRef], *, close: bool = True, **costs: int | str) -> None:
    """Measure components with one workload each; a cost in words is the reason why the component is unknown."""
    measurements = [
        make_measurement(name, as_of=as_of, team=owner, reason=cost)
        if isinstance(cost := costs.get(name, 100), str)
        else make_measurement(name, make_point(name, cost_7d=Decimal(cost)), as_of=as_of, team=owner)
        for name, owner in owners.items()
    ]
    components = [make_component(name, team=owner) for name, owner in owners.items()]
    teams = [make_team(team, contact=make_contact("CTEAM")) for team in (PAYMENTS, SEARCH)]
    record_sweep(
        store, as_of, *measurements, components=components, teams=teams, close=close, closed_at=as_of + timedelta(minutes=5)
    )


def made_by(store: Store, now: datetime, **policy: Any) -> dict[str, content.Report]:
    return {one.report.title: weekly_report(one) for one in report_due(make_stage_context(store, now, **policy)).made}


def shares_of(report: content.Report) -> dict[str, Decimal | None]:
    """Return the teams of a roll-up with their costs."""
    (overview,) = (section.body for section in report.sections if isinstance(section.body, content.TeamOverview))
    return {team.title: team.cost.amount for team in overview.teams}


def test_a_component_given_away_before_the_week_ends_is_reported_once_to_its_new_owner(store: Store) -> None:
    sweep(store, MONDAY - WEEK, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(store, SUNDAY, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(store, MONDAY, {"checkout": SEARCH, "finder": SEARCH}, checkout=130)

    made = made_by(store, DUE)

    assert set(made) == {"Search", "All teams"}
    with pytest.raises(ReportRejected, match="owned no component at the end of 2026-W47, so it has no report"):
        preview(make_stage_context(store, DUE), PAYMENTS)
    assert made["Search"].headline.cost.amount == 230
    assert shares_of(made["All teams"]) == {"Search": 230}


def test_a_component_given_away_after_the_week_is_reported_to_the_owner_it_had(store: Store) -> None:
    sweep(store, MONDAY, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(store, MONDAY - WEEK, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(store, MONDAY + timedelta(hours=12), {"checkout": SEARCH, "finder": SEARCH})

    made = made_by(store, DUE + timedelta(days=1))

    assert {title: report.headline.cost.amount for title, report in made.items()} == {
        "Payments": 100,
        "Search": 100,
        "All teams": 200,
    }
    assert shares_of(made["All teams"]) == {"Payments": 100, "Search": 100}


def test_the_owner_of_a_component_that_failed_at_the_end_is_the_one_of_its_closing_snapshot(store: Store) -> None:
    sweep(store, MONDAY - WEEK, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(store, SUNDAY, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(store, MONDAY, {"checkout": SEARCH, "finder": SEARCH}, checkout="ScaleOps answered 500")

    made = made_by(store, DUE)

    assert {title: report.headline.cost.amount for title, report in made.items()} == {
        "Payments": 100,
        "Search": 100,
        "All teams": 200,
    }


def figures_of(report: content.Report) -> Any:
    document = report.model_dump(mode="json", exclude={"made_at", "again", "late_reason"})
    return {**document, "sections": [one for one in document["sections"] if one["title"] != "Routing"]}


@pytest.mark.parametrize("team", [PAYMENTS, SEARCH, None], ids=["payments", "search", "roll-up"])
def test_a_report_made_again_says_the_same(sqlite_store: Store, team: EntityRef | None) -> None:
    """Although the owner, the schedule and the newest sweep have changed, and what nothing needs was deleted."""
    sweep(sqlite_store, MONDAY - WEEK, {"checkout": PAYMENTS, "finder": SEARCH})
    for hours in (18, 12):
        sweep(sqlite_store, MONDAY - timedelta(hours=hours), {"checkout": PAYMENTS, "finder": SEARCH}, checkout=110)
    sweep(sqlite_store, SUNDAY, {"checkout": PAYMENTS, "finder": SEARCH}, checkout=120)
    sweep(sqlite_store, MONDAY, {"checkout": PAYMENTS, "finder": SEARCH}, checkout="ScaleOps answered 500")
    sweep(sqlite_store, MONDAY + timedelta(hours=6), {"checkout": SEARCH, "finder": PAYMENTS}, close=False)
    title = {PAYMENTS: "Payments", SEARCH: "Search", None: "All teams"}[team]
    first = made_by(sqlite_store, DUE + timedelta(minutes=60))[title]

    with sqlite_store.transaction() as transaction:
        transaction.sweeps.close(MONDAY + timedelta(hours=6), closed_at=DUE + timedelta(hours=2))
    sweep(sqlite_store, MONDAY + timedelta(days=29), {"checkout": SEARCH, "finder": PAYMENTS})
    moved = Schedule.parse(zone="UTC", day="tuesday", at="09:00")
    later = make_stage_context(sqlite_store, DUE + timedelta(days=30), schedules=Schedules(default=moved))
    assert purge_expired(later).sweeps == 2
    again = send(later, team, W47, again=True)

    assert isinstance(again, ReportMade)
    ours, theirs = figures_of(weekly_report(again)), figures_of(first)
    del ours["due_at"], theirs["due_at"]  # of the schedule today
    assert ours == theirs


def test_the_trend_of_an_older_week_agrees_with_its_report(sqlite_store: Store) -> None:
    """Also of a sweep that was closed after the report had been made, and after the schedule changed."""
    sweep(sqlite_store, MONDAY - WEEK, {"checkout": PAYMENTS})
    sweep(sqlite_store, MONDAY, {"checkout": PAYMENTS}, checkout=130)
    sweep(sqlite_store, MONDAY + timedelta(hours=6), {"checkout": PAYMENTS}, checkout=999, close=False)
    said = made_by(sqlite_store, DUE + timedelta(minutes=61))["Payments"].headline.cost
    with sqlite_store.transaction() as transaction:
        transaction.sweeps.close(MONDAY + timedelta(hours=6), closed_at=DUE + timedelta(hours=2))
    sweep(sqlite_store, MONDAY + WEEK, {"checkout": PAYMENTS}, checkout=140)
    now = DUE + WEEK
    schedules = Schedules(default=MONDAY_NINE, teams={PAYMENTS: Schedule.parse(zone="Asia/Tokyo", day="tuesday", at="23:00")})
    report = preview(make_stage_context(sqlite_store, now, schedules=schedules), PAYMENTS, W47.shift(1))
    (trend,) = (section.body for section in report.sections if isinstance(section.body, content.Trend))
    history = HistoryContext(
        store=sqlite_store, clock=lambda: now, currency="USD", schedules=schedules, routes=make_policy().routes
    )
    rows = [run(history, "get_cost_trend", entityRef=ref)["weeks"] for ref in (str(PAYMENTS), "component:default/checkout")]

    assert said.amount == 130
    assert [week.cost for week in trend.weeks if week.week == str(W47)] == [said]
    assert [row["cost"] for row in (*rows[0], *rows[1]) if row["week"] == str(W47)] == [130, 130]
    assert report.headline.change is not None
    assert report.headline.change.cost_then == said


def test_a_team_that_returns_after_weeks_missed_nothing(sqlite_store: Store) -> None:
    sweep(sqlite_store, SUNDAY, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(sqlite_store, MONDAY, {"checkout": PAYMENTS, "finder": SEARCH})
    assert "Payments" in made_by(sqlite_store, DUE)
    for weeks in (1, 2, 3):
        sweep(sqlite_store, MONDAY + weeks * WEEK, {"checkout": SEARCH, "finder": SEARCH})
        assert set(made_by(sqlite_store, DUE + weeks * WEEK)) == {"Search", "All teams"}
    sweep(sqlite_store, MONDAY + 4 * WEEK, {"checkout": PAYMENTS, "finder": SEARCH})

    returned = report_due(make_stage_context(sqlite_store, DUE + 4 * WEEK))

    assert [one.report.title for one in returned.made] == ["Payments", "Search", "All teams"]
    assert returned.skipped == ()
    without = run(make_history_context(sqlite_store, DUE + 4 * WEEK), "explain_delivery", about=str(PAYMENTS), week="2026-W48")
    assert "owned no component at the end of 2026-W48" in without["explanation"][0]


def test_reports_missed_while_the_worker_was_down_are_those_of_the_last_owners(sqlite_store: Store) -> None:
    sweep(sqlite_store, SUNDAY - WEEK, {"checkout": PAYMENTS, "finder": SEARCH})
    sweep(sqlite_store, SUNDAY, {"checkout": SEARCH, "finder": SEARCH})

    reported = report_due(make_stage_context(sqlite_store, DUE + WEEK))

    assert [one.report.title for one in reported.made] == ["Search", "All teams"]
    missed = [sentence.partition(", due")[0] for sentence in reported.skipped]
    assert missed == [
        "Search: the report of 2026-W46",
        "Search: the report of 2026-W47",
        "All teams: the report of 2026-W46",
        "All teams: the report of 2026-W47",
    ]
