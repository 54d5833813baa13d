"""Formatting of instants, days, weeks and delays in the reader's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.weeks import IsoWeek


def format_instant(at: datetime, zone: str) -> str:
    """Format an instant as `Mon 23 Nov 2026, 00:00 CET`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {local.tzname()}"


def format_day(at: datetime, zone: str) -> str:
    """Format the day of an instant as `Mon 23 Nov`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}"


def format_week(week: IsoWeek) -> str:
    """Format a week as `16 to 22 November 2026`; month and year repeat only if they differ."""
    first, last = week.monday, week.sunday
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
    return f"{first.day} to {last.day} {last:%B %Y}"


def format_delay(delay: timedelta) -> str:
    """Format a delay as `2 days and 3 hours`, `5 hours`."""
    hours = int(delay.total_seconds() // 3600)
    days, hours = divmod(hours, 24)
    parts = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in ((days, "day"), (hours, "hour")) if number]
    return " and ".join(parts) or "less than an hour"
