"""Sections of a team's report: one function each, from closing snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from domain.trends import CostChange, CostComparison, WorkloadChange

from domain.advice import Issue
from domain.closing_point import ClosingPoint
from domain.measures import Unknown, is_known, known_or
from domain.money import format_money
from domain.refs import EntityRef
from domain.snapshots import MEASURES, NetworkOff, NetworkUse, Outcome, WorkloadPoint
from domain.tracking import Recommendation, RecommendationEnd
from domain.workload import WorkloadKey
from reports import content
from reports.builders.top_actions import workload_name
from reports.formatting import format_day

IGNORED_AFTER: Final = 4
"""A recommendation open in this many reports, neither acknowledged nor snoozed, counts as ignored."""
HOT_SPOTS: Final = 5
_REQUESTS: Final = "requests"
_FIGURES: Final = {
    "cost_7d": "cost",
    "savings_available_per_month": "savings available",
    "active_savings_per_month": "savings realised",
    "automated": "automation",
    "under_provisioned": "provisioning",
    "over_provisioned": "provisioning",
    "oom_kills_24h": "OOM kills",
}
"""Names of measures; the others are about requests."""
WEEK: Final = timedelta(days=7)

OutcomeName = Literal["done", "no longer advised", "gone", "open", "ignored"]
_OUTCOMES: Final[Mapping[RecommendationEnd, OutcomeName]] = {
    RecommendationEnd.DONE: "done",
    RecommendationEnd.NO_LONGER_ADVISED: "no longer advised",
    RecommendationEnd.GONE: "gone",
}
Names = Mapping[WorkloadKey, tuple[content.ComponentName, ...]]


def component_name(ref: EntityRef, titles: Mapping[EntityRef, str]) -> content.ComponentName:
    """Return a component with its display name."""
    return content.ComponentName(ref=str(ref), title=titles.get(ref) or ref.name)


def names_of(now: ClosingPoint, then: ClosingPoint | None, titles: Mapping[EntityRef, str]) -> Names:
    """Map each workload to the components that claim it, now or a week before."""
    claims = {**(then.claims if then is not None else {}), **now.claims}
    return {key: tuple(component_name(ref, titles) for ref in refs) for key, refs in claims.items()}


def list_movers(change: CostChange, currency: str, names: Names) -> content.Movers:
    """List the workloads that changed the cost, largest first."""

    def movers(changes: Iterable[WorkloadChange]) -> tuple[content.Mover, ...]:
        return tuple(
            content.Mover(
                workload=workload_name(one.key),
                components=names.get(one.key, ()),
                then=one.then,
                now=one.now,
                amount=one.amount,
                share=one.amount / one.then if one.then and one.now is not None else None,
            )
            for one in changes
        )

    return content.Movers(
        currency=currency,
        then_as_of=change.then_as_of,
        now_as_of=change.now_as_of,
        moved=movers(change.movers),
        added=movers(change.of(CostComparison.ADDED)),
        removed=movers(change.of(CostComparison.REMOVED)),
        not_comparable=change.group(CostComparison.NOT_COMPARABLE).workloads,
    )


def build_follow_up(
    followed: Iterable[Recommendation],
    *,
    handled: Container[tuple[str, EntityRef]],
    since: datetime,
    until: datetime,
    currency: str,
    zone: str,
    titles: Mapping[EntityRef, str],
) -> content.FollowUp:
    """Follow up on recommendations that were open, with realised savings."""
    outcomes: list[tuple[OutcomeName, content.RecommendationOutcome, Decimal]] = []
    for one in followed:
        result = _outcome_of(one, handled, until)
        # Raising requests ends a danger; it saves no money.
        saves = result == "done" and one.key.issue is not Issue.UNDER_PROVISIONED
        realised = known_or(one.realised_per_month, None) if saves else None
        outcome = content.RecommendationOutcome(
            workload=workload_name(one.key.workload),
            component=component_name(one.key.entity, titles),
            issue=one.key.issue.value,
            outcome=result,
            opened_at=one.opened_at,
            ended_at=one.ended_at,
            monthly_savings=realised,
            sentence=_format_outcome(one, result, currency=currency, zone=zone, until=until),
        )
        outcomes.append((result, outcome, realised or Decimal(0)))
    outcomes.sort(key=lambda row: (row[0], -row[2], row[1].workload.name, row[1].component.ref))
    counts = Counter(result for result, _, _ in outcomes)
    return content.FollowUp(
        currency=currency,
        since=since,
        until=until,
        ended=tuple(outcome for result, outcome, _ in outcomes if result in {"done", "no longer advised", "gone"}),
        ignored=tuple(outcome for result, outcome, _ in outcomes if result == "ignored"),
        done=counts["done"],
        no_longer_advised=counts["no longer advised"],
        gone=counts["gone"],
        still_open=counts["open"] + counts["ignored"],
        realised=sum((realised for _, _, realised in outcomes), Decimal(0)),
    )


def times_reported(one: Recommendation, until: datetime) -> int:
    """Count the weekly closings up to and including `until` at which a recommendation was open."""
    return int((until - one.opened_at) // WEEK) + 1 if one.opened_at <= until else 0


def _outcome_of(one: Recommendation, handled: Container[tuple[str, EntityRef]], until: datetime) -> OutcomeName:
    if one.ending is not None:
        return _OUTCOMES[one.ending]
    is_handled = (one.key.issue.value, one.key.entity) in handled
    return "ignored" if not is_handled and times_reported(one, until) >= IGNORED_AFTER else "open"


def _format_outcome(one: Recommendation, outcome: OutcomeName, *, currency: str, zone: str, until: datetime) -> str:
    since = format_day(one.opened_at, zone)
    match outcome:
        case "done":
            saved = one.realised_per_month
            if one.key.issue is Issue.UNDER_PROVISIONED:
                return f"Done: requests raised (advised since {since})."
            if saved is None or isinstance(saved, Unknown):
                return f"Done; the savings could not be measured (advised since {since})."
            if saved <= 0:
                return f"Done; the available savings did not decrease (advised since {since})."
            return f"Done: saves {format_money(saved, currency)} a month (advised since {since})."
        case "no longer advised":
            return f"ScaleOps no longer advises it (advised since {since})."
        case "gone":
            return f"The workload was removed (advised since {since})."
        case "ignored":
            return f"Open for {times_reported(one, until)} weeks (advised since {since})."
        case _:
            return f"Open since {since}."


def summarise_network(now: ClosingPoint, *, currency: str, names: Names) -> content.Network:
    """Summarise cross-zone traffic and list the workloads that pay most for it."""
    used: list[tuple[Decimal, WorkloadPoint, NetworkUse]] = []
    off: set[str] = set()
    not_monitored = unknown = measured = 0
    for point in now.points.values():
        if isinstance(point.network, NetworkOff):
            not_monitored += 1
            off.add(point.key.cluster)
        elif isinstance(point.network, Unknown) or isinstance(point.network.cross_az_cost, Unknown):
            unknown += 1
        else:
            measured += 1
            used.append((point.network.cross_az_cost, point, point.network))
    used.sort(key=lambda row: (-row[0], row[1].key))
    return content.Network(
        currency=currency,
        as_of=now.as_of,
        cross_az_cost=sum((cost for cost, _, _ in used), Decimal(0)) if used else None,
        measured=measured,
        not_monitored=not_monitored,
        unknown=unknown,
        hot_spots=tuple(
            content.HotSpot(
                workload=workload_name(point.key),
                components=names.get(point.key, ()),
                cross_az_cost=cost,
                network_cost=known_or(use.cost, None),
                cross_az_traffic_bytes=known_or(use.cross_az_traffic_bytes, None),
            )
            for cost, point, use in used[:HOT_SPOTS]
            if cost > 0
        ),
        clusters_not_monitored=tuple(sorted(off)),
        components_unknown=len(now.unknown),
    )


def summarise_automation(now: ClosingPoint) -> content.Automation:
    """Count automated workloads and policies."""
    known = [point for point in now.points.values() if is_known(point.automated)]
    policies = Counter(point.policy_name for point in known if point.policy_name)
    return content.Automation(
        as_of=now.as_of,
        automated=sum(1 for point in known if point.automated is True),
        known=len(known),
        workloads=len(now.points),
        policies=tuple(
            content.PolicyUse(policy=policy, workloads=count)
            for policy, count in sorted(policies.items(), key=lambda item: (-item[1], item[0]))
        ),
        without_policy=sum(1 for point in known if not point.policy_name),
        components_unknown=len(now.unknown),
    )


def list_gaps(now: ClosingPoint, titles: Mapping[EntityRef, str]) -> content.DataGaps:
    """List what could not be measured, by reason: components, workloads, then warnings."""
    components: dict[str, list[str]] = {}
    warnings: dict[str, list[str]] = {}
    for measurement in now.measurements:
        snapshot = measurement.snapshot
        name = component_name(snapshot.ref, titles).title
        if snapshot.outcome is Outcome.UNKNOWN:
            components.setdefault(snapshot.reason, []).append(name)
        for warning in snapshot.warnings:
            warnings.setdefault(warning, []).append(name)
    workloads: dict[str, list[str]] = {}
    for key in sorted(now.points):
        if not now.unknown.keys() >= set(now.claims[key]):  # else the component is listed
            for gap in _unknown_figures(now.points[key]):
                workloads.setdefault(gap, []).append(str(key))
    return content.DataGaps(gaps=(*_gaps("component", components), *_gaps("workload", workloads), *_gaps("warning", warnings)))


def _unknown_figures(point: WorkloadPoint) -> Iterable[str]:
    """Yield which figures of a workload are unknown, by reason. The network has a section of its own."""
    by_reason: dict[str, list[str]] = {}
    for measure in MEASURES:
        value = getattr(point, measure)
        if isinstance(value, Unknown):
            by_reason.setdefault(value.reason, []).append(_FIGURES.get(measure, _REQUESTS))
    for reason, figures in by_reason.items():
        which = "" if len(figures) == len(MEASURES) else f"{', '.join(dict.fromkeys(figures))} "
        yield f"{which}unknown: {reason}"


def _gaps(what: Literal["component", "workload", "warning"], by_reason: Mapping[str, list[str]]) -> Iterable[content.DataGap]:
    for reason, names in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        yield content.DataGap(what=what, names=tuple(names), reason=reason)
