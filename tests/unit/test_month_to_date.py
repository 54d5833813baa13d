"""The cost of a month, from the seven-day windows that cover it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.measures import Unknown
from domain.month_to_date import month_to_date, start_of_month, sweeps_needed
from domain.snapshots import SeriesPoint
from tests.factories import make_window

SLOT = timedelta(hours=6)
RATE = Decimal(70)
"""Cost of the seven days of a window by default."""


def instant(day: int, hour: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=timezone.utc)


def test_windows_end_to_end_add_up_exactly() -> None:
    windows = [make_window(instant(15), 210), make_window(instant(8), 70), make_window(instant(1), 700)]
    month = month_to_date(windows, until=instant(15))
    assert (month.amount, month.known_days, month.days, month.high) == (Decimal(280), 14, 14, Decimal(280))


def test_the_first_window_counts_in_proportion() -> None:
    assert month_to_date([make_window(instant(4))], until=instant(4)).amount == Decimal(30)


def test_the_end_of_a_month_is_its_whole() -> None:
    windows = [make_window(instant(1, month=12) - timedelta(days=7 * back)) for back in range(5)]
    month = month_to_date(windows, until=instant(1, month=12))
    assert (month.amount, month.is_finished, month.days) == (Decimal(300), True, 30)


def test_days_without_any_window_make_it_a_range_with_the_reason() -> None:
    month = month_to_date([make_window(instant(3))], until=instant(6))
    assert isinstance(month.amount, Unknown)
    assert (month.low, month.high, month.known_days, month.days) == (Decimal(20), Decimal(50), 2, 5)
    assert month.reason == "3 days were not measured"


def test_a_window_that_ends_later_covers_days_that_were_not_measured() -> None:
    month = month_to_date([make_window(instant(5)), make_window(instant(9), 140)], until=instant(9))
    assert month.amount == Decimal(140) + Decimal(10), "the days 2 to 8 by the second, the first by the other"


@pytest.mark.parametrize("lacking", [{"known": 1}, {"unknown": 1}])
def test_an_incomplete_window_is_a_lower_bound(lacking: dict[str, int]) -> None:
    windows = [make_window(instant(15), 40, **lacking), make_window(instant(8))]
    month = month_to_date(windows, until=instant(15))
    assert (month.low, month.high) == (Decimal(110), Decimal(140))
    assert month.reason == "7 days were measured in part"
    assert month_to_date([make_window(instant(4), 40, **lacking)], until=instant(4)).high is None


def test_a_complete_window_goes_before_an_incomplete_one_of_the_same_days() -> None:
    windows = [make_window(instant(8)), make_window(instant(7, 18), 35, known=1), make_window(instant(1))]
    assert month_to_date(windows, until=instant(8)).amount == RATE


def test_nothing_measured_is_unknown() -> None:
    month = month_to_date([make_window(instant(8), None)], until=instant(8))
    assert month.amount == Unknown("no day of the month was measured")
    assert (month.low, month.high) == (Decimal(0), None)
    assert type(month.low) is Decimal


def test_time_that_was_not_measured_is_taken_at_the_highest_cost_of_this_month() -> None:
    before = month_to_date([make_window(instant(1), 700), make_window(instant(6), 35, known=1)], until=instant(6))
    assert (before.low, before.high) == (Decimal(25), None), "the complete window is of October"
    windows = [make_window(instant(4), 35, known=1), make_window(instant(11), 70)]
    month = month_to_date(windows, until=instant(11))
    assert (month.low, month.high) == (Decimal(85), Decimal(100)), "three days at 10 a day, of which 15 were measured"


@pytest.mark.parametrize(
    ("until", "partial", "reason"),
    [
        (9, [], "1 day was not measured"),
        (10, [], "2 days were not measured"),
        (16, [16], "1 day was not measured and 7 days were measured in part"),
    ],
)
def test_the_reason_of_a_range_names_what_is_missing(until: int, partial: list[int], reason: str) -> None:
    windows = [make_window(instant(8)), *(make_window(instant(day), 40, known=1) for day in partial)]
    assert month_to_date(windows, until=instant(until)).reason == reason


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_month_is_that_of_utc_whatever_the_zone_of_the_machine(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        first = datetime(2026, 11, 1, tzinfo=timezone.utc)
        assert start_of_month(first + timedelta(microseconds=1)) == first
        assert start_of_month(first) == datetime(2026, 10, 1, tzinfo=timezone.utc)
        assert start_of_month(first.astimezone(timezone(timedelta(hours=14))) + timedelta(days=30)) == first
    finally:
        monkeypatch.undo()
        time.tzset()


def test_few_sweeps_are_needed() -> None:
    slots = [instant(1) + SLOT * number for number in range(4 * 24)]
    assert sweeps_needed(slots, until=instant(24)) == tuple(instant(day) for day in (24, 17, 10, 3))
    assert sweeps_needed([instant(3), instant(20)], until=instant(24)) == (instant(20), instant(3)), "some days have no sweep"


@given(
    st.integers(1, 119),
    st.dictionaries(st.integers(1, 150), st.sampled_from(["failed", "half", "half", "unowned"]), max_size=120),
    st.sampled_from([1, 2, 4]),
)
def test_it_is_never_smaller_than_what_was_spent_and_never_exact_without_it(
    elapsed: int, faults: dict[int, str], every: int
) -> None:
    """The cost is 10 a day without end; a window is complete, half known or missing."""
    until = instant(1) + SLOT * elapsed

    def shown() -> Iterable[SeriesPoint]:
        for number in range(-8, elapsed + 1, every):
            fault = faults.get(number)
            cost = None if fault == "failed" else RATE / 2 if fault else RATE
            yield make_window(
                instant(1) + SLOT * number, cost, known=1 if fault == "half" else 2, unknown=1 if fault == "unowned" else 0
            )

    month, spent = month_to_date(shown(), until=until), RATE * elapsed / 28
    assert month.low <= spent
    if month.high is not None:
        assert month.high == spent
    assert (month.amount == spent) is (not month.reason)
    assert (month.known_days == month.days) is (not month.reason)
