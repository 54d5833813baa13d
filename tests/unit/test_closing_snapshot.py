"""Which snapshot closes a week: the newest one within the closing window that holds the subject."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.closing_snapshot import closing_window, newer_candidates
from domain.weeks import IsoWeek, Schedule
from tests.unit.test_weeks import MONDAY_NINE, instants, iso_weeks, schedules, utc

W47 = IsoWeek.parse("2026-W47")
LATER = utc("2026-12-01T12:00")


@given(schedules, iso_weeks)
def test_a_closing_snapshot_is_never_younger_than_the_report(schedule: Schedule, week: IsoWeek) -> None:
    end = week.ends_at(schedule.zone)
    window = closing_window(schedule, week, now=end + timedelta(hours=1))
    assert window.earliest == end - timedelta(hours=24)
    assert end <= window.latest <= min(end + timedelta(hours=12), schedule.due_at(week))


@given(schedules, instants)
def test_any_sweep_of_the_current_week_may_close_it(schedule: Schedule, now: datetime) -> None:
    window = closing_window(schedule, IsoWeek.of(now.astimezone(schedule.zone).date()), now=now)
    assert now in window
    assert window.closing([window.earliest, now, now + timedelta(seconds=1)]) == now


def test_the_newest_sweep_within_the_window_closes_the_week() -> None:
    window = closing_window(MONDAY_NINE, W47, now=LATER)
    sunday, monday = utc("2026-11-22T18:00"), utc("2026-11-23T06:00")
    assert window.closing([utc("2026-11-20T18:00"), sunday, monday, utc("2026-11-23T12:00")]) == monday
    assert window.closing([sunday]) == sunday
    assert window.closing([utc("2026-11-20T18:00")]) is None


@given(schedules, iso_weeks, st.lists(st.integers(-40, 40), unique=True, min_size=1))
def test_a_sweep_is_newest_in_some_window_exactly_when_it_closes_a_week(
    schedule: Schedule, week: IsoWeek, hours: list[int]
) -> None:
    end = week.ends_at(schedule.zone)
    now = end + timedelta(days=30)
    as_ofs = sorted(end + timedelta(hours=hour) for hour in hours)
    closing = {closing_window(schedule, week.shift(number), now=now).closing(as_ofs) for number in (-1, 0, 1)} - {None}
    assert closing == {as_of for as_of in as_ofs if () in newer_candidates(as_of, as_ofs, [schedule], now=now)}
