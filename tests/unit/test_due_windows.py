"""Which weeks are due at drawn ticks, computed independently from the local time of unusual zones, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.weeks import DAY_NAMES, IsoWeek, Schedule, due_windows

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CATCH_UP = timedelta(days=3)

CHANGES = [
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Chatham", date(2026, 4, 5)),
    ("Pacific/Chatham", date(2026, 9, 27)),
    ("Antarctica/Troll", date(2026, 3, 29)),
    ("Antarctica/Troll", date(2026, 10, 25)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Kathmandu", date(2026, 10, 25)),
    ("Europe/Madrid", date(2026, 3, 29)),
    ("Europe/Madrid", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
]
"""Zones, and the local days on which their clocks change; Kathmandu has no change, and an offset of 5:45."""


@dataclass(frozen=True)
class Window:
    """One week of one zone: when it ends and when its report is due, in UTC."""

    week: str
    ends_at: datetime
    due_at: datetime


def windows_around(change: date, zone: ZoneInfo, day: int, at: time) -> list[Window]:
    """Return the weeks that end in the two weeks before and after a day, from the local time of every minute."""
    monday = change - timedelta(days=change.weekday() + 14)
    found = []
    for number in range(5):
        begins = monday + timedelta(weeks=number)
        ends_at = _first_minute(zone, begins + timedelta(days=7), time(0))
        due_at = _first_minute(zone, begins + timedelta(days=7 + day), at)
        year, week, _ = begins.isocalendar()
        found.append(Window(f"{year}-W{week:02}", ends_at, due_at))
    return found


@cache
def _first_minute(zone: ZoneInfo, day: date, at: time) -> datetime:
    instant = datetime.combine(day, time(0), tzinfo=timezone.utc) - DAY
    while True:
        shown = instant.astimezone(zone)
        if shown.date() == day and shown.time() >= at:
            return instant
        instant += MINUTE


def expected_runs(windows: Sequence[Window], ticks: Sequence[tuple[datetime, int]]) -> dict[str, tuple[str, datetime]]:
    """Return the expected runs: the newest due window is made at the next tick, unless it is three days late."""
    runs: dict[str, tuple[str, datetime]] = {}
    for at, _ in ticks:
        due = [window for window in windows if window.due_at <= at]
        if not due or due[-1].week in runs:
            continue
        for window in due[:-1]:
            runs.setdefault(window.week, ("skipped", at))
        runs[due[-1].week] = ("made" if at - due[-1].due_at <= CATCH_UP else "skipped", at)
    return runs


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
night = st.integers(0, 5 * 60).map(lambda minute: time(minute // 60, minute % 60))
"""When clocks change."""


@st.composite
def schedule_and_ticks(draw: st.DrawFn, zone: str, change: date) -> tuple[int, time, list[Window], list[tuple[datetime, int]]]:
    """Draw a schedule, likely at the change itself, and ticks over five weeks, some of which are missed."""
    day = draw(st.sampled_from([change.weekday(), change.weekday(), *range(7)]))
    at = draw(st.one_of(night, st.just(time(23, 30)), minutes))
    windows = windows_around(change, ZoneInfo(zone), day, at)
    begin, end = windows[0].ends_at - 3 * DAY, windows[-1].due_at - MINUTE
    outages = [
        (begin + timedelta(hours=after), begin + timedelta(hours=after + hours))
        for after, hours in draw(st.lists(st.tuples(st.integers(0, 35 * 24), st.sampled_from([1, 5, 60, 80, 200])), max_size=2))
    ]
    second = timedelta(seconds=draw(st.integers(0, 59)))
    instants = {begin + timedelta(hours=23 * number) for number in range(36 * 24 // 23)}
    for window in windows:
        for moment in (window.ends_at, window.due_at):
            instants |= {moment + number * MINUTE for number in range(-2, 3)}
    kept = [at for at in sorted(instants) if at <= end and not any(gone <= at < back for gone, back in outages)]
    beats = draw(st.lists(st.integers(0, 3), min_size=7, max_size=7))
    ticks = [(instant + second, beats[number % 7]) for number, instant in enumerate(kept)]
    return day, at, windows, [(instant, count) for instant, count in ticks if count]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_each_window_is_due_once_at_its_local_time_whatever_ticks_come(zone: str, change: date, data: st.DataObject) -> None:
    day, at, windows, ticks = data.draw(schedule_and_ticks(zone, change))
    schedule = Schedule.parse(zone=zone, day=DAY_NAMES[day], at=f"{at:%H:%M}")
    first_snapshot_at = (windows[0].ends_at - 4 * DAY).replace(hour=0, minute=0)
    runs: dict[str, tuple[str, datetime]] = {}
    newest: IsoWeek | None = None
    for now, count in ticks:
        for _ in range(count):
            due = due_windows(schedule, first_snapshot_at=first_snapshot_at, newest_handled=newest, now=now)
            for week, status in [*((week, "skipped") for week in due.skip), *([(due.send, "made")] if due.send else [])]:
                assert str(week) not in runs
                runs[str(week)] = (status, now)
                newest = week
    assert runs == expected_runs(windows, ticks)
    assert {window.week: schedule.due_at(IsoWeek.parse(window.week)) for window in windows} == {
        window.week: window.due_at for window in windows
    }
