"""When reports are due and made, on stored state and frozen clocks, across daylight-saving changes in unusual zones.

What is due is computed independently, minute by minute, from the local time of the zone, without `domain.weeks`.
"""

from __future__ import annotations

import os
import shutil
import time as times
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.redis.cache import RedisCache
from domain.refs import PLATFORM
from domain.weeks import DAY_NAMES, Schedule
from store import ReportRun, Store
from tasks.celery_tasks import TaskHandlers, WorkerContext
from tasks.context import TaskTimings
from tasks.report.report_data import REPORT
from tests.integration.test_report_stage import PAYMENTS, parts_at, sweep
from wiring.clock import utc_now
from worker import metrics
from worker.app import build_app
from worker.schedule import Timings, beat_schedule

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


# Local time of a zone ---------------------------------------------------------------------------------------


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


def _first_minute(zone: ZoneInfo, day: date, at: time) -> datetime:
    """Return the first minute at which the local time is that day and that time, or a later one of that day."""
    instant = datetime.combine(day, time(0), tzinfo=timezone.utc) - DAY
    while True:
        shown = instant.astimezone(zone)
        if shown.date() == day and shown.time() >= at:
            return instant
        instant += MINUTE


# Handlers and store ---------------------------------------------------------------------------------------------------


class NullApp:
    """An app whose messages are dropped."""

    def send_task(self, name: str, **_: object) -> None:
        assert name == "deliver"


def report_task_of(store: Store, schedule: Schedule) -> Callable[[], None]:
    """Return the report task of a worker on this store, with the clock of `wiring`. The platform report is due on Mondays at nine, UTC."""
    parts = parts_at(store, utc_now(), teams={PAYMENTS: schedule}, collect_every=DAY)
    parts = type(parts)(store=parts.store, services=parts.services, clock=utc_now, policy=parts.policy)
    worker = WorkerContext(context=parts, memory=cast(RedisCache, None))
    return partial(TaskHandlers(cast(Celery, NullApp()), TaskTimings(), metrics).report, worker)


def store_sweeps(store: Store, first: datetime, last: datetime) -> None:
    """Store one team with one component, measured once, and then empty sweeps, so that no report waits for a sweep."""
    midnight = first.replace(hour=0, minute=0)
    sweep(store, midnight, {"checkout": 100})
    with store.transaction() as transaction:
        while midnight <= last:
            midnight += DAY
            transaction.sweeps.open(midnight, opened_at=midnight)
            transaction.sweeps.close(midnight, closed_at=midnight)


def runs_of(store: Store) -> list[ReportRun]:
    with store.reading() as transaction:
        return list(transaction.reports.runs_of(PAYMENTS, REPORT))


def tick(move_to: Callable[[datetime], None], report: Callable[[], None], ticks: Sequence[tuple[datetime, int]]) -> None:
    """Run each tick the given number of times: several beats, or a redelivered message."""
    for at, count in ticks:
        move_to(at)
        for _ in range(count):
            report()


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


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    Store.open(f"sqlite:///{path}").close()
    return path


Opened = Callable[[], AbstractContextManager[Store]]


@pytest.fixture
def opened(blank: Path, tmp_path: Path) -> Opened:
    """Open a fresh store with every call; for tests whose subject is not the database."""

    @contextmanager
    def opened() -> Iterator[Store]:
        path = tmp_path / "windows.db"
        shutil.copy(blank, path)
        store = Store.open(f"sqlite:///{path}")
        try:
            yield store
        finally:
            store.close()
            for file in tmp_path.glob("windows.db*"):
                file.unlink()

    return opened


# Tests -------------------------------------------------------------------------------------------------------


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
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_each_window_is_reported_once_at_its_local_time_whatever_ticks_come(
    zone: str, change: date, opened: Opened, data: st.DataObject
) -> None:
    day, at, windows, ticks = data.draw(schedule_and_ticks(zone, change))
    schedule = Schedule.parse(zone=zone, day=DAY_NAMES[day], at=f"{at:%H:%M}")
    with freeze_time(windows[0].ends_at - 4 * DAY) as frozen, opened() as store:
        store_sweeps(store, windows[0].ends_at - 4 * DAY, windows[-1].due_at)
        tick(frozen.move_to, report_task_of(store, schedule), ticks)
        runs = runs_of(store)
    ends = {window.week: window.ends_at for window in windows}
    assert {run.week: (run.status, run.created_at) for run in runs} == expected_runs(windows, ticks)
    assert len({run.week for run in runs}) == len(runs)
    assert all(run.due_at == window.due_at for run in runs for window in windows if window.week == run.week)
    assert all(run.created_at >= run.due_at >= ends[run.week] for run in runs)


@pytest.mark.parametrize(
    ("zone", "change", "at", "made_at"),
    [
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", "2026-10-03T15:30"),  # 02:00 -> 02:30
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:45", "2026-04-04T14:45"),  # 02:00 -> 01:30
        ("Antarctica/Troll", date(2026, 3, 29), "02:59", "2026-03-29T01:00"),  # 01:00 -> 03:00
        ("America/Santiago", date(2026, 9, 6), "00:30", "2026-09-06T04:00"),  # midnight itself is skipped
    ],
)
def test_a_tick_every_minute_of_the_night_makes_one_report_at_the_first_instant(
    zone: str, change: date, at: str, made_at: str, opened: Opened
) -> None:
    expected = datetime.fromisoformat(made_at).replace(tzinfo=timezone.utc)
    schedule = Schedule.parse(zone=zone, day=DAY_NAMES[change.weekday()], at=at)
    begin = expected - timedelta(hours=3)
    with freeze_time(begin) as frozen, opened() as store:
        store_sweeps(store, begin - 9 * DAY, begin + DAY)
        tick(frozen.move_to, report_task_of(store, schedule), [(begin + number * MINUTE, 2) for number in range(5 * 60)])
        runs = runs_of(store)
    assert [run.created_at for run in runs if run.status == "made"] == [expected]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_beat_ticks_every_minute_over_the_change_in_every_local_zone(
    zone: str, change: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beat's schedule is in seconds, not in local times: https://github.com/celery/celery/issues/6438 cannot happen."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        times.tzset()
        try:
            begin = datetime.combine(change, time(0), tzinfo=timezone.utc) - timedelta(hours=18)
            app = build_app("redis://127.0.0.1:1/0", instance="test", open_context=cast(Any, None), timings=Timings())
            with freeze_time(begin) as frozen:
                # One entry of each interval: the others of that interval have the same schedule.
                scheduler = app.Beat().Service(app).get_scheduler(lazy=True)
                entries = {
                    one["schedule"].run_every: scheduler.Entry(name=name, app=app, **one)
                    for name, one in app.conf.beat_schedule.items()
                }
                ticks = dict.fromkeys(entries, 0)
                for number in range(1, 36 * 60 + 1):
                    frozen.move_to(begin + number * MINUTE)
                    for interval, entry in entries.items():
                        if entry.is_due().is_due:
                            ticks[interval] += 1
                            entries[interval] = entry.next()
        finally:
            os.environ.pop("TZ")
            times.tzset()
    intervals = {one["schedule"] for one in beat_schedule(Timings()).values()}
    assert ticks == {interval: timedelta(hours=36) // interval for interval in intervals}


def test_the_platform_report_keeps_its_own_time(opened: Opened) -> None:
    """The zone of a team affects only its own report."""
    begin = datetime(2026, 10, 26, 8, 57, tzinfo=timezone.utc)
    with freeze_time(begin) as frozen, opened() as store:
        store_sweeps(store, begin - 9 * DAY, begin + DAY)
        report = report_task_of(store, Schedule.parse(zone="Pacific/Chatham", day="monday", at="09:00"))
        tick(frozen.move_to, report, [(begin + number * MINUTE, 2) for number in range(8)])
        with store.reading() as transaction:
            made = [run.created_at for run in transaction.reports.runs_of(PLATFORM, REPORT) if run.status == "made"]
        assert made == [begin.replace(hour=9, minute=0)]
        assert [run.created_at for run in runs_of(store) if run.status == "made"] == [
            begin
        ]  # due in Chatham since Sunday evening
