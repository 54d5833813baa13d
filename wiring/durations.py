"""Durations as settings spell them: `30m`, `6h`, `14d`, `2y`."""

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
_DURATION: Final = re.compile(r"(\d+)\s*([smhdwy])")


def parse_duration(text: object) -> timedelta:
    """Parse a whole number and a unit: s, m, h, d, w or y (365 days).

    Raises:
        ValueError: anything else, or zero; the message has an example.
    """
    match = _DURATION.fullmatch(str(text).strip().lower())
    if match is None or int(match[1]) == 0:
        message = f"{text!r} is not a valid duration; write a number and a unit, for example 30m, 6h or 14d"
        raise ValueError(message)
    try:
        return int(match[1]) * _UNITS[match[2]]
    except OverflowError:
        message = f"{text!r} is too long for a duration; write for example 30m, 6h or 14d"
        raise ValueError(message) from None


def format_duration(duration: timedelta) -> str:
    """Format a duration as a setting spells it: in the largest unit that divides it."""
    for unit in ("d", "h", "m"):
        if duration % _UNITS[unit] == timedelta(0):
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration // _UNITS['s']}s"
