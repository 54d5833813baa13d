"""What to do, in one sentence for the first screen. What needs no person is named where it is part of the savings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.advice import Issue
from domain.closing_point import ClosingPoint
from domain.measures import known_or
from domain.money import format_count, format_direction, format_money
from reports.builders.workload_findings import WorkloadFinding, actionable, count_unknown, findings_of

_AUTOMATED: Final = "left to ScaleOps automation"
_HELD_BACK: Final = "held back while its workloads are OOM-killed"
_NOT_KNOWN: Final = "from workloads whose state is not known"


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
    return "No recommendation needs action this week."
