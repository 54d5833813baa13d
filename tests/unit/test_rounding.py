"""Amounts that are shown together add up to the sum that is shown."""

from decimal import Decimal

import pytest

from domain.rounding import round_parts


@pytest.mark.parametrize(
    ("parts", "whole", "rounded"),
    [
        (["0.333", "0.333", "0.334"], "1.00", ["0.33", "0.33", "0.34"]),
        (["0.331", "0.334", "0.333"], "1.00", ["0.33", "0.34", "0.33"]),
        (["0.334", "0.333", "0.331"], "0.99", ["0.33", "0.33", "0.33"]),
        (["0.338", "0.337", "0.336"], "1.01", ["0.34", "0.34", "0.33"]),
        (["0.338", "0.337", "0.336"], "1.00", ["0.34", "0.33", "0.33"]),
        (["0.334", "0.334", "0.334"], "1.00", ["0.34", "0.33", "0.33"]),
        (["0.336", "0.336", "0.336"], "1.01", ["0.33", "0.34", "0.34"]),
        (["0.334", "0.333", "0.332"], "1.01", ["0.34", "0.34", "0.33"]),
        (["-0.334", "-0.333", "-0.333"], "-1.00", ["-0.34", "-0.33", "-0.33"]),
        (["12.004", "-2.004"], "10.00", ["12.00", "-2.00"]),
        ([], "0", []),
    ],
)
def test_the_parts_rounded_furthest_make_up_the_difference(parts: list[str], whole: str, rounded: list[str]) -> None:
    found = round_parts([Decimal(part) for part in parts], "USD", whole=Decimal(whole))

    assert found == tuple(map(Decimal, rounded))
    assert sum(found) == Decimal(whole)
