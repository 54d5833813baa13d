"""The cost of a month so far, from the seven-day windows that cover it.

Each snapshot has the cost of the seven days before it. Laid end to end, backwards from now, these windows cover the month; the first
one counts in proportion. Time that only an incomplete window covers, or none, makes the cost a range: it is never a smaller number.

    start of the month           now - 14 d      now - 7 d         now
         |....window (part)....|.....window.....|.....window.....|
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from domain.measures import Measured, Total, Unknown, is_known, known_or
from domain.money import format_count
from domain.snapshots import SeriesPoint

WINDOW: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthToDate:
    """Cost of a UTC month from its start to `until`; all of the month when that is its end."""

    start: datetime
    until: datetime
    low: Decimal
    """What was measured. Costs that are unknown count as nothing, so the cost is not lower."""
    high: Decimal | None
    """With the highest cost measured this month for the time that is not or only partly measured; None if there is none."""
    known_days: int
    """Days of which all was measured."""
    days: int
    reason: str
    """Why it is a range; empty when it is exact."""

    @property
    def amount(self) -> Measured[Decimal]:
        """The cost, or why it is not known exactly."""
        return Unknown(self.reason) if self.reason else self.low

    @property
    def end(self) -> datetime:
        """The end of the month."""
        return (self.start + timedelta(days=32)).replace(day=1)

    @property
    def is_finished(self) -> bool:
        """True if the month is over."""
        return self.until == self.end


def month_to_date(windows: Iterable[SeriesPoint], *, until: datetime) -> MonthToDate:
    """Return the cost of the month that holds the time right before `until`, from snapshots of one subject."""
    start = start_of_month(until)
    found = {window.as_of: window for window in windows if is_known(window.cost_7d.amount)}
    complete = sorted(as_of for as_of, window in found.items() if window.is_complete)
    spans = list(_cover(complete, sorted(found.keys() - set(complete)), start=start, until=until))
    rest = [span for span in spans if span.as_of not in complete]
    low = sum((_cost_of(found[span.as_of].cost_7d, span.length) for span in spans if span.as_of is not None), _ZERO)
    highest = max((found[as_of].cost_7d for as_of in complete if as_of > start), key=_cost_of, default=None)
    high = None if rest and highest is None else low
    for span in rest:
        if high is not None and highest is not None:
            measured = _ZERO if span.as_of is None else _cost_of(found[span.as_of].cost_7d, span.length)
            high += max(_cost_of(highest, span.length) - measured, _ZERO)
    days, exact_days = _days(until - start), _days(until - start) - _days(_length(rest))
    reason = _reason(rest) if found else "no day of the month was measured"
    return MonthToDate(start=start, until=until, low=low, high=high, known_days=exact_days, days=days, reason=reason)


def sweeps_needed(as_ofs: Iterable[datetime], *, until: datetime) -> tuple[datetime, ...]:
    """Return the few sweeps whose windows cover the month, if each of them is complete."""
    spans = _cover(sorted(as_ofs), [], start=start_of_month(until), until=until)
    return tuple(span.as_of for span in spans if span.as_of is not None)


def start_of_month(until: datetime) -> datetime:
    """Return the start of the UTC month that holds the time right before an instant."""
    last = until.astimezone(timezone.utc) - timedelta(microseconds=1)
    return last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A part of the month, and the window that covers it; None: no window does."""

    begin: datetime
    end: datetime
    as_of: datetime | None

    @property
    def length(self) -> timedelta:
        return self.end - self.begin


def _cover(complete: Sequence[datetime], partial: Sequence[datetime], *, start: datetime, until: datetime) -> Iterator[_Span]:
    """Yield spans from `until` back to `start`: complete windows before partial ones, and of these the one that ends first."""
    at = until
    while at > start:
        span = _span_to(at, complete, start)
        if span is None:
            floor = max((as_of for as_of in complete if start < as_of < at), default=start)
            span = _span_to(at, partial, floor)
            if span is None:
                newest = max((as_of for as_of in partial if floor < as_of < at), default=floor)
                span = _Span(begin=newest, end=at, as_of=None)
        yield span
        at = span.begin


def _span_to(at: datetime, as_ofs: Sequence[datetime], floor: datetime) -> _Span | None:
    for as_of in as_ofs:
        if as_of >= at > as_of - WINDOW:
            return _Span(begin=max(as_of - WINDOW, floor), end=at, as_of=as_of)
    return None


def _reason(rest: Sequence[_Span]) -> str:
    missing, partial = (
        _length(span for span in rest if span.as_of is None),
        _length(span for span in rest if span.as_of is not None),
    )
    gaps = (missing, "not measured"), (partial, "measured in part")
    return " and ".join(f"{_days_were(length)} {how}" for length, how in gaps if length)


def _days_were(length: timedelta) -> str:
    days = _days(length)
    return f"{format_count(days, 'day')} {'was' if days == 1 else 'were'}"


def _cost_of(cost_7d: Total, length: timedelta = WINDOW) -> Decimal:
    """Return the part of a window's cost that falls to a part of its time; what is unknown counts as nothing."""
    return known_or(cost_7d.amount, _ZERO) * (length // _SECOND) / (WINDOW // _SECOND)


def _length(spans: Iterable[_Span]) -> timedelta:
    return sum((span.length for span in spans), timedelta())


def _days(length: timedelta) -> int:
    return math.ceil(length / _DAY)
