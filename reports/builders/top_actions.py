"""The recommendations of a report, in order, each as one imperative sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from domain.advice import Issue, IssuePriority, format_memory_conflict
from domain.closing_point import ClosingPoint
from domain.measures import Measured, Unknown, known_or, total_of
from domain.money import format_cores, format_memory
from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.workload import WorkloadKey
from reports.builders.names import ReportNames
from reports.content import RecommendedAction, Resource, TopActions
from reports.formatting import format_saving
from reports.links import Links

TOP: Final = 5

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
    rank = _CONFLICT if finding.is_conflict else _ORDER.get((finding.issue, finding.priority), 9)
    kills = finding.oom_kills if finding.is_dangerous else 0
    return (rank, -kills, -finding.savings, finding.point.key)


def choose_actions(
    closing: ClosingPoint, *, currency: str, names: ReportNames, labels: Mapping[EntityRef, tuple[str, ...]], links: Links
) -> TopActions:
    """Choose the first five recommendations. Workloads left to automation are only counted."""
    findings = findings_of(closing)
    steps = actionable(findings)
    top, rest = steps[:TOP], steps[TOP:]
    return TopActions(
        currency=currency,
        as_of=closing.as_of,
        top=tuple(
            _action_of(number, finding, currency=currency, names=names, link=_link(finding, closing, labels, links))
            for number, finding in enumerate(top, start=1)
        ),
        more=len(rest),
        more_savings=known_or(total_of(finding.point.advised_savings_per_month for finding in rest).amount, None),
        left_to_automation=len(findings) - len(steps),
        unknown=count_unknown(closing),
    )


def _link(
    finding: WorkloadFinding, closing: ClosingPoint, labels: Mapping[EntityRef, tuple[str, ...]], links: Links
) -> str | None:
    claimants = closing.claims.get(finding.point.key, ())
    return links.workload(finding.point.key.name, labels.get(claimants[0], ()) if claimants else ())


def _action_of(
    number: int, finding: WorkloadFinding, *, currency: str, names: ReportNames, link: str | None
) -> RecommendedAction:
    point = finding.point
    requests = () if finding.issue is Issue.NOT_AUTOMATED else tuple(_resources(point))
    return RecommendedAction(
        number=number,
        workload=names.workload(point.key),
        components=names.owners(point.key),
        issue=finding.issue.value,
        priority=finding.priority.value,
        requests=requests,
        monthly_savings=known_or(point.advised_savings_per_month, None),
        oom_kills_24h=known_or(point.oom_kills_24h, None),
        sentence=format_action(finding, requests, name=names.label(point.key), currency=currency),
        link=link,
    )


def _resources(point: WorkloadPoint) -> Iterable[Resource]:
    figures: tuple[tuple[Literal["cpu", "memory"], Measured[float], Measured[float]], ...] = (
        ("cpu", point.cpu_request_millicores, point.cpu_recommended_millicores),
        ("memory", point.memory_request_bytes, point.advised_memory_bytes),
    )
    for resource, now, recommended in figures:
        if not isinstance(now, Unknown) and not isinstance(recommended, Unknown) and now != recommended:
            yield Resource(resource=resource, now=now, recommended=recommended)


def format_action(finding: WorkloadFinding, requests: tuple[Resource, ...], *, name: str, currency: str) -> str:
    """Format what to do with a workload and why, in one or two sentences."""
    if finding.issue is Issue.UNDER_PROVISIONED:
        why = f"OOM-killed {finding.oom_kills:,}x in the last 24 h" if finding.oom_kills else "it is under-provisioned"
        keep = " Keep its memory, although ScaleOps recommends less." if finding.point.keeps_memory else ""
        return f"Raise the requests of {name}: {why}.{keep}"
    if finding.is_conflict:
        return f"Check the memory of {name}. {format_memory_conflict(finding.oom_kills)}"
    saving = format_saving(finding.savings, currency)
    saves = f" to save {saving} a month" if saving else ""
    if finding.issue is Issue.NOT_AUTOMATED:
        return f"Automate {name} in ScaleOps{saves}."
    verb = "Change" if any(resource.recommended > resource.now for resource in requests) else "Lower"
    return f"{verb} the requests of {name}{saves}."


def format_requests(requests: Iterable[Resource]) -> str:
    """Format requests per pod, now and recommended: `CPU 2 cores -> 0.5 cores, memory 4 Gi -> 1 Gi per pod` (with arrows)."""
    moves = [
        f"{'CPU' if one.resource == 'cpu' else 'memory'} {format_size(one.resource, one.now)} \N{RIGHTWARDS ARROW} "
        f"{format_size(one.resource, one.recommended)}"
        for one in requests
    ]
    return f"{', '.join(moves)} per pod" if moves else ""


def format_size(resource: str, size: float) -> str:
    """Format a request: millicores as cores, bytes as Mi or Gi."""
    return format_cores(size) if resource == "cpu" else format_memory(size)
