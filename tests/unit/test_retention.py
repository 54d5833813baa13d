"""Which sweeps are kept: all of two weeks, the last of each day for three months, what closed a week for two years."""

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from domain.weeks import Schedule, Schedules
from store.retention import Retention, expired

NOW = datetime(2026, 11, 25, 13, tzinfo=timezone.utc)  # a Wednesday
SIX_HOURS = timedelta(hours=6)
SCHEDULES = Schedules(default=Schedule.parse(zone="UTC", day="monday", at="12:00"))


def every_six_hours(days: int) -> list[datetime]:
    newest = NOW.replace(hour=12)
    return [newest - SIX_HOURS * number for number in range(days * 4)]


def kept(closed: list[datetime], *, reported: frozenset[datetime] = frozenset()) -> set[datetime]:
    return set(closed) - set(
        expired(closed, reported=[{as_of} for as_of in reported], schedules=SCHEDULES, retention=Retention(), now=NOW)
    )


def test_every_sweep_of_the_last_two_weeks_is_kept() -> None:
    closed = every_six_hours(30)
    young = {as_of for as_of in closed if NOW - as_of <= timedelta(days=14)}
    assert young <= kept(closed)


def test_of_older_days_the_last_sweep_is_kept_for_ninety_days() -> None:
    closed = every_six_hours(120)
    still_kept = kept(closed)
    for as_of in still_kept:
        age = NOW - as_of
        if timedelta(days=14) < age <= timedelta(days=90):
            assert as_of.hour == 18 or (as_of.weekday() == 0 and as_of.hour == 12)
    assert {as_of for as_of in closed if as_of.hour == 18 and NOW - as_of <= timedelta(days=90)} <= still_kept


def test_what_closed_a_week_is_kept_for_two_years() -> None:
    closed = every_six_hours(800)
    old = {as_of for as_of in kept(closed) if NOW - as_of > timedelta(days=90)}
    assert {(as_of.weekday(), as_of.hour) for as_of in old} == {(0, 12)}
    assert len(old) == (730 - 90) // 7
    assert min(old) >= NOW - timedelta(days=730)


def test_a_week_whose_monday_was_missed_keeps_its_sunday() -> None:
    sunday = datetime(2026, 6, 7, 18, tzinfo=timezone.utc)
    closed = [*every_six_hours(10), sunday, sunday - SIX_HOURS, sunday - timedelta(hours=36)]
    assert [as_of for as_of in sorted(kept(closed)) if as_of <= sunday] == [sunday]


def test_what_a_report_was_made_from_is_kept_for_two_years() -> None:
    closed = every_six_hours(800)
    reported = frozenset(as_of for as_of in closed if (as_of.weekday(), as_of.hour) == (0, 6))
    still_kept = kept(closed, reported=reported)
    for as_of in reported:
        assert (as_of in still_kept) == (NOW - as_of <= timedelta(days=730))


def test_the_newest_sweep_is_never_dropped() -> None:
    alone = NOW - timedelta(days=4000)
    assert expired([alone], reported=(), schedules=SCHEDULES, retention=Retention(), now=NOW) == ()
    assert expired([], reported=(), schedules=SCHEDULES, retention=Retention(), now=NOW) == ()


@given(st.lists(st.integers(min_value=0, max_value=20_000), max_size=40), st.integers(min_value=0, max_value=400))
def test_what_is_kept_today_was_kept_before(hours: list[int], days: int) -> None:
    closed = [NOW - timedelta(hours=hour) for hour in hours]
    early = expired(closed, reported=(), schedules=SCHEDULES, retention=Retention(), now=NOW - timedelta(days=days))
    left = [as_of for as_of in closed if as_of not in early]
    at_once = set(closed) - set(expired(closed, reported=(), schedules=SCHEDULES, retention=Retention(), now=NOW))
    assert set(left) - set(expired(left, reported=(), schedules=SCHEDULES, retention=Retention(), now=NOW)) == at_once
