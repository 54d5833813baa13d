"""When reports are rung for and made, on stored state and frozen clocks, over both changes of the clocks in odd zones.

What is due is worked out anew here, minute by minute, out of what the zone's clocks show; nothing of `domain.weeks` is asked.
"""

from __future__ import annotations

import os
import shutil
import time as times
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.redis import RedisCache
from domain.weeks import DAY_NAMES, Schedule
from store import ReportRun, Store
from tasks.celery_tasks import TaskHandlers, WorkerContext
from tasks.context import TaskTimings
from tasks.report.report_data import PLATFORM, REPORT
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
"""Zones, and the local days on which their clocks change; Kathmandu's never do, and are off by a quarter of an hour."""


# What the clocks of a zone show ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """One week of one zone: when it is over and when its report is due, in UTC."""

    week: str
    ends_at: datetime
    due_at: datetime


def windows_around(change: date, zone: ZoneInfo, day: int, at: time) -> list[Window]:
    """The weeks that end in the two weeks before a day and in the two after it, by looking at the clock every minute."""
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
    """The first minute at which the clocks show that day and that time, or a later one of that day."""
    instant = datetime.combine(day, time(0), tzinfo=timezone.utc) - DAY
    while True:
        shown = instant.astimezone(zone)
        if shown.date() == day and shown.time() >= at:
            return instant
        instant += MINUTE


# Beats and a worker ---------------------------------------------------------------------------------------------------


class Turns:
    """A memory in which it is always our turn, as when Redis cannot be asked."""

    @contextmanager
    def lock(self, name: str, *, ttl: timedelta) -> Iterator[bool]:
        del name, ttl
        yield True


class Line:
    """Where the next stage is rung; nobody answers."""

    def send_task(self, name: str, **_: object) -> None:
        assert name == "deliver"


def bells_over(store: Store, schedule: Schedule) -> TaskHandlers:
    """A worker's report stage over these rows, with the clock of the wiring. The roll-up is for UTC, Mondays at nine."""
    parts = parts_at(store, utc_now(), teams={PAYMENTS: schedule}, collect_every=DAY)
    parts = type(parts)(store=parts.store, services=parts.services, clock=utc_now, policy=parts.policy)
    worker = WorkerContext(context=parts, memory=cast(RedisCache, Turns()))
    return TaskHandlers(cast(Celery, Line()), lambda: worker, TaskTimings(), metrics)


def remember(store: Store, first: datetime, last: datetime) -> None:
    """One team with one component, measured once, and then sweeps that saw nothing: no report waits for one to come."""
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


def tick(move_to: Callable[[datetime], None], bells: TaskHandlers, ticks: Sequence[tuple[datetime, int]]) -> None:
    """Let each tick come so often: of several beats, or of one message that is delivered again."""
    for at, times_rung in ticks:
        move_to(at)
        for _ in range(times_rung):
            bells.report()


def expected_runs(windows: Sequence[Window], ticks: Sequence[tuple[datetime, int]]) -> dict[str, tuple[str, datetime]]:
    """What the promise says: the newest window that is due is made at the next tick, unless three days have gone by."""
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
    """A database file with the tables in it, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    Store.open(f"sqlite:///{path}").close()
    return path


Opened = Callable[[], AbstractContextManager[Store]]


@pytest.fixture
def opened(blank: Path, tmp_path: Path) -> Opened:
    """Open a fresh store, as often as asked; for the tests whose subject is not the database."""

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


# What must hold -------------------------------------------------------------------------------------------------------


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
night = st.integers(0, 5 * 60).map(lambda minute: time(minute // 60, minute % 60))
"""When clocks change."""


@st.composite
def lived(draw: st.DrawFn, zone: str, change: date) -> tuple[int, time, list[Window], list[tuple[datetime, int]]]:
    """A schedule, likely at the change itself, and ticks over five weeks, some of which are missed."""
    day = draw(st.sampled_from([change.weekday(), change.weekday(), *range(7)]))
    at = draw(st.one_of(night, st.just(time(23, 30)), minutes))
    windows = windows_around(change, ZoneInfo(zone), day, at)
    begin, end = windows[0].ends_at - 3 * DAY, windows[-1].due_at - MINUTE
    away = [
        (begin + timedelta(hours=after), begin + timedelta(hours=after + hours))
        for after, hours in draw(st.lists(st.tuples(st.integers(0, 35 * 24), st.sampled_from([1, 5, 60, 80, 200])), max_size=2))
    ]
    second = timedelta(seconds=draw(st.integers(0, 59)))
    instants = {begin + timedelta(hours=11 * number) for number in range(36 * 24 // 11)}
    for window in windows:
        for moment in (window.ends_at, window.due_at):
            instants |= {moment + number * MINUTE for number in range(-2, 3)}
    kept = [at for at in sorted(instants) if at <= end and not any(gone <= at < back for gone, back in away)]
    beats = draw(st.lists(st.integers(0, 3), min_size=7, max_size=7))
    ticks = [(instant + second, beats[number % 7]) for number, instant in enumerate(kept)]
    return day, at, windows, [(instant, rung) for instant, rung in ticks if rung]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_each_window_is_served_once_at_its_local_time_whatever_ticks_come(
    zone: str, change: date, opened: Opened, data: st.DataObject
) -> None:
    day, at, windows, ticks = data.draw(lived(zone, change))
    schedule = Schedule.parse(zone=zone, day=DAY_NAMES[day], at=f"{at:%H:%M}")
    with freeze_time(windows[0].ends_at - 4 * DAY) as frozen, opened() as store:
        remember(store, windows[0].ends_at - 4 * DAY, windows[-1].due_at)
        tick(frozen.move_to, bells_over(store, schedule), ticks)
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
        remember(store, begin - 9 * DAY, begin + DAY)
        tick(frozen.move_to, bells_over(store, schedule), [(begin + number * MINUTE, 2) for number in range(5 * 60)])
        runs = runs_of(store)
    assert [run.created_at for run in runs if run.status == "made"] == [expected]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_beat_rings_every_minute_over_the_change_wherever_its_machine_stands(
    zone: str, change: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beat's own schedule is in seconds, not in local times: https://github.com/celery/celery/issues/6438 cannot happen."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        times.tzset()
        try:
            begin = datetime.combine(change, time(0), tzinfo=timezone.utc) - timedelta(hours=18)
            app = build_app("redis://127.0.0.1:1/0", instance="test", open_context=cast(Any, None), timings=Timings())
            with freeze_time(begin) as frozen:
                rung = dict.fromkeys(app.conf.beat_schedule, 0)
                entries = {
                    name: app.Beat().Service(app).get_scheduler(lazy=True).Entry(name=name, app=app, **one)
                    for name, one in app.conf.beat_schedule.items()
                }
                for number in range(1, 36 * 60 + 1):
                    frozen.move_to(begin + number * MINUTE)
                    for name, entry in entries.items():
                        if entry.is_due().is_due:
                            rung[name] += 1
                            entries[name] = entry.next()
        finally:
            os.environ.pop("TZ")
            times.tzset()
    every = {name: one["schedule"] for name, one in beat_schedule(Timings()).items()}
    assert rung == {name: timedelta(hours=36) // seconds for name, seconds in every.items()}


def test_the_roll_up_keeps_its_own_time(opened: Opened) -> None:
    """The zone of a team moves nobody else's report."""
    begin = datetime(2026, 10, 26, 8, 57, tzinfo=timezone.utc)
    with freeze_time(begin) as frozen, opened() as store:
        remember(store, begin - 9 * DAY, begin + DAY)
        bells = bells_over(store, Schedule.parse(zone="Pacific/Chatham", day="monday", at="09:00"))
        tick(frozen.move_to, bells, [(begin + number * MINUTE, 2) for number in range(8)])
        with store.reading() as transaction:
            made = [run.created_at for run in transaction.reports.runs_of(PLATFORM, REPORT) if run.status == "made"]
        assert made == [begin.replace(hour=9, minute=0)]
        assert [run.created_at for run in runs_of(store) if run.status == "made"] == [
            begin
        ]  # due in Chatham since Sunday evening
