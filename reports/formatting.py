"""Formatting shared by all renderings: amounts, coverage, long names, unprintable characters, and times in the reader's zone."""

from __future__ import annotations

import math
import re
import shlex
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from domain.money import format_count, format_memory, format_money, format_percent, format_whole_money, round_money
from domain.weeks import IsoWeek
from reports import content
from reports.trend_scale import TrendScale, scale_of

UNKNOWN: Final = "unknown"
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"

_LEFT_TO_RIGHT_MARK: Final = "\N{LEFT-TO-RIGHT MARK}"
_RTL_LETTER: Final = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_RIGHT_TO_LEFT: Final = re.compile(rf"{_RTL_LETTER}+(?: +{_RTL_LETTER}+)*")
BARS: Final = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
MAX_EVENTS: Final = 3
NO_BAR: Final = "\u00b7"


def one_line(text: str) -> str:
    """Replace unprintable characters (line breaks, control and direction characters) with spaces, and isolate right-to-left words.

    Without a left-to-right mark around them they would reorder the digits and brackets next to them.
    """
    shown = printable(text)
    return shown if shown.isascii() else _RIGHT_TO_LEFT.sub(rf"{_LEFT_TO_RIGHT_MARK}\g<0>{_LEFT_TO_RIGHT_MARK}", shown)


def printable(text: str) -> str:
    """Replace unprintable characters with spaces. For what a machine reads, or a person copies."""
    if text.isprintable():
        return text
    text = text.replace(_LEFT_TO_RIGHT_MARK, "")
    return "".join(character if character.isprintable() else " " for character in text)


def shell_word(value: object) -> str:
    """Return a value as one word of a command that a person copies into a shell, whatever characters a catalog put into it."""
    return shlex.quote(printable(str(value)))


def clip(text: str, max_length: int) -> str:
    """Shorten a text to one line of at most `max_length` characters."""
    line = one_line(text)
    return line if len(line) <= max_length else f"{line[: max_length - 1].rstrip()}{ELLIPSIS}"


def format_amount(amount: content.Amount) -> str:
    """Format as `$1,234.50` or `unknown`."""
    return UNKNOWN if amount.amount is None else format_money(amount.amount, amount.currency)


def format_partial(amount: content.Amount) -> str:
    """Format as `$1,234.50 (from 41 of 50 workloads)`: where an amount stands alone, it must not look complete."""
    coverage = "" if amount.amount is None else format_coverage(amount)
    return f"{format_amount(amount)} ({coverage})" if coverage else format_amount(amount)


def format_coverage(amount: content.Amount) -> str:
    """Format as `from 41 of 50 workloads`; empty if the amount is complete."""
    return "" if amount.known == amount.parts else f"from {amount.known:,} of {format_count(amount.parts, 'workload')}"


def format_money_or_unknown(amount: Decimal | None, currency: str, *, signed: bool = False) -> str:
    """Format money, or `unknown`."""
    return UNKNOWN if amount is None else format_money(amount, currency, signed=signed)


def format_saving(amount: Decimal, currency: str) -> str:
    """Format savings; empty if they are less than the smallest amount of the currency."""
    return format_money(amount, currency) if round_money(amount, currency) > 0 else ""


def format_share(share: Decimal | None) -> str:
    """Format a change as `+12%`; empty for None."""
    return "" if share is None else format_percent(share, signed=True)


def bracketed_share(share: Decimal | None) -> str:
    """Format a change, to follow an amount, as ` (+12%)`; empty for None."""
    return "" if share is None else f" ({format_share(share)})"


def format_change(amount: Decimal, share: Decimal | None, currency: str) -> str:
    """Format a change as `+$57.40 (+16%)`; without a share as `+$57.40`."""
    return f"{format_money(amount, currency, signed=True)}{bracketed_share(share)}"


def format_traffic(size_bytes: Decimal) -> str:
    """Format a volume of traffic as `156.46 GiB`."""
    return format_memory(float(size_bytes))


def format_components(components: tuple[content.ComponentName, ...]) -> str:
    """List the components that claim a workload."""
    return ", ".join(component.title for component in components)


def format_place(workload: content.WorkloadName) -> str:
    """Format the location of a workload."""
    return f"{workload.cluster} / {workload.namespace}"


def sparkline(trend: content.Trend) -> str:
    """Draw one bar per week on the scale of the trend; a dot is an unmeasured week."""
    scale, amounts = trend_scale(trend), [one.cost.amount for one in trend.weeks]
    return "".join(NO_BAR if amount is None else BARS[_bar_of(scale.level(amount))] for amount in amounts)


def _bar_of(level: Decimal) -> int:
    return max(0, math.ceil(level * len(BARS)) - 1)


def trend_scale(trend: content.Trend) -> TrendScale:
    """Return the scale on which every rendering draws a trend."""
    return scale_of((one.cost.amount for one in trend.weeks), budget=trend.budget_7d)


def format_trend_scale(trend: content.Trend) -> str:
    """Say where the bars start, and what falls to a week of the budget; empty if they start at zero and there is none."""
    scale, known = trend_scale(trend), [one.cost for one in trend.weeks if one.cost.amount is not None]
    if not known:
        return ""
    currency = known[0].currency
    said = [] if scale.starts_at_zero else [f"The bars start at {format_whole_money(scale.floor, currency)}, not at zero."]
    if trend.budget_7d is not None:
        off = "" if scale.shows(trend.budget_7d) else ", which is off the scale"
        said.append(f"The budget of a week is {format_money(trend.budget_7d, currency)}{off}.")
    return " ".join(said)


def format_trend_gaps(trend: content.Trend) -> str:
    """Name the weeks that were not measured, or in part; empty if there are none."""
    missing = [one.week for one in trend.weeks if one.cost.amount is None]
    partial = [one.week for one in trend.weeks if one.cost.amount is not None and one.cost.known < one.cost.parts]
    named = (("Not measured", missing), ("Measured in part", partial))
    return " ".join(f"{label}: {', '.join(weeks)}." for label, weeks in named if weeks)


def format_events(week: content.TrendWeek) -> str:
    """List the first events of a week, and the number of others."""
    shown = "; ".join(week.events[:MAX_EVENTS])
    return shown if len(week.events) <= MAX_EVENTS else f"{shown}; and {len(week.events) - MAX_EVENTS:,} more"


def format_trend(trend: content.Trend) -> str:
    """Summarise a trend: `12 weeks, from $900.00 to $1,234.50`, each with its coverage."""
    known = [one.cost for one in trend.weeks if one.cost.amount is not None]
    weeks = format_count(len(trend.weeks), "week")
    if not known:
        return f"{weeks}, none of them measured"
    if len(known) == 1:
        return f"{weeks}, one measured: {format_partial(known[0])}"
    unmeasured = len(trend.weeks) - len(known)
    tail = f", {unmeasured} not measured" if unmeasured else ""
    return f"{weeks}, from {format_partial(known[0])} to {format_partial(known[-1])}{tail}"


def format_instant(at: datetime, zone: str) -> str:
    """Format an instant as `Mon 23 Nov 2026, 00:00 CET`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {local.tzname()}"


def format_moment(at: datetime, zone: str) -> str:
    """Format an instant as `Mon 23 Nov, 00:00 CET`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b, %H:%M} {local.tzname()}"


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


def format_resent(again: int) -> str:
    """Return the remark of a report that was sent again by hand, this many times."""
    return f"Re-sent manually (no. {again}); the original was already sent."


def format_interval(interval: timedelta) -> str:
    """Format how often something is done as `15 minutes`, `6 hours`, `5 h 17 min`."""
    minutes = max(1, interval // timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return format_count(minutes, "minute")
    return f"{hours} h {rest} min" if rest else format_count(hours, "hour")


def format_delay(delay: timedelta) -> str:
    """Format a delay as `2 days and 3 hours`, `5 hours`."""
    hours = int(delay.total_seconds() // 3600)
    days, hours = divmod(hours, 24)
    parts = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in ((days, "day"), (hours, "hour")) if number]
    return " and ".join(parts) or "less than an hour"
