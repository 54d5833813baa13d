"""The two sentences of the first screen: what the cost did, and what to do.

They state what the figures next to them show: a total and its like-for-like part are different things, and what is not to be done by
a person is named where it is part of the savings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.advice import Issue
from domain.closing_point import ClosingPoint
from domain.cost_change import ComparisonGroup, CostChange, CostComparison
from domain.measures import Total, Unknown, known_or
from domain.money import change_share, format_count, format_direction, format_money, format_percent
from reports.builders.top_actions import WorkloadFinding, actionable, count_unknown, findings_of

STEADY: Final = Decimal("0.005")
"""A change below this share counts as steady."""

_LABELS: Final = {
    CostComparison.ADDED: "added",
    CostComparison.REMOVED: "removed",
    CostComparison.RAMPING_IN: "ramping in",
    CostComparison.RAMPING_OUT: "ramping out",
    CostComparison.MOVED: "moved between owners",
    CostComparison.NOT_COMPARABLE: "not comparable",
}

_AUTOMATED: Final = "left to ScaleOps automation"
_HELD_BACK: Final = "held back while its workloads are OOM-killed"
_NOT_KNOWN: Final = "from workloads whose state is not known"


def describe_cost(now: ClosingPoint | None, then: ClosingPoint | None, change: CostChange | None, currency: str) -> str:
    """Return what the cost is and how it changed. `change` is None exactly if one of the two closing snapshots is missing."""
    cost = None if now is None else now.cost_7d
    is_empty = cost is not None and cost.parts == 0
    if now is None or cost is None or isinstance(cost.amount, Unknown) or (is_empty and not now.is_complete):
        return "The cost of this week is unknown."
    if is_empty:
        return _describe_no_workloads(then, currency)
    amount = format_money(cost.amount, currency)
    lead = "Cost" if _is_complete(now) else "The known cost"
    if change is None or then is None:
        return f"{lead} is {amount} for 7 days; there is no earlier week to compare with."
    others = [(label, part) for kind, label in _LABELS.items() if _shows(part := change.group(kind), currency)]
    moved = change.group(CostComparison.LIKE_FOR_LIKE)
    if not others:
        return _describe_like_for_like(change, lead, amount, before=then.cost_7d, currency=currency)
    parts = [_describe_part("like for like", moved, change.like_for_like_share, currency)] if moved.workloads else []
    parts += [_describe_part(label, part, None, currency) for label, part in others]
    if not (_is_complete(now) and _is_complete(then)):
        return f"{lead} is {amount} for 7 days, against the week before: {', '.join(parts)}."
    return f"{_describe_total(change.amount, amount, before=then.cost_7d, currency=currency)}: {', '.join(parts)}."


def _describe_no_workloads(then: ClosingPoint | None, currency: str) -> str:
    before = Decimal(0) if then is None else known_or(then.cost_7d.amount, Decimal(0))
    was = f"; it was {format_money(before, currency)} the week before" if format_direction(before, currency) else ""
    return f"No workloads ran, so there is no cost{was}."


def _describe_like_for_like(change: CostChange, lead: str, amount: str, *, before: Total, currency: str) -> str:
    """Return the sentence for a week in which nothing but the like-for-like cost moved."""
    moved, share = change.group(CostComparison.LIKE_FOR_LIKE), change.like_for_like_share
    if moved.workloads == 0:
        return f"{lead} is {amount} for 7 days; no workload can be compared with the week before."
    verb = format_direction(moved.amount, currency)
    of_total = change_share(moved.amount, base=known_or(before.amount, Decimal(0)))
    if not verb or all(one is not None and abs(one) < STEADY for one in (share, of_total)):
        return f"{lead} held steady at {amount} for 7 days, like for like."
    by = format_money(abs(moved.amount), currency)
    if share is None:
        return f"{lead} {verb} by {by} like for like, to {amount} for 7 days."
    return f"{lead} {verb} {format_percent(abs(share))} ({by}) like for like, to {amount} for 7 days."


def _describe_total(difference: Decimal, amount: str, *, before: Total, currency: str) -> str:
    verb, share = format_direction(difference, currency), change_share(difference, base=known_or(before.amount, Decimal(0)))
    if not verb:
        return f"Cost is {amount} for 7 days, as in the week before"
    by = format_money(abs(difference), currency)
    return f"Cost {verb} by {by}{f' ({format_percent(abs(share))})' if share is not None else ''}, to {amount} for 7 days"


def _describe_part(label: str, part: ComparisonGroup, share: Decimal | None, currency: str) -> str:
    percent = "" if share is None else f" ({format_percent(share, signed=True)})"
    return f"{label} {format_money(part.amount, currency, signed=True)}{percent}"


def _shows(part: ComparisonGroup, currency: str) -> bool:
    return bool(format_direction(part.amount, currency))


def _is_complete(closing: ClosingPoint) -> bool:
    return closing.cost_7d.is_complete and closing.is_complete


def describe_todo(now: ClosingPoint, currency: str) -> str:
    """Return what a person has to do; savings that need no person are named, so that the sentence agrees with the sum."""
    findings = findings_of(now)
    steps = actionable(findings)
    danger = sum(1 for step in steps if step.issue is Issue.UNDER_PROVISIONED)
    conflicts = sum(1 for step in steps if step.is_conflict)
    savings = [step for step in steps if not step.is_conflict and step.issue is not Issue.UNDER_PROVISIONED]
    parts: list[str] = []
    if danger:
        parts.append(f"raise the requests of {format_count(danger, 'workload')}")
    if conflicts:
        parts.append(f"check the memory of {format_count(conflicts, 'OOM-killed workload')}")
    saved = sum((step.savings for step in savings), Decimal(0))
    if savings and format_direction(saved, currency) == "rose":
        parts.append(f"apply {format_count(len(savings), 'recommendation')} to save {format_money(saved, currency)} a month")
    elif savings:
        parts.append(f"review {format_count(len(savings), 'recommendation')}")
    rest = tuple(_describe_rest(now, steps, currency))
    if parts:
        return (
            "; ".join([_sentence(", and ".join(parts)), *(f"another {amount} a month is {what}" for amount, what in rest)]) + "."
        )
    if rest:
        return f"Savings of {' and '.join(f'{amount} a month are {what}' for amount, what in rest)}."
    return _describe_nothing(now)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _describe_rest(now: ClosingPoint, steps: Iterable[WorkloadFinding], currency: str) -> Iterable[tuple[str, str]]:
    """Yield what is part of the available savings and not for a person to apply: how much, and why."""
    conflicts = {step.point.key for step in steps if step.is_conflict}
    applied = {step.point.key for step in steps} - conflicts
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for key, point in now.points.items():
        if key not in applied:
            reason = _HELD_BACK if key in conflicts else _AUTOMATED if point.automated is True else _NOT_KNOWN
            sums[reason] += known_or(point.savings_available_per_month, Decimal(0))
    for reason, amount in sorted(sums.items()):
        if format_direction(amount, currency):
            yield format_money(amount, currency), reason


def _describe_nothing(now: ClosingPoint) -> str:
    unknown = count_unknown(now)
    if unknown >= len(now.points) and not now.is_complete:
        return "What to do is unknown, because nothing could be measured."
    if unknown or not now.is_complete:
        return "Among what could be measured, nothing needs to be done."
    return "No action needed this week."
