"""Sections of a team's report: one function each, from closing snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from domain.closing_point import ClosingPoint
from domain.measures import Measured, Unknown, is_known, known_or, total_of
from domain.refs import EntityRef
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
    return content.Network(
        currency=currency,
        as_of=now.as_of,
        cross_az_cost=sum((cost for cost, _, _ in used), Decimal(0)) if used else None,
        measured=measured,
        not_monitored=not_monitored,
        unknown=unknown,
        hot_spots=tuple(_hot_spots(used, names)),
        clusters_not_monitored=tuple(sorted(off)),
        components_unknown=len(now.unknown),
    )


def _hot_spots(used: Sequence[tuple[Decimal, WorkloadPoint, NetworkUse]], names: ReportNames) -> Iterator[content.HotSpot]:
    """Yield the workloads that pay most for cross-zone traffic, by component and name over clusters and namespaces."""
    grouped: dict[tuple[tuple[EntityRef, ...], str, str], list[tuple[Decimal, WorkloadPoint, NetworkUse]]] = {}
    paying = [row for row in used if row[0] > 0]
    for row in sorted(paying, key=lambda row: (-row[0], row[1].key)):
        key = row[1].key
        grouped.setdefault((names.claims.get(key, ()), key.type, key.name), []).append(row)
    totals = {group: sum((cost for cost, _, _ in rows), Decimal(0)) for group, rows in grouped.items()}
    for group in sorted(grouped, key=lambda group: (-totals[group], group))[:HOT_SPOTS]:
        rows = grouped[group]
        first = rows[0][1].key
        yield content.HotSpot(
            label=names.label(first),
            name=first.name,
            type=first.type,
            components=names.owners(first),
            places=tuple(
                content.HotSpotPlace(cluster=point.key.cluster, namespace=point.key.namespace, cross_az_cost=cost)
                for cost, point, _ in rows
            ),
            cross_az_cost=totals[group],
            network_cost=_sum_if_known(use.cost for _, _, use in rows),
            cross_az_traffic_bytes=_sum_if_known(use.cross_az_traffic_bytes for _, _, use in rows),
        )


def _sum_if_known(values: Iterable[Measured[Decimal]]) -> Decimal | None:
    total = total_of(values)
    return known_or(total.amount, None) if total.is_complete else None


def count_automated(now: ClosingPoint) -> content.AutomatedWorkloads:
    """Count the workloads that ScaleOps automates."""
    known = [point.automated for point in now.points.values() if is_known(point.automated)]
    return content.AutomatedWorkloads(
        automated=sum(1 for automated in known if automated is True),
        known=len(known),
        workloads=len(now.points),
        components_unknown=len(now.unknown),
    )


def summarise_automation(now: ClosingPoint) -> content.Automation:
    """Count automated workloads and policies."""
    counted = count_automated(now)
    known = [point for point in now.points.values() if is_known(point.automated)]
    policies = Counter(point.policy_name for point in known if point.policy_name)
    return content.Automation(
        as_of=now.as_of,
        automated=counted.automated,
        known=counted.known,
        workloads=counted.workloads,
        policies=tuple(
            content.PolicyUse(policy=policy, workloads=count)
            for policy, count in sorted(policies.items(), key=lambda item: (-item[1], item[0]))
        ),
        without_policy=sum(1 for point in known if not point.policy_name),
        components_unknown=counted.components_unknown,
    )
