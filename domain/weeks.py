"""ISO weeks in a team's zone: when a week ends, when its report is due, and which weeks are still to be reported.

A local time in the gap of a daylight saving change means the first instant after it, in the overlap the first of the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, Generic, Protocol, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.refs import EntityRef

DAY_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

WEEKLY_REPORT: Final = "weekly"
"""The name of the report of one ISO week, in keys and rows."""
CATCH_UP: Final = timedelta(days=3)
"""A report this late is still sent; a later one is skipped and reported."""
SWEEP_TIMEOUT: Final = timedelta(minutes=60)
"""How long a due report waits for a running sweep."""
LATE_AFTER: Final = timedelta(hours=2)
"""A report is marked late after this: the sweep time-out, and an hour to build it."""

_WEEK = re.compile(r"(?P<year>[12]\d{3})-W(?P<number>\d{2})", re.ASCII)
_TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})", re.ASCII)


class InvalidWeek(ValueError):
    """Not an ISO week; the message shows an example."""


class InvalidSchedule(ValueError):
    """Not a zone, day or time; the message says what is allowed."""


@dataclass(frozen=True, slots=True, order=True)
class IsoWeek:
    """An ISO 8601 week: Monday to Sunday, `2026-W47`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> IsoWeek:
        """Parse `2026-W47`.

        Raises:
            InvalidWeek: another form, or a week which that year does not have.
        """
        found = _WEEK.fullmatch(text.strip())
        if found is None:
            message = f"{text!r} is not a week; write year and ISO week, for example 2026-W47"
            raise InvalidWeek(message)
        year, number = int(found["year"]), int(found["number"])
        try:
            date.fromisocalendar(year, number, 7)
        except ValueError:
            last = 53 if _has_week_53(year) else 52
            message = f"there is no week {text.strip()}; the weeks of {year} run from {year:04}-W01 to {year:04}-W{last}"
            raise InvalidWeek(message) from None
        return cls(year, number)

    @classmethod
    def of(cls, day: date) -> IsoWeek:
        """Return the week of a day."""
        year, number, _ = day.isocalendar()
        return cls(year, number)

    @property
    def monday(self) -> date:
        """The first day."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def sunday(self) -> date:
        """The last day."""
        return date.fromisocalendar(self.year, self.number, 7)

    def shift(self, weeks: int) -> IsoWeek:
        """Return the week this number of weeks later, or earlier if negative."""
        return IsoWeek.of(self.monday + timedelta(weeks=weeks))

    def starts_at(self, zone: ZoneInfo) -> datetime:
        """Return its first instant in a zone, in UTC."""
        return instant_of(self.monday, time(0), zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """Return the first instant after it in a zone, in UTC."""
        return self.shift(1).starts_at(zone)

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"


def _has_week_53(year: int) -> bool:
    return date(year, 12, 28).isocalendar().week == 53  # noqa: PLR2004 - ISO 8601: 28 December is always in the last week


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, of a local day and time. In a gap: the first after it; in an overlap: the first of the two."""
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(timezone.utc)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # The local time does not exist. With the offset after the gap it is before the change, with the offset before the gap after it:
    # the change is between the two.
    before = int(local.replace(fold=1).astimezone(timezone.utc).timestamp())
    after = int(instant.timestamp())
    offset_after = instant.astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset_after:
            after = middle
        else:
            before = middle
    return datetime.fromtimestamp(after, timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a team's weekly report is due: a weekday (Monday is 0) and a local time in its zone."""

    zone: ZoneInfo
    day: int
    at: time

    @classmethod
    def parse(cls, *, zone: str, day: str, at: str) -> Schedule:
        """Parse `Europe/Madrid`, `monday`, `09:00`.

        Raises:
            InvalidSchedule: one of them does not exist.
        """
        return cls(zone=parse_zone(zone), day=parse_day(day), at=parse_time(at))

    def due_at(self, period: IsoWeek) -> datetime:
        """Return when the report of a week is due, in UTC: the first scheduled day and time at or after its end."""
        return instant_of(period.shift(1).monday + timedelta(days=self.day), self.at, self.zone)

    def newest_due(self, now: datetime) -> IsoWeek:
        """Return the newest week whose report is due."""
        week = IsoWeek.of(now.astimezone(self.zone).date())
        while self.due_at(week) > now:
            week = week.shift(-1)
        return week

    def period_at(self, instant: datetime) -> IsoWeek:
        """Return the week of an instant."""
        return current_week(instant, self.zone)

    def starts_at(self, period: IsoWeek) -> datetime:
        """Return the first instant of a week, in UTC."""
        return period.starts_at(self.zone)

    def ends_at(self, period: IsoWeek) -> datetime:
        """Return the first instant after a week, in UTC."""
        return period.ends_at(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """The default schedule, also that of the roll-up, and the schedules of teams with their own."""

    default: Schedule
    teams: Mapping[EntityRef, Schedule] = field(default_factory=dict)

    def of(self, team: EntityRef) -> Schedule:
        """Return a team's schedule."""
        return self.teams.get(team, self.default)

    def distinct(self) -> frozenset[Schedule]:
        """Return every schedule that some report follows."""
        return frozenset((self.default, *self.teams.values()))


def parse_zone(name: str) -> ZoneInfo:
    """Parse the name of a time zone. Raises InvalidSchedule."""
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{name!r} is not a valid time zone; write a name of the IANA database, for example Europe/Madrid or UTC"
        raise InvalidSchedule(message) from None


def parse_day(name: str) -> int:
    """Parse the name of a weekday; Monday is 0. Raises InvalidSchedule."""
    try:
        return DAY_NAMES.index(name.strip().lower())
    except ValueError:
        message = f"{name!r} is not a valid weekday; write one of {', '.join(DAY_NAMES)}"
        raise InvalidSchedule(message) from None


def parse_time(text: str) -> time:
    """Parse a time from 00:00 to 23:59. Raises InvalidSchedule."""
    found = _TIME.fullmatch(text.strip())
    try:
        if found is not None:
            return time(int(found["hour"]), int(found["minute"]))
    except ValueError:
        pass  # 25:00: rejected below
    message = f"{text!r} is not a valid time of day; write hours and minutes from 00:00 to 23:59, for example 09:00"
    raise InvalidSchedule(message)


def last_completed_week(now: datetime, zone: ZoneInfo) -> IsoWeek:
    """Return the newest week that has ended in a zone."""
    return current_week(now, zone).shift(-1)


def current_week(now: datetime, zone: ZoneInfo) -> IsoWeek:
    """Return the week of an instant in a zone."""
    return IsoWeek.of(now.astimezone(zone).date())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """The delay of a late report."""

    due_at: datetime
    made_at: datetime


class Period(Protocol):
    """What one report covers: a week, a month."""

    def shift(self, count: int, /) -> Self:
        """Return the period this number later, or earlier if negative."""

    def __lt__(self, other: Self, /) -> bool: ...
    def __le__(self, other: Self, /) -> bool: ...


P = TypeVar("P", bound=Period)


class ReportSchedule(Protocol[P]):
    """When the reports of some kind of period are due."""

    def due_at(self, period: P) -> datetime:
        """Return when the report of a period is due."""

    def newest_due(self, now: datetime) -> P:
        """Return the newest period whose report is due."""

    def period_at(self, instant: datetime) -> P:
        """Return the period of an instant."""

    def starts_at(self, period: P) -> datetime:
        """Return the first instant of a period."""

    def ends_at(self, period: P) -> datetime:
        """Return the first instant after a period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWindows(Generic[P]):
    """The periods of a team to report or to skip now."""

    send: P | None
    """The period to report; None if nothing is due, or only too late."""
    late: Lateness | None
    """Set if `send` is late."""
    skip: tuple[P, ...]
    """Periods to record as skipped and to report so, oldest first."""


def due_windows(
    schedule: ReportSchedule[P],
    *,
    first_snapshot_at: datetime | None,
    newest_handled: P | None,
    now: datetime,
    owned_at_end: Callable[[P], bool] = lambda _: True,
) -> DueWindows[P]:
    """Decide which week or month to report and which to skip.

    A team's first period is the first that ends after its first snapshot. One at whose end it owned nothing (`owned_at_end`) has no
    report. Of several missed ones only the newest is sent, within three days of its due instant.
    """
    newest = schedule.newest_due(now)
    if first_snapshot_at is None or (newest_handled is not None and newest <= newest_handled):
        return DueWindows(send=None, late=None, skip=())
    first = schedule.period_at(first_snapshot_at)
    period = first if newest_handled is None or newest_handled.shift(1) < first else newest_handled.shift(1)
    missed = []
    while period <= newest:
        if owned_at_end(period):
            missed.append(period)
        period = period.shift(1)
    if not missed:
        return DueWindows(send=None, late=None, skip=())
    if missed[-1] != newest:
        return DueWindows(send=None, late=None, skip=tuple(missed))
    due_at = schedule.due_at(newest)
    if now - due_at > CATCH_UP:
        return DueWindows(send=None, late=None, skip=tuple(missed))
    late = Lateness(due_at=due_at, made_at=now) if now - due_at > LATE_AFTER else None
    return DueWindows(send=newest, late=late, skip=tuple(missed[:-1]))
