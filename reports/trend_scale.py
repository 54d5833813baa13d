"""The scale of a trend: where its bars start and end, so that a change can be seen and noise does not look like one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

_ZERO: Final = Decimal(0)
MIN_SPAN: Final = Decimal("0.1")
"""The bars show at least this share of the largest amount: below it a change stays as small as it is."""
_FROM_ZERO: Final = Decimal("0.3")
"""Bars that would start below this share of the largest amount start at zero."""
_STEPS: Final = tuple(Decimal(one) for one in ("1", "2", "2.5", "5", "10"))
_TICKS: Final = 4
_BUDGET_REACH: Final = Decimal("1.25")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendScale:
    """The ends of the axis, both multiples of `step`."""

    floor: Decimal
    ceiling: Decimal
    step: Decimal

    @property
    def starts_at_zero(self) -> bool:
        """True if the length of a bar is its amount."""
        return self.floor == 0

    @property
    def ticks(self) -> tuple[Decimal, ...]:
        """The labelled amounts of the axis."""
        count = int((self.ceiling - self.floor) / self.step)
        return tuple(self.floor + self.step * number for number in range(count + 1))

    def shows(self, amount: Decimal) -> bool:
        """Return True if an amount is on the axis."""
        return self.floor <= amount <= self.ceiling

    def level(self, amount: Decimal) -> Decimal:
        """Return how far up the axis an amount is, from 0 to 1."""
        return min(max((amount - self.floor) / (self.ceiling - self.floor), _ZERO), Decimal(1))


def scale_of(amounts: Iterable[Decimal | None], *, budget: Decimal | None = None) -> TrendScale:
    """Return the scale of the known amounts; a budget is on it if that does not flatten them."""
    known = [amount for amount in amounts if amount is not None]
    largest, smallest = max(known, default=_ZERO), min(known, default=_ZERO)
    if largest <= 0:
        return TrendScale(floor=_ZERO, ceiling=Decimal(1), step=Decimal("0.25"))
    floor = min(smallest - (largest - smallest) / 2, largest * (1 - MIN_SPAN))
    if floor < largest * _FROM_ZERO:
        floor = _ZERO
    if budget is not None and floor <= budget <= largest * _BUDGET_REACH:
        largest = max(largest, budget)
    step = _step_of(largest - floor)
    return TrendScale(floor=_to_step(floor, step, ROUND_FLOOR), ceiling=_to_step(largest, step, ROUND_CEILING), step=step)


def _step_of(span: Decimal) -> Decimal:
    unit = Decimal(1).scaleb((span / _TICKS).adjusted())
    return next(unit * step for step in _STEPS if unit * step * _TICKS >= span)


def _to_step(amount: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (amount / step).to_integral_value(rounding=rounding) * step
