"""The inventory of a full sweep: every workload that ScaleOps knows, and the cost that no component claims."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import heappush, heappushpop
from typing import Final

from domain.measures import Measured, Total, Unknown, total_of
from domain.workload import WorkloadKey

LARGEST_PER_CLUSTER: Final = 25
UNPROVEN: Final = Unknown("the costs of this cluster could not be compared with those of a component")


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryWorkload:
    """One workload of the inventory. Cost is for the 7 days to the sweep."""

    key: WorkloadKey
    cost_7d: Measured[Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceCost:
    """Cost of one namespace of a cluster over 7 days, by whether a component claims the workload."""

    cluster: str
    namespace: str
    unallocated: Total
    allocated: Total


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryCosts:
    """The costs of an inventory, by namespace, and the unallocated workloads of the highest cost."""

    namespaces: tuple[NamespaceCost, ...]
    """By cluster and name."""
    largest: tuple[InventoryWorkload, ...]
    """The first LARGEST_PER_CLUSTER of each cluster with a known cost, without those of shared namespaces."""


def unmeasured_costs(costs: Iterable[NamespaceCost], *, reason: str) -> tuple[NamespaceCost, ...]:
    """Return the same workloads with an unknown cost."""

    def unknown(total: Total) -> Total:
        return Total(amount=Unknown(reason), known=0, parts=total.parts) if total.parts else total

    return tuple(replace(cost, unallocated=unknown(cost.unallocated), allocated=unknown(cost.allocated)) for cost in costs)


def allocate_costs(
    inventory: Iterable[InventoryWorkload], claimed: Iterable[InventoryWorkload], *, shared: Collection[str]
) -> InventoryCosts:
    """Return the costs of every namespace, by whether a component claims the workload.

    Args:
        inventory: every workload; those that are claimed may be left out.
        claimed: the workloads that components own, as the sweep measured them.
        shared: the names of shared namespaces, in any cluster.
    """
    allocated: dict[tuple[str, str], list[Measured[Decimal]]] = {}
    unallocated: dict[tuple[str, str], list[Measured[Decimal]]] = {}
    largest: dict[str, list[tuple[Decimal, WorkloadKey]]] = {}
    keys = set()
    for workload in claimed:
        keys.add(workload.key)
        allocated.setdefault((workload.key.cluster, workload.key.namespace), []).append(workload.cost_7d)
    for workload in inventory:
        key, cost = workload.key, workload.cost_7d
        if key in keys:
            continue
        unallocated.setdefault((key.cluster, key.namespace), []).append(cost)
        if not isinstance(cost, Unknown) and key.namespace not in shared:
            _keep_largest(largest.setdefault(key.cluster, []), (cost, key))
    return InventoryCosts(
        namespaces=tuple(
            NamespaceCost(
                cluster=cluster,
                namespace=namespace,
                unallocated=total_of(unallocated.get((cluster, namespace), ())),
                allocated=total_of(allocated.get((cluster, namespace), ())),
            )
            for cluster, namespace in sorted(allocated.keys() | unallocated.keys())
        ),
        largest=tuple(
            InventoryWorkload(key=key, cost_7d=cost)
            for cluster in sorted(largest)
            for cost, key in sorted(largest[cluster], reverse=True)
        ),
    )


def _keep_largest(heap: list[tuple[Decimal, WorkloadKey]], one: tuple[Decimal, WorkloadKey]) -> None:
    if len(heap) < LARGEST_PER_CLUSTER:
        heappush(heap, one)
    else:
        heappushpop(heap, one)
