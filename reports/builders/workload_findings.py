"""The findings of a closing snapshot: which workloads have a recommendation, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.advice import Issue, IssuePriority
from domain.closing_point import ClosingPoint
from domain.measures import Unknown, known_or
from domain.snapshots import WorkloadPoint
from domain.workload import WorkloadKey

_ORDER: Final = {
    (Issue.UNDER_PROVISIONED, IssuePriority.HIGH): 0,
    (Issue.OVER_PROVISIONED, IssuePriority.HIGH): 2,
    (Issue.NOT_AUTOMATED, IssuePriority.MEDIUM): 3,
}
_CONFLICT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFinding:
    """A workload with a recommendation, as of the closing snapshot."""

    point: WorkloadPoint
    issue: Issue
    priority: IssuePriority

    @property
    def savings(self) -> Decimal:
        """Savings per month of what is advised; 0 if unknown. For sorting and sums only."""
        return known_or(self.point.advised_savings_per_month, Decimal(0))

    @property
    def oom_kills(self) -> int:
        """OOM kills in 24 hours; 0 if unknown."""
        return known_or(self.point.oom_kills_24h, 0)

    @property
    def is_conflict(self) -> bool:
        """True if ScaleOps would take memory from a workload that was OOM-killed, and nothing else is wrong with it."""
        return self.point.keeps_memory and self.issue is not Issue.UNDER_PROVISIONED

    @property
    def is_dangerous(self) -> bool:
        """True if the workload may fail for lack of CPU or memory."""
        return self.is_conflict or self.issue is Issue.UNDER_PROVISIONED

    @property
    def rank(self) -> int:
        """The place of its kind in the order of what to do: danger first."""
        return _CONFLICT if self.is_conflict else _ORDER.get((self.issue, self.priority), 9)


def findings_of(closing: ClosingPoint) -> tuple[WorkloadFinding, ...]:
    """Return the findings of all measured workloads: danger first, then savings.

    A workload of which a flag is unknown that would make a difference has none.
    """
    judged = ((point, point.issue) for point in closing.points.values())
    found = [
        WorkloadFinding(point=point, issue=issue[0], priority=issue[1])
        for point, issue in judged
        if issue is not None and not isinstance(issue, Unknown)
    ]
    return tuple(sorted(found, key=_order))


def count_unknown(closing: ClosingPoint) -> int:
    """Count the workloads of which it is not known whether anything is wrong. A component without known workloads counts as one."""
    return closing.without_workloads + sum(1 for point in closing.points.values() if isinstance(point.issue, Unknown))


def actionable(findings: Iterable[WorkloadFinding]) -> tuple[WorkloadFinding, ...]:
    """Return the findings that need a person, in their order: not those left to automation, unless that is dangerous."""
    return tuple(finding for finding in findings if finding.is_conflict or finding.priority is not IssuePriority.LOW)


def _order(finding: WorkloadFinding) -> tuple[int, int, Decimal, WorkloadKey]:
    kills = finding.oom_kills if finding.is_dangerous else 0
    return (finding.rank, -kills, -finding.savings, finding.point.key)
