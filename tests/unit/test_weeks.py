import time as clock
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import weeks
from domain.refs import EntityRef

ZONES = [
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "America/Santiago",
    "Asia/Kathmandu",
    "Pacific/Apia",
]
UTC = timezone.utc

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(min_value=date(2011, 1, 3), max_value=date(2035, 12, 31))
instants = st.datetimes(min_value=datetime(2011, 1, 3), max_value=datetime(2035, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - hypothesis takes naive bounds
times = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))
schedules = st.builds(lambda zone, day, at: weeks.Schedule(zone=zone, day=day, at=at), zones, st.integers(0, 6), times)
iso_weeks = days.map(weeks.IsoWeek.of)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(iso_weeks)
def test_a_week_reads_back_as_it_is_written(week: weeks.IsoWeek) -> None:
    assert weeks.IsoWeek.parse(str(week)) == week


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-W54", "the weeks of 2026 run from 2026-W01 to 2026-W53"),
        ("2025-W53", "the weeks of 2025 run from 2025-W01 to 2025-W52"),
        ("2026-W00", "there is no week 2026-W00"),
        ("0000-W01", "is not a week"),
        ("2026-47", "for example 2026-W47"),
        ("", "for example 2026-W47"),
        ("\u0662\u0660\u0662\u0666-W47", "for example 2026-W47"),
    ],
)
def test_an_impossible_week_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(weeks.InvalidWeek, match=said):
        weeks.IsoWeek.parse(text)


def test_the_week_before_the_first_is_the_53rd_of_a_long_year() -> None:
    assert weeks.IsoWeek.parse("2027-W01").shift(-1) == weeks.IsoWeek.parse("2026-W53")


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        ("Europe/Madrid", date(2026, 3, 29), time(2, 30), "2026-03-29T01:00"),  # 02:00 -> 03:00: the first instant after
        ("Europe/Madrid", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),  # shown twice: the first
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:30"),  # half an hour is skipped
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), "2026-04-04T14:45"),
        ("Pacific/Chatham", date(2026, 9, 27), time(3, 0), "2026-09-26T14:00"),  # 02:45 -> 03:45
        ("Pacific/Chatham", date(2026, 4, 5), time(3, 0), "2026-04-04T13:15"),
        ("Antarctica/Troll", date(2026, 3, 29), time(2, 0), "2026-03-29T01:00"),  # two hours are skipped
        ("Antarctica/Troll", date(2026, 10, 25), time(2, 0), "2026-10-25T00:00"),
        ("America/Santiago", date(2026, 9, 6), time(0, 0), "2026-09-06T04:00"),  # midnight itself is skipped
        ("America/Santiago", date(2026, 4, 4), time(23, 30), "2026-04-05T02:30"),
        ("Asia/Kathmandu", date(2026, 11, 23), time(9, 0), "2026-11-23T03:15"),
        ("Pacific/Apia", date(2011, 12, 30), time(9, 0), "2011-12-30T10:00"),  # a whole day is skipped
    ],
)
def test_a_local_time_becomes_one_instant(zone: str, day: date, at: time, expected: str) -> None:
    assert weeks.instant_of(day, at, ZoneInfo(zone)) == utc(expected)


@given(days, times, zones)
def test_an_instant_shows_its_local_time_or_is_the_first_after_a_gap(day: date, at: time, zone: ZoneInfo) -> None:
    asked = datetime.combine(day, at)
    instant = weeks.instant_of(day, at, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    assert shown >= asked
    if shown == asked:
        assert instant.astimezone(zone).fold == 0
    else:
        a_second_before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert a_second_before < asked


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Madrid", date(2026, 3, 29), time(2, 30), "2026-03-29T01:00"),
        ("Europe/Madrid", date(2026, 3, 29), time(2, 0, 1), "2026-03-29T01:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 10), "2026-10-03T15:30"),
        ("America/Santiago", date(2026, 9, 6), time(0, 0), "2026-09-06T04:00"),
        ("Europe/Madrid", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),
    ],
)
def test_a_local_time_in_a_gap_is_the_first_after_it_and_in_an_overlap_the_first(
    zone: str, day: date, at: time, instant: str
) -> None:
    assert weeks.instant_of(day, at, ZoneInfo(zone)) == utc(instant)


@given(iso_weeks, zones)
def test_weeks_follow_each_other_without_a_gap(week: weeks.IsoWeek, zone: ZoneInfo) -> None:
    assert week.starts_at(zone) < week.ends_at(zone) == week.shift(1).starts_at(zone)
    assert timedelta(days=5) < week.ends_at(zone) - week.starts_at(zone) < timedelta(days=9)


@given(instants, zones)
def test_an_instant_lies_in_its_running_week(now: datetime, zone: ZoneInfo) -> None:
    week = weeks.current_week(now, zone)
    assert week.starts_at(zone) <= now < week.ends_at(zone)
    assert weeks.last_completed_week(now, zone) == week.shift(-1)
    assert week.shift(-1).ends_at(zone) <= now


@given(schedules, iso_weeks)
def test_a_report_is_due_after_its_week_and_before_the_next_one(schedule: weeks.Schedule, week: weeks.IsoWeek) -> None:
    assert week.ends_at(schedule.zone) <= schedule.due_at(week) < schedule.due_at(week.shift(1))


@given(schedules, instants)
def test_the_newest_due_week_is_due_and_the_next_is_not(schedule: weeks.Schedule, now: datetime) -> None:
    week = schedule.newest_due(now)
    assert schedule.due_at(week) <= now < schedule.due_at(week.shift(1))


@given(
    schedules,
    instants,
    st.timedeltas(timedelta(0), timedelta(days=80)),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=40)), max_size=8),
)
def test_every_window_is_served_or_skipped_exactly_once(
    schedule: weeks.Schedule, start: datetime, first_after: timedelta, naps: list[timedelta]
) -> None:
    now = start + first_after
    handled: list[weeks.IsoWeek] = []
    for nap in naps:
        now += nap
        due = weeks.due_windows(schedule, first_snapshot_at=start, newest_handled=max(handled, default=None), now=now)
        handled_now = [*due.skip, *([due.send] if due.send else [])]
        assert handled_now == sorted(handled_now)
        if due.send:
            assert timedelta(0) <= now - schedule.due_at(due.send) <= weeks.CATCH_UP
        handled += handled_now
    assert len(handled) == len(set(handled))
    if handled:
        assert handled[0] == weeks.current_week(start, schedule.zone)
        assert handled == [handled[0].shift(number) for number in range(len(handled))]


MONDAY_NINE = weeks.Schedule.parse(zone="Europe/Madrid", day="Monday", at="09:00")
W47 = weeks.IsoWeek.parse("2026-W47")


@pytest.mark.parametrize(
    ("first", "newest_handled", "now", "send", "is_late", "skip"),
    [
        pytest.param("2026-11-18", None, "2026-11-23T07:59", None, False, (), id="before its time"),
        pytest.param("2026-11-18", None, "2026-11-23T08:00", W47, False, (), id="on time"),
        pytest.param("2026-11-18", None, "2026-11-25T08:00", W47, True, (), id="two days late"),
        pytest.param("2026-11-18", None, "2026-11-26T08:00", W47, True, (), id="three days late"),
        pytest.param("2026-11-18", None, "2026-11-26T08:01", None, False, (W47,), id="more than three days late"),
        pytest.param(
            "2026-10-01",
            W47.shift(-5),
            "2026-11-23T10:00",
            W47,
            False,
            tuple(W47.shift(-back) for back in (4, 3, 2, 1)),
            id="after five weeks down only the newest is sent",
        ),
    ],
)
def test_a_report_is_due_at_monday_nine_in_madrid(
    first: str,
    newest_handled: weeks.IsoWeek | None,
    now: str,
    send: weeks.IsoWeek | None,
    skip: tuple[weeks.IsoWeek, ...],
    *,
    is_late: bool,
) -> None:
    due = weeks.due_windows(MONDAY_NINE, first_snapshot_at=utc(first), newest_handled=newest_handled, now=utc(now))
    assert (due.send, due.skip) == (send, skip)
    assert due.late == (weeks.Lateness(due_at=utc("2026-11-23T08:00"), made_at=utc(now)) if is_late else None)


def test_a_team_that_came_back_begins_with_its_first_week_again() -> None:
    due = weeks.due_windows(
        MONDAY_NINE, first_snapshot_at=utc("2026-11-18"), newest_handled=W47.shift(-2), now=utc("2026-11-23T10:00")
    )
    assert (due.send, due.skip) == (W47, ())


@pytest.mark.parametrize(
    ("owned_until", "send", "skip"),
    [(W47, W47, (W47.shift(-1),)), (W47.shift(-1), None, (W47.shift(-1),)), (W47.shift(-2), None, ())],
)
def test_a_week_at_whose_end_a_team_owned_nothing_has_no_report(
    owned_until: weeks.IsoWeek, send: weeks.IsoWeek | None, skip: tuple[weeks.IsoWeek, ...]
) -> None:
    due = weeks.due_windows(
        MONDAY_NINE,
        first_snapshot_at=utc("2026-10-01"),
        newest_handled=W47.shift(-2),
        now=utc("2026-11-23T10:00"),
        owned_at_end=lambda week: week <= owned_until,
    )
    assert due == weeks.DueWindows(send=send, late=None, skip=skip)


def test_the_last_completed_week_is_that_of_the_zone() -> None:
    sunday_evening = utc("2026-11-22T20:00")
    assert weeks.last_completed_week(sunday_evening, ZoneInfo("Asia/Tokyo")) == W47
    assert weeks.last_completed_week(sunday_evening, ZoneInfo("UTC")) == W47.shift(-1)


def test_an_instant_is_in_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    clock.tzset()
    try:
        begin = MONDAY_NINE.starts_at(W47)
        assert (begin, begin.utcoffset()) == (utc("2026-11-15T23:00"), timedelta())
    finally:
        monkeypatch.undo()
        clock.tzset()


def test_a_week_begins_at_midnight_in_the_zone_of_the_schedule() -> None:
    assert MONDAY_NINE.starts_at(W47) == utc("2026-11-15T23:00")
    assert MONDAY_NINE.ends_at(W47) == utc("2026-11-22T23:00")


def test_a_team_without_a_snapshot_has_no_window() -> None:
    assert weeks.due_windows(MONDAY_NINE, first_snapshot_at=None, newest_handled=None, now=utc("2026-11-23T10:00")).send is None


def test_a_team_follows_its_own_schedule_or_the_default() -> None:
    payments = EntityRef.parse("group:default/payments")
    own = weeks.Schedule.parse(zone="Asia/Kathmandu", day="tuesday", at="7:30")
    schedules = weeks.Schedules(default=MONDAY_NINE, teams={payments: own})
    assert schedules.of(payments) == own
    assert schedules.of(EntityRef.parse("group:default/other")) == MONDAY_NINE


@pytest.mark.parametrize(
    ("zone", "day", "at", "said"),
    [
        ("Europe/Atlantis", "monday", "09:00", "is not a valid time zone"),
        ("../etc/passwd", "monday", "09:00", "is not a valid time zone"),
        ("", "monday", "09:00", "is not a valid time zone"),
        (
            "UTC",
            "Montag",
            "09:00",
            "is not a valid weekday; write one of monday, tuesday, wednesday, thursday, friday, saturday, sunday",
        ),
        ("UTC", "monday", "24:00", "is not a valid time of day"),
        ("UTC", "monday", "9", "is not a valid time of day"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(zone: str, day: str, at: str, said: str) -> None:
    with pytest.raises(weeks.InvalidSchedule, match=said):
        weeks.Schedule.parse(zone=zone, day=day, at=at)
