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

    @property
    def keeps_memory(self) -> bool:
        """True if ScaleOps recommends less memory although the workload was OOM-killed."""
        return must_keep_memory(
            oom_kills=self.workload.oom_kills_24h,
            memory_request=self.workload.memory_request_bytes,
            memory_recommended=self.workload.memory_recommended_bytes,
        )

    @property
    def memory_bytes(self) -> float | None:
        """The memory to request per pod: as ScaleOps recommends, and never less after an OOM kill."""
        return self.workload.memory_request_bytes if self.keeps_memory else self.workload.memory_recommended_bytes


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


def known_issue(
    *, under_provisioned: Measured[bool], over_provisioned: Measured[bool], automated: Measured[bool]
) -> tuple[Issue, IssuePriority] | Unknown | None:
    """Return the issue of a workload; unknown where a flag that is not known would make a difference to it."""
    flags = (under_provisioned, over_provisioned, automated)
    possible = possible_issues(under_provisioned=flags[0], over_provisioned=flags[1], automated=flags[2])
    if len({found and found[0] for found in possible}) > 1:
        return next(flag for flag in flags if isinstance(flag, Unknown))
    return possible[0]


def attainable_savings(savings: Measured[Decimal], *, under_provisioned: Measured[bool]) -> Measured[Decimal]:
    """Return the savings per month that a recommendation can bring: what needs more saves nothing, whatever ScaleOps' number says."""
    if isinstance(savings, Unknown) or savings == 0:
        return savings
    if isinstance(under_provisioned, Unknown):
        return Unknown("it is not known whether the workload is under-provisioned")
    return Decimal(0) if under_provisioned else savings


def must_keep_memory(*, oom_kills: int | None, memory_request: float | None, memory_recommended: float | None) -> bool:
    """Return True if ScaleOps recommends less memory for a workload that was OOM-killed in the last 24 hours: never advise that.

    Kills that are not known (None) may have happened, and a request that is not known may be larger than the recommendation.
    """
    if oom_kills == 0 or memory_recommended is None:
        return False
    return memory_request is None or memory_recommended < memory_request


def format_memory_conflict(oom_kills: int | None) -> str:
    """Return why a workload must keep its memory, as a sentence. None: its kills are not known."""
    if oom_kills is None:
        return "Whether it was OOM-killed is not known, so it keeps its memory although ScaleOps recommends less."
    return f"It was OOM-killed {oom_kills:,}x in the last 24 h, so it keeps its memory although ScaleOps recommends less."


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
