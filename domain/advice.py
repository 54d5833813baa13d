"""What ScaleOps' findings ask of the owner of a workload: the issue, its priority and the order of a list.

The rules are those of the predecessor (its action `get_scaleops_recommendations_for_entity`), but for one: a minimum of savings
never hides a workload that has too little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.workload import Workload


class Issue(StrEnum):
    """What is wrong with a workload, the most pressing first."""

    UNDER_PROVISIONED = "under-provisioned"
    OVER_PROVISIONED = "over-provisioned"
    NOT_AUTOMATED = "not-automated"


class Priority(StrEnum):
    """How pressing it is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_ORDER = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One recommendation: a workload and what is wrong with it."""

    workload: Workload
    issue: Issue
    priority: Priority


def judge(*, under_provisioned: bool, over_provisioned: bool, automated: bool) -> tuple[Issue, Priority] | None:
    """Answer the issue of a workload and its priority; None when nothing is wrong.

    under-provisioned -> high; over-provisioned -> high, but low when it is automated; only not automated -> medium.
    """
    if under_provisioned:
        return Issue.UNDER_PROVISIONED, Priority.HIGH
    if over_provisioned:
        return Issue.OVER_PROVISIONED, Priority.LOW if automated else Priority.HIGH
    if not automated:
        return Issue.NOT_AUTOMATED, Priority.MEDIUM
    return None


def advise(workloads: Iterable[Workload], *, min_savings_per_month: Decimal = Decimal(0)) -> tuple[Advice, ...]:
    """Advise on each workload that needs it, by priority, then by savings, the largest first.

    A flag that upstream left out counts as false, savings that it left out as zero: that is how ScaleOps' own dashboard reads
    them. Advice that saves less than the minimum is left out, unless the workload is under-provisioned.
    """
    found = [advice for workload in workloads if (advice := _advise_on(workload)) is not None]
    kept = [
        advice
        for advice in found
        if advice.issue is Issue.UNDER_PROVISIONED or _savings_of(advice.workload) >= min_savings_per_month
    ]
    return tuple(sorted(kept, key=lambda advice: (_ORDER[advice.priority], -_savings_of(advice.workload))))


def _advise_on(workload: Workload) -> Advice | None:
    judged = judge(
        under_provisioned=bool(workload.under_provisioned),
        over_provisioned=bool(workload.over_provisioned),
        automated=bool(workload.automated),
    )
    return None if judged is None else Advice(workload=workload, issue=judged[0], priority=judged[1])


def _savings_of(workload: Workload) -> Decimal:
    return workload.savings_available_per_month or Decimal(0)
