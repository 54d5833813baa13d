"""A weekly change is usual or not by the team's own last weeks; noise is neither."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.measures import Total, Unknown
from domain.usual_range import (
    MAX_WEEKS,
    MIN_WEEKS,
    UsualPosition,
    UsualRange,
    WeeklyChange,
    compare_with_usual,
    is_enough_to_compare,
    noise_floor,
    usual_range,
)
from domain.weeks import IsoWeek

THIS = IsoWeek.parse("2026-W45")
COST = Decimal(1000)
percents = st.decimals(min_value=-90, max_value=200, places=2)


def a_change(percent: float | Decimal, *, back: int = 0, cost: Decimal = COST, comparable: bool = True) -> WeeklyChange:
    amount = cost * Decimal(str(percent)) / 100
    return WeeklyChange(week=THIS.shift(-back), amount=amount, cost_then=cost, is_comparable=comparable)


def the_weeks_before(percents_before: Sequence[float | Decimal]) -> list[WeeklyChange]:
    return [a_change(percent, back=back) for back, percent in enumerate(percents_before, start=1)]


QUIET = [1, -1, 0.5, 2, -0.5, 1.5, 0, -2]
NOISY = [10, -12, 8, -9, 15, -11, 9, -8]


@pytest.mark.parametrize(
    ("percent", "before", "position"),
    [
        (20, QUIET, UsualPosition.ABOVE),
        (-20, QUIET, UsualPosition.BELOW),
        (1, QUIET, UsualPosition.INSIDE),
        (20, NOISY, UsualPosition.INSIDE),
        (90, NOISY, UsualPosition.ABOVE),
        (20, QUIET[: MIN_WEEKS - 1], UsualPosition.TOO_EARLY),
        (20, [], UsualPosition.TOO_EARLY),
        (3, [0] * 12, UsualPosition.ABOVE),
        (2, [0] * 12, UsualPosition.INSIDE),
        (-2, [0] * 12, UsualPosition.INSIDE),
        (2.01, [0] * 12, UsualPosition.ABOVE),
        (-2.01, [0] * 12, UsualPosition.BELOW),
        (20, [*QUIET, 150], UsualPosition.ABOVE),  # one bad week does not make the next one usual
        (5, [5] * 8, UsualPosition.INSIDE),  # a team that grows every week
    ],
)
def test_a_change_is_compared_with_the_weeks_before(percent: float, before: list[float], position: UsualPosition) -> None:
    found = compare_with_usual(a_change(percent), the_weeks_before(before))
    assert found.position is position
    assert found.weeks == len(before)
    assert found.is_unusual is (position in (UsualPosition.ABOVE, UsualPosition.BELOW))


@pytest.mark.parametrize("change", [None, a_change(20, comparable=False), a_change(20, cost=Decimal("0.5"))])
def test_a_week_that_was_not_measured_is_neither_usual_nor_unusual(change: WeeklyChange | None) -> None:
    found = compare_with_usual(change, the_weeks_before(QUIET))
    assert found.position is UsualPosition.NOT_COMPARABLE
    assert not found.is_unusual


def test_only_comparable_weeks_of_the_last_twelve_count() -> None:
    recent = the_weeks_before([0] * MIN_WEEKS)
    unmeasured = [a_change(80, back=back, comparable=False) for back in range(MIN_WEEKS + 1, MAX_WEEKS + 1)]
    older = [a_change(80, back=MAX_WEEKS + 1 + back) for back in range(10)]
    itself_and_later = [a_change(80), a_change(80, back=-1)]
    found = compare_with_usual(a_change(5), [*recent, *unmeasured, *older, *itself_and_later])
    assert found.usual == UsualRange(low=Decimal("-0.02"), median=Decimal(0), high=Decimal("0.02"))
    assert (found.weeks, found.position) == (MIN_WEEKS, UsualPosition.ABOVE)


@pytest.mark.parametrize(
    ("amount", "cost", "is_noise"),
    [("5.11", "700", True), ("9.99", "100", True), ("10", "100", False), ("19", "1000", True), ("-20", "1000", False)],
)
def test_what_is_below_two_percent_or_ten_is_noise(amount: str, cost: str, *, is_noise: bool) -> None:
    change = WeeklyChange(week=THIS, amount=Decimal(amount), cost_then=Decimal(cost), is_comparable=True)
    found = compare_with_usual(change, the_weeks_before([0] * 12))
    assert found.is_noise is is_noise
    assert not (found.is_noise and found.is_unusual)


@pytest.mark.parametrize(
    ("known", "parts", "is_enough"), [(10, 10, True), (9, 10, True), (8, 10, False), (0, 0, True), (1, 2, False)]
)
def test_both_weeks_must_be_measured_for_the_most_part(known: int, parts: int, *, is_enough: bool) -> None:
    total, whole = Total(amount=COST, known=known, parts=parts), Total(amount=COST, known=5, parts=5)
    assert is_enough_to_compare(total, whole) is is_enough
    assert is_enough_to_compare(whole, total) is is_enough
    assert not is_enough_to_compare(whole, Total(amount=Unknown("down"), known=0, parts=3))
    assert not is_enough_to_compare(whole, Total(amount=Unknown("down"), known=0, parts=0))


@given(st.lists(percents, min_size=MIN_WEEKS, max_size=MAX_WEEKS), st.data())
def test_the_median_week_is_always_usual_and_fewer_than_half_of_the_weeks_cannot_move_the_range_beyond_the_others(
    before: list[Decimal], data: st.DataObject
) -> None:
    usual = usual_range(the_weeks_before(before))
    assert usual is not None
    assert usual.low <= usual.median <= usual.high
    assert min(before) <= usual.median * 100 <= max(before)
    odd = data.draw(st.integers(min_value=0, max_value=(len(before) - 1) // 2))
    kept = [Decimal(0)] * (len(before) - odd)
    moved = usual_range(the_weeks_before([*kept, *before[:odd]]))
    assert moved is not None
    assert (moved.median, moved.high) == (Decimal(0), Decimal("0.02"))


@given(st.lists(percents, max_size=20), percents, st.permutations(range(20)))
def test_the_order_of_the_weeks_does_not_matter(before: list[Decimal], percent: Decimal, order: list[int]) -> None:
    weeks = the_weeks_before(before)
    shuffled = [weeks[at] for at in order if at < len(weeks)]
    assert compare_with_usual(a_change(percent), weeks) == compare_with_usual(a_change(percent), shuffled)


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_the_noise_floor_grows_with_the_cost(cost: Decimal) -> None:
    assert noise_floor(cost) == max(Decimal(10), cost * Decimal("0.02"))
