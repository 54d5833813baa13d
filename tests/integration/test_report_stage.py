from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from domain.refs import PLATFORM, EntityRef
from domain.routes import RoutePolicy
from domain.weeks import WEEKLY_REPORT, IsoWeek, Schedule, Schedules
from store import RunStatus, Store
from tasks.report.stage import AlreadySent, ReportMade, ReportRejected, preview, report_due, send, stored_reports
from tests.factories import PAYMENTS, SEARCH, make_component, make_contact, make_measurement, make_point, make_team
from tests.stage_factories import MONDAY_NINE, make_stage_context, record_sweep, weekly_report

W47 = IsoWeek.parse("2026-W47")
MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DUE = MONDAY + timedelta(hours=9)


def sweep(store: Store, as_of: datetime, costs: dict[str, int], *, close: bool = True) -> None:
    owners = {"checkout": PAYMENTS, "finder": SEARCH}
    record_sweep(
        store,
        as_of,
        *(
            make_measurement(name, make_point(name, cost_7d=Decimal(cost)), as_of=as_of, team=owners[name])
            for name, cost in costs.items()
        ),
        components=[make_component(name, team=owners[name]) for name in costs],
        teams=[make_team(PAYMENTS, contact=make_contact("CPAY")), make_team(SEARCH)],
        close=close,
    )


def two_weeks(store: Store) -> None:
    sweep(store, MONDAY - timedelta(days=7), {"checkout": 100, "finder": 40})
    sweep(store, MONDAY - timedelta(days=3), {"checkout": 115, "finder": 40})
    sweep(store, MONDAY, {"checkout": 130, "finder": 40})


@pytest.fixture
def measured_store(sqlite_store: Store) -> Store:
    two_weeks(sqlite_store)
    return sqlite_store


def put_messages(made: Iterable[ReportMade]) -> set[str]:
    return {message.key for one in made for message in one.messages}


def test_a_report_is_made_once_for_each_team_and_the_platform(store: Store) -> None:
    two_weeks(store)
    first = report_due(make_stage_context(store, DUE))
    again = report_due(make_stage_context(store, DUE + timedelta(minutes=1)))
    assert [one.report.title for one in first.made] == ["Payments", "Search", "All teams"]
    assert again.made == ()
    assert f"report:weekly:{PAYMENTS}:2026-W47:slack:1" in put_messages(first.made)
    assert "report:weekly:platform:2026-W47:slack:1" in put_messages(first.made)


def test_nothing_is_due_a_minute_before_its_time(store: Store) -> None:
    two_weeks(store)
    assert report_due(make_stage_context(store, DUE - timedelta(minutes=1))).made == ()


def test_the_report_compares_the_two_closing_snapshots(measured_store: Store) -> None:
    report = preview(make_stage_context(measured_store, DUE), PAYMENTS)
    assert report.headline.change is not None
    assert report.headline.change.like_for_like.amount == Decimal(30)
    assert report.headline.changed == (
        "$130.00 in the week to Mon 23 Nov, 00:00 UTC, up $30.00 (+30%) like for like: "
        "too early to say whether that is usual (0 of 6 comparable weeks)."
    )


def test_a_later_sweep_does_not_change_a_repeated_report(measured_store: Store) -> None:
    sweep(measured_store, MONDAY + timedelta(hours=12), {"checkout": 999, "finder": 40})
    report = preview(make_stage_context(measured_store, DUE + timedelta(days=2)), PAYMENTS)
    assert report.headline.cost.amount == Decimal(130)


def test_a_preview_writes_nothing(measured_store: Store) -> None:
    preview(make_stage_context(measured_store, DUE), PAYMENTS)
    preview(make_stage_context(measured_store, DUE), None)
    with measured_store.reading() as transaction:
        assert transaction.reports.runs(WEEKLY_REPORT, "2026-W47") == ()
        assert transaction.reports.runs_of(PLATFORM, WEEKLY_REPORT) == ()


def test_a_team_without_a_channel_goes_to_the_platform_and_stands_in_the_roll_up(measured_store: Store) -> None:
    made = {one.report.title: one for one in report_due(make_stage_context(measured_store, DUE)).made}
    assert {message.target for message in made["Payments"].messages} == {"CPAY"}
    assert {message.target for message in made["Search"].messages} == {"C0PLATFORM"}
    assert "1 team has no channel of its own" in " ".join(made["All teams"].report.headline.missing)


def test_a_report_without_any_channel_is_reported_as_a_problem(measured_store: Store) -> None:
    reported = report_due(make_stage_context(measured_store, DUE, routes=RoutePolicy()))
    assert any("The report of Search for 2026-W47 has no destination" in problem for problem in reported.problems)


def test_a_report_waits_for_a_running_sweep_at_most_an_hour(measured_store: Store) -> None:
    sweep(measured_store, MONDAY + timedelta(hours=6), {"checkout": 131, "finder": 41}, close=False)
    waiting = report_due(make_stage_context(measured_store, DUE + timedelta(minutes=59)))
    assert waiting.made == ()
    assert PAYMENTS in waiting.waiting
    assert len(report_due(make_stage_context(measured_store, DUE + timedelta(minutes=60))).made) == 3


def test_where_collecting_runs_beside_it_the_sweep_of_the_present_slot_is_waited_for(measured_store: Store) -> None:
    beside = report_due(make_stage_context(measured_store, DUE), is_collecting=True)
    assert beside.made == ()
    assert PAYMENTS in beside.waiting
    sweep(measured_store, MONDAY + timedelta(hours=6), {"checkout": 131, "finder": 41})
    made = report_due(make_stage_context(measured_store, DUE + timedelta(minutes=1)), is_collecting=True).made
    assert {weekly_report(one).headline.cost.as_of for one in made} == {MONDAY + timedelta(hours=6)}


def test_a_late_report_says_so(measured_store: Store) -> None:
    made = report_due(make_stage_context(measured_store, DUE + timedelta(days=2))).made
    assert made[0].report.late_reason.startswith("This report comes 2 days late")
    assert made[0].messages[0].expires_at == DUE + timedelta(days=3)


def test_missed_weeks_are_recorded_and_reported_once(measured_store: Store) -> None:
    later = DUE + timedelta(days=14)
    reported = report_due(make_stage_context(measured_store, later))
    assert [one.report.period for one in reported.made] == ["2026-W49"] * 3
    assert len(reported.skipped) == 6  # W47 and W48 of three
    assert report_due(make_stage_context(measured_store, later + timedelta(minutes=1))).skipped == ()
    with measured_store.reading() as transaction:
        run = transaction.reports.run(PAYMENTS, WEEKLY_REPORT, "2026-W48")
        assert run is not None
        assert run.status is RunStatus.SKIPPED


def test_sending_by_hand_is_the_run_of_the_week(measured_store: Store) -> None:
    context = make_stage_context(measured_store, MONDAY + timedelta(hours=1))
    first = send(context, PAYMENTS, W47)
    second = send(context, PAYMENTS, W47)
    assert isinstance(first, ReportMade)
    assert isinstance(second, AlreadySent)
    assert "was made on 2026-11-23 01:00 UTC" in second.sentence
    assert "Payments" not in [one.report.title for one in report_due(make_stage_context(measured_store, DUE)).made]


def test_again_makes_a_new_marked_report(measured_store: Store) -> None:
    context = make_stage_context(measured_store, DUE)
    send(context, PAYMENTS, W47)
    once_more = send(context, PAYMENTS, W47, again=True)
    assert isinstance(once_more, ReportMade)
    assert once_more.report.again == 1
    assert once_more.messages[0].key == f"report:weekly:{PAYMENTS}:2026-W47:slack:1:again-1"
    assert once_more.messages[1].thread_of == once_more.messages[0].key


def test_the_running_week_can_be_shown_and_not_sent(measured_store: Store) -> None:
    sweep(measured_store, MONDAY + timedelta(hours=6), {"checkout": 150, "finder": 41})
    context = make_stage_context(measured_store, DUE)
    report = preview(context, PAYMENTS, W47.shift(1))
    assert report.running
    assert report.headline.cost.amount == Decimal(150)
    with pytest.raises(ReportRejected, match="has not ended in UTC"):
        send(context, PAYMENTS, W47.shift(1))


def test_a_week_that_has_not_begun_is_refused(measured_store: Store) -> None:
    with pytest.raises(ReportRejected, match="has not begun"):
        preview(make_stage_context(measured_store, DUE), PAYMENTS, W47.shift(2))


def test_an_unknown_team_is_refused_with_the_known_ones(measured_store: Store) -> None:
    with pytest.raises(ReportRejected, match="the teams are group:default/payments, group:default/search"):
        preview(make_stage_context(measured_store, DUE), EntityRef.parse("group:default/unknown"))


def test_a_made_report_is_kept_as_it_was_said(measured_store: Store) -> None:
    made = report_due(make_stage_context(measured_store, DUE)).made
    kept = stored_reports(make_stage_context(measured_store, DUE), PAYMENTS)
    assert [report.to_json() for report in kept] == [made[0].report.to_json()]
    assert (
        preview(make_stage_context(measured_store, DUE + timedelta(days=30)), PAYMENTS, W47).to_json() == made[0].report.to_json()
    )


def test_each_team_is_reported_at_its_own_time(measured_store: Store) -> None:
    schedules = Schedules(default=MONDAY_NINE, teams={SEARCH: Schedule.parse(zone="UTC", day="tuesday", at="07:30")})
    monday = report_due(make_stage_context(measured_store, DUE, schedules=schedules))
    tuesday = report_due(make_stage_context(measured_store, DUE + timedelta(hours=22, minutes=30), schedules=schedules))
    assert [one.report.title for one in monday.made] == ["Payments", "All teams"]
    assert [one.report.title for one in tuesday.made] == ["Search"]


def test_before_the_first_week_ends_the_current_one_is_shown_and_cannot_be_sent(sqlite_store: Store) -> None:
    context = make_stage_context(sqlite_store, MONDAY + timedelta(days=2))
    with pytest.raises(ReportRejected, match="nothing was measured yet; `scaleops-worker collect` measures"):
        preview(context, None)
    sweep(sqlite_store, MONDAY + timedelta(days=1), {"checkout": 100}, close=False)
    with pytest.raises(ReportRejected, match="nothing was measured yet"):
        preview(context, PAYMENTS)
    with sqlite_store.transaction() as transaction:
        transaction.sweeps.close(MONDAY + timedelta(days=1), closed_at=MONDAY + timedelta(days=1, minutes=5))
    assert [preview(context, team).week for team in (PAYMENTS, None)] == ["2026-W48", "2026-W48"]
    with pytest.raises(ReportRejected, match="2026-W48 has not ended in UTC; it can be shown without --send, not sent"):
        send(context, PAYMENTS)
    assert preview(make_stage_context(sqlite_store, MONDAY + timedelta(days=8)), PAYMENTS).week == "2026-W48"


def test_a_misspelled_team_is_a_question(measured_store: Store) -> None:
    with pytest.raises(
        ReportRejected, match="no component is owned by group:default/paymnts; did you mean group:default/payments"
    ):
        preview(make_stage_context(measured_store, DUE), EntityRef.parse("group:default/paymnts"))
