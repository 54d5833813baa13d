"""The recommendations of a report, in order, each as one imperative sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from domain.advice import Issue, IssuePriority, find_issue
from domain.closing_point import ClosingPoint
from domain.measures import Measured, Unknown, known_or
from domain.money import format_cores, format_memory, format_money
from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.workload import WorkloadKey
from reports.content import ComponentName, RecommendedAction, Resource, TopActions, WorkloadName
from reports.links import Links

TOP: Final = 5

_ORDER: Final = {
    (Issue.UNDER_PROVISIONED, IssuePriority.HIGH): 0,
    (Issue.OVER_PROVISIONED, IssuePriority.HIGH): 1,
    (Issue.NOT_AUTOMATED, IssuePriority.MEDIUM): 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFinding:
    """A workload with a recommendation, as of the closing snapshot."""

    point: WorkloadPoint
    issue: Issue
    priority: IssuePriority

    @property
    def savings(self) -> Decimal:
        """Savings per month; 0 if unknown. For sorting and sums only."""
        return known_or(self.point.savings_available_per_month, Decimal(0))

    @property
    def oom_kills(self) -> int:
        """OOM kills in 24 hours; 0 if unknown."""
        return known_or(self.point.oom_kills_24h, 0)


def findings_of(closing: ClosingPoint) -> tuple[WorkloadFinding, ...]:
    """Return the findings of all measured workloads: danger first, then savings.

    An unknown flag never leads to a finding.
    """
    found: list[WorkloadFinding] = []
    for point in closing.points.values():
        over = known_or(point.over_provisioned, otherwise=False)
        judged = find_issue(
            under_provisioned=known_or(point.under_provisioned, otherwise=False),
            over_provisioned=over,
            automated=known_or(point.automated, otherwise=not over),
        )
        if judged is not None:
            found.append(WorkloadFinding(point=point, issue=judged[0], priority=judged[1]))
    return tuple(sorted(found, key=_order))


def _order(finding: WorkloadFinding) -> tuple[int, int, Decimal, WorkloadKey]:
    return (_ORDER.get((finding.issue, finding.priority), 9), -finding.oom_kills, -finding.savings, finding.point.key)


def choose_actions(
    closing: ClosingPoint,
    *,
    currency: str,
    names: Mapping[WorkloadKey, tuple[ComponentName, ...]],
    labels: Mapping[EntityRef, tuple[str, ...]],
    links: Links,
) -> TopActions:
    """Choose the first five recommendations. Workloads left to automation are only counted."""
    findings = findings_of(closing)
    actionable = [finding for finding in findings if finding.priority is not IssuePriority.LOW]
    top, rest = actionable[:TOP], actionable[TOP:]
    return TopActions(
        currency=currency,
        as_of=closing.as_of,
        top=tuple(
            _action_of(number, finding, currency=currency, names=names, link=_link(finding, closing, labels, links))
            for number, finding in enumerate(top, start=1)
        ),
        more=len(rest),
        more_savings=sum((finding.savings for finding in rest), Decimal(0)),
        left_to_automation=len(findings) - len(actionable),
    )


def _link(
    finding: WorkloadFinding, closing: ClosingPoint, labels: Mapping[EntityRef, tuple[str, ...]], links: Links
) -> str | None:
    claimants = closing.claims.get(finding.point.key, ())
    return links.workload(finding.point.key.name, labels.get(claimants[0], ()) if claimants else ())


def _action_of(
    number: int,
    finding: WorkloadFinding,
    *,
    currency: str,
    names: Mapping[WorkloadKey, tuple[ComponentName, ...]],
    link: str | None,
) -> RecommendedAction:
    point = finding.point
    requests = () if finding.issue is Issue.NOT_AUTOMATED else tuple(_resources(point))
    return RecommendedAction(
        number=number,
        workload=workload_name(point.key),
        components=names.get(point.key, ()),
        issue=finding.issue.value,
        priority=finding.priority.value,
        requests=requests,
        monthly_savings=known_or(point.savings_available_per_month, None),
        oom_kills_24h=known_or(point.oom_kills_24h, None),
        sentence=format_action(finding, requests, currency=currency),
        link=link,
    )


def _resources(point: WorkloadPoint) -> Iterable[Resource]:
    figures: tuple[tuple[Literal["cpu", "memory"], Measured[float], Measured[float]], ...] = (
        ("cpu", point.cpu_request_millicores, point.cpu_recommended_millicores),
        ("memory", point.memory_request_bytes, point.memory_recommended_bytes),
    )
    for resource, now, recommended in figures:
        if not isinstance(now, Unknown) and not isinstance(recommended, Unknown) and now != recommended:
            yield Resource(resource=resource, now=now, recommended=recommended)


def format_action(finding: WorkloadFinding, requests: tuple[Resource, ...], *, currency: str) -> str:
    """Format what to do with a workload and why, in one sentence."""
    name = finding.point.key.name
    saves = f" to save {format_money(finding.savings, currency)} a month" if finding.savings > 0 else ""
    if finding.issue is Issue.NOT_AUTOMATED:
        return f"Automate {name} in ScaleOps{saves}."
    if finding.issue is Issue.OVER_PROVISIONED:
        verb = "Change" if any(resource.recommended > resource.now for resource in requests) else "Lower"
        return f"{verb} the requests of {name}{saves}."
    if finding.oom_kills:
        return f"Raise the requests of {name}: OOM-killed {finding.oom_kills:,}x in the last 24 h."
    return f"Raise the requests of {name}: it is under-provisioned."


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


def workload_name(key: WorkloadKey) -> WorkloadName:
    """Convert a workload key to report content."""
    return WorkloadName(cluster=key.cluster, namespace=key.namespace, type=key.type, name=key.name)
