"""What to do: the recommendations grouped by workload over clusters and namespaces, each as one imperative sentence with its patch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from domain.advice import Issue, format_memory_conflict
from domain.closing_point import ClosingPoint
from domain.measures import Total, known_or, total_of
from domain.money import format_count
from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.workload import WorkloadKey
from reports import content
from reports.builders.names import ReportNames
from reports.builders.workload_findings import WorkloadFinding, actionable, count_unknown, findings_of
from reports.formatting import format_saving
from reports.links import Links
from reports.request_patch import CONTAINERS, RequestChange, RequestPatch, format_changes, patch_requests, request_changes

MAX_ACTIONS: Final = 100
"""Workloads by name that a report lists; the most urgent are first."""
MAX_PLACES: Final = 20
"""Workloads of one name that are listed."""


@dataclass(frozen=True, kw_only=True)
class AdvisedGroup:
    """The workloads of one name and type, of the same components, to which the same is advised."""

    findings: tuple[WorkloadFinding, ...]
    """The most urgent first."""

    @property
    def first(self) -> WorkloadFinding:
        """The most urgent."""
        return self.findings[0]

    @cached_property
    def savings(self) -> Total:
        """Savings per month of what is advised."""
        return total_of(one.point.advised_savings_per_month for one in self.findings)

    @property
    def oom_kills(self) -> int:
        """The known OOM kills in 24 hours."""
        return sum(one.oom_kills for one in self.findings)

    @property
    def are_kills_known(self) -> bool:
        """True if they are known of every workload."""
        return all(known_or(one.point.oom_kills_24h, None) is not None for one in self.findings)

    @cached_property
    def changes(self) -> Mapping[WorkloadKey, tuple[RequestChange, ...]]:
        """What to change of the requests of each."""
        return {one.point.key: _changes_of(one) for one in self.findings}


def choose_actions(
    closing: ClosingPoint, *, currency: str, names: ReportNames, labels: Mapping[EntityRef, tuple[str, ...]], links: Links
) -> content.TopActions:
    """List the recommendations by workload. Workloads left to automation are only counted."""
    findings = findings_of(closing)
    steps = actionable(findings)
    groups = group_findings(steps, closing)
    top, rest = groups[:MAX_ACTIONS], [one for group in groups[MAX_ACTIONS:] for one in group.findings]
    listed = tuple(
        _action_of(number, group, closing, currency=currency, names=names, labels=labels, links=links)
        for number, group in enumerate(top, start=1)
    )
    return content.TopActions(
        currency=currency,
        as_of=closing.as_of,
        summary=_summarise(steps, groups, currency),
        patch_note=CONTAINERS if any(action.patches for action in listed) else "",
        top=listed,
        more=len(rest),
        more_savings=known_or(total_of(finding.point.advised_savings_per_month for finding in rest).amount, None),
        left_to_automation=len(findings) - len(steps),
        unknown=count_unknown(closing),
    )


def group_findings(findings: Iterable[WorkloadFinding], closing: ClosingPoint) -> tuple[AdvisedGroup, ...]:
    """Group findings by components, workload and advice: danger first, then by the savings of the group."""
    grouped: dict[tuple[object, ...], list[WorkloadFinding]] = {}
    for one in findings:
        key = one.point.key
        grouped.setdefault((closing.claims.get(key, ()), key.type, key.name, one.issue, one.is_conflict), []).append(one)
    groups = [AdvisedGroup(findings=tuple(some)) for some in grouped.values()]
    return tuple(
        sorted(
            groups,
            key=lambda group: (
                group.first.rank,
                -group.oom_kills if group.first.is_dangerous else 0,
                -known_or(group.savings.amount, Decimal(0)),
                group.first.point.key,
            ),
        )
    )


def _summarise(steps: Sequence[WorkloadFinding], groups: Sequence[AdvisedGroup], currency: str) -> str:
    if not steps:
        return ""
    over = f" for {format_count(len(groups), 'workload')} over all clusters" if len(groups) < len(steps) else ""
    saving = format_saving(sum((step.savings for step in steps), Decimal(0)), currency)
    return f"{format_count(len(steps), 'recommendation')}{over}{f', {saving} a month together' if saving else ''}."


def _changes_of(finding: WorkloadFinding) -> tuple[RequestChange, ...]:
    point = finding.point
    if finding.issue is Issue.NOT_AUTOMATED or finding.is_conflict:
        return ()
    changes = request_changes(
        cpu=(known_or(point.cpu_request_millicores, None), known_or(point.cpu_recommended_millicores, None)),
        memory=(known_or(point.memory_request_bytes, None), known_or(point.memory_recommended_bytes, None)),
        oom_kills=known_or(point.oom_kills_24h, None),
    )
    # What has too little gets no less of anything.
    return tuple(one for one in changes if finding.issue is not Issue.UNDER_PROVISIONED or one.is_rise or not one.is_known)


def _action_of(
    number: int,
    group: AdvisedGroup,
    closing: ClosingPoint,
    *,
    currency: str,
    names: ReportNames,
    labels: Mapping[EntityRef, tuple[str, ...]],
    links: Links,
) -> content.RecommendedAction:
    key = group.first.point.key
    owners = closing.claims.get(key, ())
    listed = group.findings[:MAX_PLACES]
    return content.RecommendedAction(
        number=number,
        label=names.label(key),
        name=key.name,
        type=key.type,
        components=names.owners(key),
        issue=group.first.issue.value,
        priority=group.first.priority.value,
        is_dangerous=group.first.is_dangerous,
        risk=describe_risk(group),
        workloads=len(group.findings),
        places=tuple(_place_of(one, group.changes[one.point.key]) for one in listed),
        patches=_patches_of(listed, group.changes),
        monthly_savings=known_or(group.savings.amount, None),
        savings_unknown=group.savings.parts - group.savings.known,
        oom_kills_24h=group.oom_kills if group.oom_kills or group.are_kills_known else None,
        sentence=format_action(group, name=f"{names.label(key)}{_where(group)}", currency=currency),
        link=links.workload(key.name, labels.get(owners[0], ()) if owners else ()),
    )


def _where(group: AdvisedGroup) -> str:
    clusters = {one.point.key.cluster for one in group.findings}
    if len(clusters) > 1:
        return f" in {len(clusters):,} clusters"
    return f" in {len(group.findings):,} namespaces" if len(group.findings) > 1 else ""


def _place_of(finding: WorkloadFinding, changes: tuple[RequestChange, ...]) -> content.ActionPlace:
    point = finding.point
    return content.ActionPlace(
        cluster=point.key.cluster,
        namespace=point.key.namespace,
        pods=known_or(point.replicas, None),
        requests=tuple(content.Resource(resource=one.resource, now=one.now, recommended=one.recommended) for one in changes),
        monthly_savings=known_or(point.advised_savings_per_month, None),
        oom_kills_24h=known_or(point.oom_kills_24h, None),
        sentence=_describe_changes(changes, point),
    )


def _describe_changes(changes: tuple[RequestChange, ...], point: WorkloadPoint) -> str:
    if not changes:
        return ""
    pods = known_or(point.replicas, None)
    per_pod = f"{format_changes(changes)} per pod"
    if pods is None:
        return f"{per_pod}; number of pods unknown"
    known = [one for one in changes if one.is_known]
    together = f" together {format_changes(known, pods=pods)}" if pods > 1 and known else ""
    return f"{per_pod}; {format_count(pods, 'pod')}{together}"


def _patches_of(
    findings: Iterable[WorkloadFinding], changes: Mapping[WorkloadKey, tuple[RequestChange, ...]]
) -> tuple[content.ActionPatch, ...]:
    """Return each patch once, with the places that get it."""
    places: dict[RequestPatch, list[str]] = {}
    for one in findings:
        patch = patch_requests(one.point.key, changes[one.point.key])
        if patch is not None:
            places.setdefault(patch, []).append(f"{one.point.key.cluster} / {one.point.key.namespace}")
    return tuple(
        content.ActionPatch(
            places=tuple(where),
            yaml=patch.yaml,
            command=patch.command,
            no_command_reason=patch.no_command_reason,
            note=patch.note,
        )
        for patch, where in places.items()
    )


def format_action(group: AdvisedGroup, *, name: str, currency: str) -> str:
    """Format what to do with the workloads of a group and why, in one or two sentences."""
    kills = group.oom_kills
    if group.first.issue is Issue.UNDER_PROVISIONED:
        why = f"OOM-killed {kills:,}x in the last 24 h" if kills else "it is under-provisioned"
        keeps = any(one.point.keeps_memory for one in group.findings)
        keep = " Keep its memory, although ScaleOps recommends less." if keeps else ""
        if not any(group.changes.values()):
            return f"Check the requests of {name}: {why}, and ScaleOps recommends no more.{keep}"
        return f"Raise the requests of {name}: {why}.{keep}"
    if group.first.is_conflict:
        return f"Check the memory of {name}. {format_memory_conflict(kills)}"
    saving = format_saving(known_or(group.savings.amount, Decimal(0)), currency)
    coverage = f" (from {group.savings.known:,} of {format_count(group.savings.parts, 'workload')})"
    saves = f" to save {saving} a month{'' if group.savings.is_complete else coverage}" if saving else ""
    if group.first.issue is Issue.NOT_AUTOMATED:
        return f"Automate {name} in ScaleOps{saves}."
    verb = "Change" if any(one.is_rise for changes in group.changes.values() for one in changes) else "Lower"
    return f"{verb} the requests of {name}{saves}."


def describe_risk(group: AdvisedGroup) -> str:
    """Return what is known of the danger of a workload, or of the risk of what is advised, in one phrase."""
    if group.first.is_dangerous:
        what = "" if group.oom_kills or group.first.is_conflict else "too little CPU or memory, "
        return f"Danger: {what}{_describe_kills(group)}"
    if group.first.issue is Issue.NOT_AUTOMATED:
        return f"ScaleOps sets its requests from then on; {_describe_kills(group)}"
    lowered = {one.resource for changes in group.changes.values() for one in changes if one.is_known and not one.is_rise}
    kept = "" if "memory" in lowered or not (group.oom_kills or not group.are_kills_known) else ", memory is not lowered"
    return f"Less {'CPU ' if lowered == {'cpu'} else ''}headroom; {_describe_kills(group)}{kept}"


def _describe_kills(group: AdvisedGroup) -> str:
    if group.oom_kills:
        return f"OOM-killed {group.oom_kills:,}x in the last 24 h"
    return "no OOM kills in the last 24 h" if group.are_kills_known else "OOM kills unknown"
