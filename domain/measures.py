"""Known and unknown values. What could not be measured is never zero, and has a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar, Union

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that could not be measured, with the reason as a phrase."""

    reason: str


Measured = Union[T, Unknown]  # noqa: UP007 - a generic alias over a type variable needs Union in Python 3.11
"""A value, or the reason why it is unknown."""


def known_or(value: Measured[T], otherwise: U) -> T | U:
    """Return the value, or something else where it is unknown."""
    return otherwise if isinstance(value, Unknown) else value


def is_known(value: Measured[T]) -> bool:
    """Return True if the value is known."""
    return not isinstance(value, Unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum of the known parts, with its coverage (`known` of `parts`).

    `amount` is unknown only if no part is known; without parts it is zero.
    """

    amount: Measured[Decimal]
    known: int
    parts: int

    @property
    def is_complete(self) -> bool:
        """True if every part is known."""
        return self.known == self.parts

    @property
    def counts(self) -> tuple[int, int] | tuple[None, None]:
        """`known` and `parts`. None twice if the sum is unknown and has no part: what it would consist of was not measured."""
        return (None, None) if not self.parts and not is_known(self.amount) else (self.known, self.parts)


def unknown_total(reason: str) -> Total:
    """Return the sum of what was not measured, so that the number of its parts is unknown, too."""
    return Total(amount=Unknown(reason), known=0, parts=0)


def total_of(values: Iterable[Measured[Decimal]]) -> Total:
    """Sum the known values. If none is known, the sum has the first reason."""
    amount = Decimal(0)
    known = parts = 0
    reason = ""
    for value in values:
        parts += 1
        if isinstance(value, Unknown):
            reason = reason or value.reason
        else:
            known += 1
            amount += value
    if parts and not known:
        return Total(amount=Unknown(reason), known=0, parts=parts)
    return Total(amount=amount, known=known, parts=parts)


def sum_totals(totals: Sequence[Total]) -> Total:
    """Return the total of the parts of all totals."""
    amounts = [total.amount for total in totals if total.parts]
    known = [amount for amount in amounts if not isinstance(amount, Unknown)]
    parts = sum(total.parts for total in totals)
    if parts and not known:
        return Total(amount=amounts[0], known=0, parts=parts)
    return Total(amount=sum(known, Decimal(0)), known=sum(total.known for total in totals), parts=parts)
