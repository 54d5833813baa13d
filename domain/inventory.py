"""The inventory of a full sweep: every workload that ScaleOps knows, and the cost that no component claims."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.measures import Measured, Total, Unknown, total_of
from domain.workload import WorkloadKey

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


def costs_by_namespace(inventory: Iterable[InventoryWorkload], claimed: Iterable[InventoryWorkload]) -> tuple[NamespaceCost, ...]:
    """Return the costs of every namespace, by cluster and name.

    Args:
        inventory: every workload.
        claimed: the workloads that components own, as the sweep measured them.
    """
    allocated: dict[tuple[str, str], list[Measured[Decimal]]] = {}
    unallocated: dict[tuple[str, str], list[Measured[Decimal]]] = {}
    keys = set()
    for workload in claimed:
        keys.add(workload.key)
        allocated.setdefault((workload.key.cluster, workload.key.namespace), []).append(workload.cost_7d)
    for workload in inventory:
        if workload.key not in keys:
            unallocated.setdefault((workload.key.cluster, workload.key.namespace), []).append(workload.cost_7d)
    return tuple(
        NamespaceCost(
            cluster=cluster,
            namespace=namespace,
            unallocated=total_of(unallocated.get((cluster, namespace), ())),
            allocated=total_of(allocated.get((cluster, namespace), ())),
        )
        for cluster, namespace in sorted(allocated.keys() | unallocated.keys())
    )
