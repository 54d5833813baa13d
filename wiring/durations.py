"""Durations as people write them in settings: `30m`, `6h`, `14d`, `2y`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_WRITTEN: Final = re.compile(r"(\d+)\s*([smhdwy])")


def parse_duration(text: object) -> timedelta:
    """Read a whole number and a unit: s, m, h, d, w or y (365 days).

    Raises:
        ValueError: anything else, or nothing at all; the message says how to write one.
    """
    found = _WRITTEN.fullmatch(str(text).strip().lower())
    if found is None or int(found[1]) == 0:
        message = f"{text!r} is no duration; write a number and a unit, for example 30m, 6h or 14d"
        raise ValueError(message)
    try:
        return int(found[1]) * _UNITS[found[2]]
    except OverflowError:
        message = f"{text!r} is longer than anything can last; write for example 30m, 6h or 14d"
        raise ValueError(message) from None


def spell_duration(duration: timedelta) -> str:
    """Write a duration as a setting would: the largest unit that divides it."""
    for unit in ("d", "h", "m"):
        if duration % _UNITS[unit] == timedelta(0):
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration // _UNITS['s']}s"
