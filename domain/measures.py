"""Known and unknown. A value we could not measure is never a zero, and it always says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar, Union

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that could not be measured; `reason` is a phrase a person can read."""

    reason: str


Measured = Union[T, Unknown]  # noqa: UP007 - a generic alias over a type variable needs Union in Python 3.11
"""A value, or the reason why there is none."""


def known_or(value: Measured[T], otherwise: U) -> T | U:
    """Return the value, or something else where it is unknown."""
    return otherwise if isinstance(value, Unknown) else value


def is_known(value: Measured[T]) -> bool:
    """Say whether there is a value."""
    return not isinstance(value, Unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of the parts that are known, and how many of the parts those are.

    `amount` is unknown only when there are parts and none of them is known; without parts it is zero.
    """

    amount: Measured[Decimal]
    known: int
    parts: int

    @property
    def is_complete(self) -> bool:
        """Say whether every part is known."""
        return self.known == self.parts


def total_of(values: Iterable[Measured[Decimal]]) -> Total:
    """Add up what is known; the first reason stands for a sum of which no part is known."""
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
