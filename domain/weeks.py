"""ISO weeks in a team's own zone: when a week ends, when its report is due, and which windows are still to be served.

Local times meet daylight saving: a time that the clock skips means the first instant after the gap, a time that it shows
twice means the first of the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.refs import EntityRef

DAY_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

CATCH_UP: Final = timedelta(days=3)
"""A window this late is still sent; an older one is skipped, and told."""
SWEEP_PATIENCE: Final = timedelta(minutes=60)
"""How long after its due instant a report waits for a sweep that is still running."""
LATE_AFTER: Final = timedelta(hours=2)
"""A report is called late from here on: an hour of patience, and an hour to be made in."""

_WEEK = re.compile(r"(?P<year>[12]\d{3})-W(?P<number>\d{2})", re.ASCII)
_TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})", re.ASCII)


class InvalidWeek(ValueError):
    """The text names no ISO week; the message says what one looks like."""


class InvalidSchedule(ValueError):
    """A zone, day or time that does not exist; the message names it and says what is allowed."""


@dataclass(frozen=True, slots=True, order=True)
class IsoWeek:
    """An ISO 8601 week: Monday to Sunday, `2026-W47`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> IsoWeek:
        """Read `2026-W47`.

        Raises:
            InvalidWeek: another form, or a week which that year does not have.
        """
        found = _WEEK.fullmatch(text.strip())
        if found is None:
            message = f"{text!r} is no week; write year and ISO week, for example 2026-W47"
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
        """Answer the week a day lies in."""
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

    def plus(self, weeks: int) -> IsoWeek:
        """Answer the week that many weeks later, or earlier when negative."""
        return IsoWeek.of(self.monday + timedelta(weeks=weeks))

    def starts_at(self, zone: ZoneInfo) -> datetime:
        """Answer its first instant in a zone, in UTC."""
        return instant_of(self.monday, time(0), zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """Answer the first instant that is no longer in it, in UTC."""
        return self.plus(1).starts_at(zone)

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"


def _has_week_53(year: int) -> bool:
    return date(year, 12, 28).isocalendar().week == 53  # noqa: PLR2004 - ISO 8601: 28 December lies in the last week


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Answer the instant, in UTC, at which a zone's clocks show this day and time.

    In a gap: the first instant after it. In an overlap: the first of the two.
    """
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(timezone.utc)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # The local time does not exist. Read with the offset after the gap it lies before the change, with the one before
    # the gap it lies after it: the change is between the two.
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
    """When a team hears of its last week: a weekday (Monday is 0) and a local time in its zone."""

    zone: ZoneInfo
    day: int
    at: time

    @classmethod
    def parse(cls, *, zone: str, day: str, at: str) -> Schedule:
        """Read `Europe/Madrid`, `monday`, `09:00`.

        Raises:
            InvalidSchedule: one of them does not exist.
        """
        return cls(zone=parse_zone(zone), day=parse_day(day), at=parse_time(at))

    def due_at(self, week: IsoWeek) -> datetime:
        """Answer when the report of a week is due, in UTC: the first scheduled day and time at or after its end."""
        return instant_of(week.plus(1).monday + timedelta(days=self.day), self.at, self.zone)

    def newest_due(self, now: datetime) -> IsoWeek:
        """Answer the newest week whose report is due by now."""
        week = IsoWeek.of(now.astimezone(self.zone).date())
        while self.due_at(week) > now:
            week = week.plus(-1)
        return week


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """The default schedule, which the roll-up follows too, and those of teams that have their own."""

    default: Schedule
    teams: Mapping[EntityRef, Schedule] = field(default_factory=dict)

    def of(self, team: EntityRef) -> Schedule:
        """Return a team's schedule."""
        return self.teams.get(team, self.default)

    def distinct(self) -> frozenset[Schedule]:
        """Return every schedule that some report follows."""
        return frozenset((self.default, *self.teams.values()))


def parse_zone(name: str) -> ZoneInfo:
    """Read the name of a time zone.

    Raises:
        InvalidSchedule: no such zone.
    """
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{name!r} is no time zone; write a name of the IANA database, for example Europe/Madrid or UTC"
        raise InvalidSchedule(message) from None


def parse_day(name: str) -> int:
    """Read the name of a weekday; Monday is 0.

    Raises:
        InvalidSchedule: no weekday.
    """
    try:
        return DAY_NAMES.index(name.strip().lower())
    except ValueError:
        message = f"{name!r} is no weekday; write one of {', '.join(DAY_NAMES)}"
        raise InvalidSchedule(message) from None


def parse_time(text: str) -> time:
    """Read a time of day.

    Raises:
        InvalidSchedule: no time between 00:00 and 23:59.
    """
    found = _TIME.fullmatch(text.strip())
    try:
        if found is not None:
            return time(int(found["hour"]), int(found["minute"]))
    except ValueError:
        pass  # 25:00 has the form of a time and is none: told below, with every other form
    message = f"{text!r} is no time of day; write hours and minutes from 00:00 to 23:59, for example 09:00"
    raise InvalidSchedule(message)


def last_completed_week(now: datetime, zone: ZoneInfo) -> IsoWeek:
    """Answer the newest week that has ended in a zone."""
    return current_week(now, zone).plus(-1)


def current_week(now: datetime, zone: ZoneInfo) -> IsoWeek:
    """Answer the week that an instant lies in, in a zone."""
    week = IsoWeek.of(now.astimezone(zone).date())
    return week if week.ends_at(zone) > now else week.plus(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Why a report comes late."""

    due_at: datetime
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWindows:
    """What is to be done about a team's reports now."""

    send: IsoWeek | None
    """The one window to serve; None when nothing is due, or what is due is too old."""
    late: Lateness | None
    """Set when `send` comes late."""
    skip: tuple[IsoWeek, ...]
    """Missed for good, oldest first: to be recorded, and told."""


def due_windows(
    schedule: Schedule, *, first_snapshot_at: datetime | None, newest_handled: IsoWeek | None, now: datetime
) -> DueWindows:
    """Decide which windows to serve and which to skip.

    A team's first window is the first that ends after its first snapshot; of several missed windows only the newest is
    sent, and only within three days of its due instant.
    """
    newest = schedule.newest_due(now)
    if first_snapshot_at is None or (newest_handled is not None and newest_handled >= newest):
        return DueWindows(send=None, late=None, skip=())
    first = current_week(first_snapshot_at, schedule.zone)
    week = first if newest_handled is None else max(first, newest_handled.plus(1))
    open_windows = []
    while week <= newest:
        open_windows.append(week)
        week = week.plus(1)
    if not open_windows:
        return DueWindows(send=None, late=None, skip=())
    due_at = schedule.due_at(newest)
    if now - due_at > CATCH_UP:
        return DueWindows(send=None, late=None, skip=tuple(open_windows))
    late = Lateness(due_at=due_at, made_at=now) if now - due_at > LATE_AFTER else None
    return DueWindows(send=newest, late=late, skip=tuple(open_windows[:-1]))
