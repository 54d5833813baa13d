"""Calendar months, and when the monthly roll-up is due: on the first working day after the month.

A month is a UTC month, as budgets and `domain.month_to_date` count it. Working days are Monday to Friday; public holidays are unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from domain.weeks import instant_of

MONTHLY_REPORT: Final = "monthly"
"""The name of the report of one month, in keys and rows."""
_MONTH: Final = re.compile(r"(?P<year>[12]\d{3})-(?P<number>0[1-9]|1[0-2])", re.ASCII)
_SATURDAY: Final = 5
_MONTHS_A_YEAR: Final = 12


class InvalidMonth(ValueError):
    """Not a month; the message shows an example."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month, `2026-10`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Parse `2026-10`. Raises InvalidMonth."""
        found = _MONTH.fullmatch(text.strip())
        if found is None:
            message = f"{text!r} is not a month; write year and month, for example 2026-10"
            raise InvalidMonth(message)
        return cls(int(found["year"]), int(found["number"]))

    @classmethod
    def of(cls, instant: datetime) -> Month:
        """Return the month that holds an instant."""
        utc = instant.astimezone(timezone.utc)
        return cls(utc.year, utc.month)

    @property
    def first_day(self) -> date:
        """The first day."""
        return date(self.year, self.number, 1)

    def shift(self, months: int) -> Month:
        """Return the month this number of months later, or earlier if negative."""
        years, index = divmod(self.number - 1 + months, _MONTHS_A_YEAR)
        return Month(self.year + years, index + 1)

    @property
    def starts_at(self) -> datetime:
        """Its first instant."""
        return datetime.combine(self.first_day, time(0), tzinfo=timezone.utc)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return self.shift(1).starts_at

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def first_working_day(month: Month) -> date:
    """Return the first day of a month that is neither a Saturday nor a Sunday."""
    day = month.first_day
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlySchedule:
    """When the monthly roll-up is due: a local time in a zone."""

    zone: ZoneInfo
    at: time

    def due_at(self, period: Month) -> datetime:
        """Return when the report of a month is due, in UTC: the first working day after it, and never before its end."""
        return max(instant_of(first_working_day(period.shift(1)), self.at, self.zone), period.ends_at)

    def newest_due(self, now: datetime) -> Month:
        """Return the newest month whose report is due."""
        month = Month.of(now)
        while self.due_at(month) > now:
            month = month.shift(-1)
        return month

    def period_at(self, instant: datetime) -> Month:
        """Return the month of an instant."""
        return Month.of(instant)

    def starts_at(self, period: Month) -> datetime:
        """Return the first instant of a month."""
        return period.starts_at

    def ends_at(self, period: Month) -> datetime:
        """Return the first instant after a month."""
        return period.ends_at
