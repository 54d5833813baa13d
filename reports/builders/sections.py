"""Sections of a team's report: one function each, from closing snapshots."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Final

from domain.closing_point import ClosingPoint
from domain.measures import Unknown, is_known, known_or
from domain.snapshots import NetworkOff, NetworkUse, WorkloadPoint
from reports import content
from reports.builders.names import ReportNames

HOT_SPOTS: Final = 5


def summarise_network(now: ClosingPoint, *, currency: str, names: ReportNames) -> content.Network:
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
                workload=names.workload(point.key),
                components=names.owners(point.key),
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
