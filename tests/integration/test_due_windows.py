"""When the report task makes reports, on stored state and frozen clocks, across daylight-saving changes in unusual zones."""

import os
import shutil
import time as times
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
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
from domain.weeks import DAY_NAMES, WEEKLY_REPORT, Schedule, Schedules
from store import ReportRun, Store
from tasks.celery_tasks import TaskHandlers, WorkerContext
from tasks.timings import TaskTimings
from tests.factories import PAYMENTS
from tests.integration.test_report_stage import sweep
from tests.stage_factories import MONDAY_NINE, make_stage_context
from tests.unit.test_due_windows import CHANGES, DAY, MINUTE, expected_runs, schedule_and_ticks
from wiring.clock import utc_now
from worker import metrics
from worker.app import build_app
from worker.schedule import Timings, beat_schedule


class NullApp:
    def send_task(self, name: str, **_: object) -> None:
        assert name == "deliver"


def report_task_of(store: Store, schedule: Schedule) -> Callable[[], None]:
    parts = make_stage_context(
        store, utc_now, schedules=Schedules(default=MONDAY_NINE, teams={PAYMENTS: schedule}), collect_every=DAY
    )
    worker = WorkerContext(context=parts, memory=cast(RedisCache, None))
    return partial(TaskHandlers(cast(Celery, NullApp()), TaskTimings(), metrics).report, worker)


def store_sweeps(store: Store, first: datetime, last: datetime) -> None:
    """Store one team with one component, measured every day, so that no report waits for a sweep."""
    midnight = first.replace(hour=0, minute=0)
    while midnight <= last + DAY:
        sweep(store, midnight, {"checkout": 100})
        midnight += DAY


def runs_of(store: Store) -> list[ReportRun]:
    with store.reading() as transaction:
        return list(transaction.reports.runs_of(PAYMENTS, WEEKLY_REPORT))


def tick(move_to: Callable[[datetime], None], report: Callable[[], None], ticks: Sequence[tuple[datetime, int]]) -> None:
    for at, count in ticks:
        move_to(at)
        for _ in range(count):
            report()


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


@pytest.mark.parametrize(("zone", "change"), [CHANGES[1], CHANGES[4], CHANGES[7]])
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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
def test_ticks_every_minute_around_the_change_make_one_report_at_the_first_instant(
    zone: str, change: date, at: str, made_at: str, opened: Opened
) -> None:
    expected = datetime.fromisoformat(made_at).replace(tzinfo=timezone.utc)
    schedule = Schedule.parse(zone=zone, day=DAY_NAMES[change.weekday()], at=at)
    begin = expected - timedelta(hours=3)
    with freeze_time(begin) as frozen, opened() as store:
        store_sweeps(store, begin - 9 * DAY, begin + DAY)
        tick(frozen.move_to, report_task_of(store, schedule), [(begin + number * MINUTE, 2) for number in range(170, 190)])
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
            begin = datetime.combine(change, time(0), tzinfo=ZoneInfo(zone)).astimezone(timezone.utc) - timedelta(hours=4)
            app = build_app("redis://127.0.0.1:1/0", instance="test", open_context=cast(Any, None), timings=Timings())
            with freeze_time(begin) as frozen:
                # One entry of each interval: the others of that interval have the same schedule.
                scheduler = app.Beat().Service(app).get_scheduler(lazy=True)
                entries = {
                    one["schedule"].run_every: scheduler.Entry(name=name, app=app, **one)
                    for name, one in app.conf.beat_schedule.items()
                }
                ticks = dict.fromkeys(entries, 0)
                for number in range(1, 12 * 60 + 1):
                    frozen.move_to(begin + number * MINUTE)
                    for interval, entry in entries.items():
                        if entry.is_due().is_due:
                            ticks[interval] += 1
                            entries[interval] = entry.next()
        finally:
            os.environ.pop("TZ")
            times.tzset()
    intervals = {one["schedule"] for one in beat_schedule(Timings()).values()}
    assert ticks == {interval: timedelta(hours=12) // interval for interval in intervals}


def test_the_platform_report_keeps_its_own_time(opened: Opened) -> None:
    begin = datetime(2026, 10, 26, 8, 57, tzinfo=timezone.utc)
    with freeze_time(begin) as frozen, opened() as store:
        store_sweeps(store, begin - 9 * DAY, begin + DAY)
        report = report_task_of(store, Schedule.parse(zone="Pacific/Chatham", day="monday", at="09:00"))
        tick(frozen.move_to, report, [(begin + number * MINUTE, 2) for number in range(8)])
        with store.reading() as transaction:
            made = [run.created_at for run in transaction.reports.runs_of(PLATFORM, WEEKLY_REPORT) if run.status == "made"]
        assert made == [begin.replace(hour=9, minute=0)]
        assert [run.created_at for run in runs_of(store) if run.status == "made"] == [
            begin
        ]  # due in Chatham since Sunday evening
