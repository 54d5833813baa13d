"""The clock that all processes share: the database's, continued by one that never jumps."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import MAX_CLOCK_SKEW, format_utc, is_future, skew_problem
from tests.factories import NOW
from wiring.clock import BELIEVE_JUMP_AFTER, REFRESH_AFTER, DatabaseClock

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


class Machine:
    """A database's clock, and the time since the start of this machine."""

    def __init__(self) -> None:
        self.elapsed, self.jump, self.readings = timedelta(hours=1), timedelta(), 0
        self.clock = DatabaseClock(self.read, elapsed=lambda: self.elapsed)
        self.start = self.elapsed

    def read(self) -> datetime:
        self.readings += 1
        return self.true_time() + self.jump

    def true_time(self) -> datetime:
        return NOW + (self.elapsed - self.start)

    def after(self, wait: timedelta) -> timedelta:
        """Return how far the clock is from the true time."""
        self.elapsed += wait
        return self.clock() - self.true_time()


def test_it_is_read_rarely_and_runs_in_between() -> None:
    machine = Machine()
    assert [machine.after(SECOND) for _ in range(9)] == [timedelta()] * 9
    assert machine.readings == 1
    assert machine.after(REFRESH_AFTER) == timedelta()
    assert machine.readings == 2


@pytest.mark.parametrize("jump", [DAY, -DAY, timedelta(minutes=6)])
def test_a_jump_that_is_corrected_is_never_followed(jump: timedelta) -> None:
    machine = Machine()
    machine.clock()
    machine.jump = jump
    assert {machine.after(10 * SECOND) for _ in range(12)} == {timedelta()}
    machine.jump = timedelta()
    assert {machine.after(MINUTE) for _ in range(30)} == {timedelta()}


def test_a_jump_that_stays_is_followed_in_the_end() -> None:
    machine = Machine()
    machine.clock()
    machine.jump = DAY
    assert machine.after(MINUTE) == timedelta()
    assert machine.after(BELIEVE_JUMP_AFTER - SECOND) == timedelta()
    assert machine.after(REFRESH_AFTER) == DAY
    assert machine.after(REFRESH_AFTER) == DAY


def test_a_small_correction_is_followed_at_once() -> None:
    machine = Machine()
    machine.clock()
    machine.jump = 2 * MINUTE
    assert machine.after(REFRESH_AFTER) == 2 * MINUTE


@given(st.lists(st.tuples(st.integers(1, 120), st.sampled_from([0, 0, 0, 86_400, -3_600])), max_size=30))
def test_jumps_shorter_than_a_quarter_of_an_hour_never_show(history: list[tuple[int, int]]) -> None:
    machine, wrong_for = Machine(), timedelta()
    machine.clock()
    for seconds, jump in history:
        wait = timedelta(seconds=seconds)
        wrong_for = wrong_for + wait if jump else timedelta()
        if wrong_for >= BELIEVE_JUMP_AFTER - MINUTE:
            break
        machine.jump = timedelta(seconds=jump)
        assert machine.after(wait) == timedelta()


def test_two_clocks_contradict_each_other_from_five_minutes_on() -> None:
    assert skew_problem(NOW + MAX_CLOCK_SKEW, NOW) == ""
    assert "1440 minutes ahead of the database's" in skew_problem(NOW + DAY, NOW)
    assert "60 minutes behind the database's" in skew_problem(NOW - 60 * MINUTE, NOW)
    assert [is_future(NOW + by, NOW) for by in (-DAY, timedelta(), MAX_CLOCK_SKEW, 6 * MINUTE)] == [False, False, False, True]


@pytest.mark.parametrize("hours", [-9, 0, 2])
def test_an_instant_of_any_zone_is_written_in_utc(hours: int) -> None:
    assert (
        format_utc(datetime(2026, 11, 23, 6, tzinfo=timezone.utc).astimezone(timezone(timedelta(hours=hours))))
        == "2026-11-23 06:00 UTC"
    )
