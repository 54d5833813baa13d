"""What ScaleOps and the catalog hold at one instant, and what a scenario is: such a world for every instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from simulator.credentials import SCALEOPS_PASSWORD, SCALEOPS_USER

Record: TypeAlias = dict[str, Any]
"""A JSON object as it is sent; its shape is the service's, so nothing here may narrow it."""


@dataclass(frozen=True, kw_only=True)
class NetworkData:
    """Whom a workload talks to, per day.

    Each destination holds `egress` and `ingress` (bytes), `cegress` and `cingress` (money), `intra` (the share that stays in
    its zone) and the names that ScaleOps shows.
    """

    destinations: tuple[Record, ...] = ()
    mode: str = "object"
    """How it is answered: `object`, `array`, `null`, `partial` (no cross-zone parts) or `error500`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedWorkload:
    """One workload: its labels, its row in the workload list, its cost and its network."""

    labels: Mapping[str, str]
    dash: Record
    """The row of `byNamespace`; names cluster, namespace, type and name."""
    cost_of: Callable[[int], Record]
    """Answers the cost row for the last so many hours."""
    network: NetworkData = field(default_factory=NetworkData)

    @property
    def cluster(self) -> str:
        """The cluster it runs on."""
        return str(self.dash["clusterName"])

    @cached_property
    def label_items(self) -> frozenset[str]:
        """Its labels as ScaleOps compares them: `key=value`, letter by letter."""
        return frozenset(f"{key}={value}" for key, value in self.labels.items())


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything at one instant. The first cluster is the parent's own: all that is seen without `multiCluster=true`."""

    clusters: tuple[str, ...]
    workloads: tuple[SimulatedWorkload, ...]
    policies: Mapping[str, tuple[Record, ...]]
    network_enabled: Mapping[str, bool]
    entities: tuple[Record, ...]
    silent_clusters: frozenset[str] = frozenset()
    """Clusters whose connection to the parent is cut: absent from every answer."""
    scaleops_user: str = SCALEOPS_USER
    scaleops_password: str = SCALEOPS_PASSWORD

    @cached_property
    def visible_workloads(self) -> tuple[SimulatedWorkload, ...]:
        """All but those of silent clusters."""
        return tuple(workload for workload in self.workloads if workload.cluster not in self.silent_clusters)

    @cached_property
    def workloads_by_label(self) -> Mapping[str, tuple[SimulatedWorkload, ...]]:
        """Visible workloads under each `key=value`, in their order."""
        found: dict[str, list[SimulatedWorkload]] = defaultdict(list)
        for workload in self.visible_workloads:
            for item in workload.label_items:
                found[item].append(workload)
        return {item: tuple(workloads) for item, workloads in found.items()}

    @cached_property
    def workload_by_key(self) -> Mapping[tuple[str, str, str, str], SimulatedWorkload]:
        """Visible workloads under (cluster, namespace, type, name)."""
        return {
            (workload.cluster, workload.dash["namespace"], workload.dash["type"], workload.dash["workloadName"]): workload
            for workload in self.visible_workloads
        }


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A world for every instant, and the story it tells (dates and names, for whoever shows it)."""

    name: str
    world_at: Callable[[datetime], World]
    story: Record = field(default_factory=dict)
