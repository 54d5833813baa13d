"""Formatting of numbers beyond any plausible one: whatever the number, a text, and never an error."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.limits import COUNT, MONEY, PERCENT
from domain.money import format_cores, format_count, format_memory, format_money, format_percent, per_month, round_money

AMOUNTS = some.one_of(
    some.decimals(allow_nan=False, min_value=Decimal("-1e400"), max_value=Decimal("1e400")),
    some.floats(allow_nan=False, allow_infinity=False).map(lambda value: Decimal(repr(value))),
)


@given(AMOUNTS, some.sampled_from(["USD", "JPY", "BHD", "CLF", "XXX"]))
def test_formatting_never_raises(amount: Decimal, currency: str) -> None:
    assert round_money(amount, currency).is_finite()
    assert format_money(amount, currency, signed=True)
    assert format_money(per_month(amount), currency)
    assert format_percent(amount, signed=True)
    assert format_count(2**64, "kill")


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_formatting_of_quantities_never_raises(quantity: float) -> None:
    assert format_cores(quantity)
    assert format_memory(quantity)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), 10**13, -(10**13)]
)
def test_what_is_not_finite_or_too_large_is_not_plausible(value: Decimal | float) -> None:
    assert not MONEY.accepts(value)


def test_a_range_includes_its_ends() -> None:
    assert PERCENT.accepts(0)
    assert PERCENT.accepts(101)
    assert not COUNT.accepts(-1)
