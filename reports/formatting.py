"""What every rendering says the same way: amounts, coverage, names that are too long or hold odd characters."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.money import format_count, format_money, format_percent
from reports import content

UNKNOWN: Final = "unknown"
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"

BARS: Final = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
NO_BAR: Final = "\u00b7"

ISSUE_WORDS: Final = {
    "under-provisioned": "Too little",
    "over-provisioned": "Too much",
    "not-automated": "Not automated",
}


def one_line(text: str) -> str:
    """Replace what cannot be printed (line breaks, control and direction characters) by a blank."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def clip(text: str, most: int) -> str:
    """Shorten a text to one line of at most `most` characters."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}{ELLIPSIS}"


def format_amount(amount: content.Amount) -> str:
    """Write `$1,234.50`, or `unknown`."""
    return UNKNOWN if amount.amount is None else format_money(amount.amount, amount.currency)


def format_coverage(amount: content.Amount) -> str:
    """Write `from 41 of 50 workloads`; empty when every workload is in the amount."""
    return "" if amount.known == amount.parts else f"from {amount.known:,} of {format_count(amount.parts, 'workload')}"


def money_or_unknown(amount: Decimal | None, currency: str, *, signed: bool = False) -> str:
    """Write money, or `unknown`."""
    return UNKNOWN if amount is None else format_money(amount, currency, signed=signed)


def format_share(share: Decimal | None) -> str:
    """Write a change as `+12%`; empty where there is none."""
    return "" if share is None else format_percent(share, signed=True)


def format_components(components: tuple[content.ComponentName, ...]) -> str:
    """Name the components that claim a workload."""
    return ", ".join(component.title for component in components)


def format_place(workload: content.WorkloadName) -> str:
    """Say where a workload runs."""
    return f"{workload.cluster} / {workload.namespace}"


def sparkline(trend: content.Trend) -> str:
    """Draw weekly cost as one bar a week, from zero to the largest; a dot is a week that was not measured."""
    amounts = [one.cost.amount for one in trend.weeks]
    largest = max((amount for amount in amounts if amount is not None), default=Decimal(0))
    return "".join(NO_BAR if amount is None else _bar(amount, largest) for amount in amounts)


def _bar(amount: Decimal, largest: Decimal) -> str:
    if largest <= 0:
        return BARS[0]
    return BARS[max(0, min(len(BARS) - 1, round(amount / largest * len(BARS)) - 1))]


def format_trend(trend: content.Trend) -> str:
    """Say what the picture shows: `12 weeks, from $900.00 to $1,234.50`."""
    known = [one.cost for one in trend.weeks if one.cost.amount is not None]
    weeks = format_count(len(trend.weeks), "week")
    if not known:
        return f"{weeks}, none of them measured"
    if len(known) == 1:
        return f"{weeks}, one measured: {format_amount(known[0])}"
    unmeasured = len(trend.weeks) - len(known)
    tail = f", {unmeasured} not measured" if unmeasured else ""
    return f"{weeks}, from {format_amount(known[0])} to {format_amount(known[-1])}{tail}"
