"""The issue of a workload, its priority, and the order of a list of issues.

The rules are those of the predecessor (its action `get_scaleops_recommendations_for_entity`), with one difference: a minimum of
savings never hides an under-provisioned workload.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import product

from domain.measures import Measured, Unknown
from domain.workload import Workload


class Issue(StrEnum):
    """What is wrong with a workload, the most urgent first."""

    UNDER_PROVISIONED = "under-provisioned"
    OVER_PROVISIONED = "over-provisioned"
    NOT_AUTOMATED = "not-automated"


class IssuePriority(StrEnum):
    """How urgent an issue is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_ORDER = {IssuePriority.HIGH: 0, IssuePriority.MEDIUM: 1, IssuePriority.LOW: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A workload and what is wrong with it."""

    workload: Workload
    issue: Issue
    priority: IssuePriority


def find_issue(*, under_provisioned: bool, over_provisioned: bool, automated: bool) -> tuple[Issue, IssuePriority] | None:
    """Return the issue of a workload and its priority; None when nothing is wrong.

    under-provisioned -> high; over-provisioned -> high, but low when it is automated; only not automated -> medium.
    """
    if under_provisioned:
        return Issue.UNDER_PROVISIONED, IssuePriority.HIGH
    if over_provisioned:
        return Issue.OVER_PROVISIONED, IssuePriority.LOW if automated else IssuePriority.HIGH
    if not automated:
        return Issue.NOT_AUTOMATED, IssuePriority.MEDIUM
    return None


def possible_issues(
    *, under_provisioned: Measured[bool], over_provisioned: Measured[bool], automated: Measured[bool]
) -> tuple[tuple[Issue, IssuePriority] | None, ...]:
    """Return what `find_issue` may return: an unknown flag may be either, false first."""
    flags = [(False, True) if isinstance(flag, Unknown) else (flag,) for flag in (under_provisioned, over_provisioned, automated)]
    return tuple(
        find_issue(under_provisioned=under, over_provisioned=over, automated=automated)
        for under, over, automated in product(*flags)
    )


def recommend(workloads: Iterable[Workload], *, min_savings_per_month: Decimal = Decimal(0)) -> tuple[Advice, ...]:
    """Return the issue of each workload that has one, by priority, then by savings, the largest first.

    A flag that ScaleOps leaves out counts as false, missing savings as zero: ScaleOps' own dashboard reads them so. What saves
    less than the minimum is left out, unless the workload is under-provisioned.
    """
    found = [advice for workload in workloads if (advice := _recommend_for(workload)) is not None]
    kept = [
        advice
        for advice in found
        if advice.issue is Issue.UNDER_PROVISIONED or _savings_of(advice.workload) >= min_savings_per_month
    ]
    return tuple(sorted(kept, key=lambda advice: (_ORDER[advice.priority], -_savings_of(advice.workload))))


def _recommend_for(workload: Workload) -> Advice | None:
    found = find_issue(
        under_provisioned=bool(workload.under_provisioned),
        over_provisioned=bool(workload.over_provisioned),
        automated=bool(workload.automated),
    )
    return None if found is None else Advice(workload=workload, issue=found[0], priority=found[1])


def _savings_of(workload: Workload) -> Decimal:
    return workload.savings_available_per_month or Decimal(0)
