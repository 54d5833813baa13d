"""The first sentence of a report: what the cost is, how it changed, and whether that is usual.

It is complete in itself, with currency and period, because it is also the notification of the Slack message and what agents read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.closing_point import ClosingPoint
from domain.cost_change import ComparisonGroup, CostChange, CostComparison
from domain.measures import Total, Unknown, known_or
from domain.money import change_share, format_direction, format_money, format_percent
from domain.usual_range import MIN_WEEKS, UsualCheck, UsualPosition, UsualRange
from domain.weeks import IsoWeek
from reports.formatting import bracketed_share, format_moment, format_week

_LABELS: Final = {
    CostComparison.ADDED: "added",
    CostComparison.REMOVED: "removed",
    CostComparison.RAMPING_IN: "ramping in",
    CostComparison.RAMPING_OUT: "ramping out",
    CostComparison.MOVED: "moved between owners",
    CostComparison.NOT_COMPARABLE: "not comparable",
}
_LIKE_FOR_LIKE: Final = "like for like"


@dataclass(frozen=True, kw_only=True)
class CostOfWeek:
    """A week's cost and its change; without `then` there is no change."""

    week: IsoWeek
    zone: str
    currency: str
    now: ClosingPoint | None
    then: ClosingPoint | None
    change: CostChange | None
    usual: UsualCheck | None
    """None without a change."""

    @property
    def period(self) -> str:
        """The seven days of the cost, as `in the week to Mon 9 Nov, 06:00 UTC`."""
        return "" if self.now is None else f"in the week to {format_moment(self.now.as_of, self.zone)}"

    @property
    def is_complete(self) -> bool:
        """True if all of this week was measured."""
        return self.now is not None and self.now.cost_7d.is_complete and self.now.is_complete

    def money(self, amount: Decimal, *, signed: bool = False) -> str:
        """Format an amount in the report's currency."""
        return format_money(amount, self.currency, signed=signed)


def describe_cost(of: CostOfWeek) -> str:
    """Return the first sentence of a report."""
    cost = None if of.now is None else of.now.cost_7d
    is_empty = cost is not None and cost.parts == 0
    if cost is None or isinstance(cost.amount, Unknown) or (is_empty and not of.is_complete):
        return f"The cost of the week of {format_week(of.week)} is unknown."
    if is_empty:
        return _describe_no_workloads(of)
    lead = f"{'' if of.is_complete else 'The known cost is '}{of.money(cost.amount)} {of.period}"
    if of.change is None or of.then is None:
        return f"{lead}; there is no earlier week to compare with."
    parts = _other_parts(of.change, of.currency)
    if not parts:
        return f"{lead}{_describe_like_for_like(of, of.change)}."
    listed = ", ".join(_describe_parts(of, of.change, parts))
    if not (of.is_complete and of.then.cost_7d.is_complete and of.then.is_complete):
        return f"{lead}, against the week before: {listed}."
    return f"{lead}{_describe_total(of, of.change, before=of.then.cost_7d)}: {listed}."


def other_amounts_of(change: CostChange, currency: str, *, moved: str = "") -> Mapping[str, Decimal]:
    """Return the parts of a change that are not like for like and are an amount of money, as it is shown, by their names.

    `moved`: another name for what moved.
    """
    other = {_LABELS[CostComparison.MOVED]: moved} if moved else {}
    return {other.get(label, label): part.amount for label, part in _other_parts(change, currency)}


def count_not_comparable(change: CostChange, currency: str) -> int:
    """Count the workloads that cannot be compared, if they are no amount of money."""
    part = change.group(CostComparison.NOT_COMPARABLE)
    return 0 if format_direction(part.amount, currency) else part.workloads


def _other_parts(change: CostChange, currency: str) -> list[tuple[str, ComparisonGroup]]:
    """Return the parts that are not like for like and are an amount of money, as it is shown."""
    found = ((label, change.group(kind)) for kind, label in _LABELS.items())
    return [(label, part) for label, part in found if format_direction(part.amount, currency)]


def _describe_no_workloads(of: CostOfWeek) -> str:
    before = Decimal(0) if of.then is None else known_or(of.then.cost_7d.amount, Decimal(0))
    was = f"; it was {of.money(before)} the week before" if format_direction(before, of.currency) else ""
    return f"No workloads ran {of.period}, so there is no cost{was}."


def _describe_like_for_like(of: CostOfWeek, change: CostChange) -> str:
    """Return the end of the sentence for a week in which nothing but the like-for-like cost moved."""
    moved, share = change.group(CostComparison.LIKE_FOR_LIKE), change.like_for_like_share
    if moved.workloads == 0:
        return "; no workload can be compared with the week before"
    direction = format_direction(moved.amount, of.currency, up="up", down="down")
    if not direction:
        return f", as in the week before, {_LIKE_FOR_LIKE}"
    if of.usual is not None and of.usual.is_noise:
        percent = "" if share is None else f", {format_percent(share, signed=True)}"
        return f", about the same as the week before ({of.money(moved.amount, signed=True)}{percent} {_LIKE_FOR_LIKE})"
    clause = describe_usual(of.usual)
    by = f", {direction} {of.money(abs(moved.amount))}{bracketed_share(share)} {_LIKE_FOR_LIKE}"
    return f"{by}: {clause}" if clause else by


def _describe_total(of: CostOfWeek, change: CostChange, *, before: Total) -> str:
    direction = format_direction(change.amount, of.currency, up="up", down="down")
    if not direction:
        return ", as in the week before"
    share = change_share(change.amount, base=known_or(before.amount, Decimal(0)))
    return f", {direction} {of.money(abs(change.amount))}{bracketed_share(share)}"


def _describe_parts(of: CostOfWeek, change: CostChange, others: Iterable[tuple[str, ComparisonGroup]]) -> Iterable[str]:
    """Yield the parts of a change, like for like last, with what is usual about it."""
    for label, part in others:
        yield f"{label} {of.money(part.amount, signed=True)}"
    moved = change.group(CostComparison.LIKE_FOR_LIKE)
    if moved.workloads:
        if not format_direction(moved.amount, of.currency):
            yield f"{_LIKE_FOR_LIKE} {of.money(moved.amount)}"
            return
        usual = of.usual
        clause = "about the same" if usual is not None and usual.is_noise else describe_usual(usual)
        percent = bracketed_share(change.like_for_like_share)
        yield f"{_LIKE_FOR_LIKE} {of.money(moved.amount, signed=True)}{percent}{f', {clause}' if clause else ''}"


def describe_usual(check: UsualCheck | None) -> str:
    """Return what is usual about a change above the noise floor; empty if nothing is known of it."""
    if check is None:
        return ""
    if check.usual is not None and check.position in (UsualPosition.INSIDE, UsualPosition.ABOVE, UsualPosition.BELOW):
        word = "within" if check.position is UsualPosition.INSIDE else check.position.value
        return f"{word} the usual range of {format_range(check.usual)}"
    if check.position is UsualPosition.TOO_EARLY:
        return f"too early to say whether that is usual ({check.weeks} of {MIN_WEEKS} comparable weeks)"
    return "too little was measured to say whether that is usual"


def format_range(usual: UsualRange) -> str:
    """Format a usual range, both shares with their sign."""
    return f"{format_percent(usual.low, signed=True)} to {format_percent(usual.high, signed=True)}"
