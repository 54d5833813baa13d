"""Rounding of amounts that are shown together: the shown parts add up to the shown whole."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.money import round_money, smallest_unit


def round_parts(parts: Sequence[Decimal], currency: str, *, whole: Decimal) -> tuple[Decimal, ...]:
    """Round parts to the currency's smallest unit so that they add up to `whole`, which is rounded already.

    Each is at most one unit off: those change that were rounded furthest in the other direction (largest remainder).
    """
    rounded = [round_money(part, currency) for part in parts]
    unit = smallest_unit(currency)
    missing = whole - sum(rounded, Decimal(0))
    step = unit if missing > 0 else -unit
    furthest = sorted(range(len(parts)), key=lambda at: ((rounded[at] - parts[at]) * step, at))
    for at in furthest[: int(abs(missing) / unit)]:
        rounded[at] += step
    return tuple(rounded)
