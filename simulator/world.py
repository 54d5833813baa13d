"""The content of ScaleOps and the catalog at one instant (World), and for every instant (Scenario)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from simulator.credentials import SCALEOPS_PASSWORD, SCALEOPS_USER

Record: TypeAlias = dict[str, Any]
"""A JSON object as the service sends it."""


@dataclass(frozen=True, kw_only=True)
class NetworkData:
    """The destinations of a workload's traffic, per day.

    Each has `egress` and `ingress` (bytes), `cegress` and `cingress` (money), `intra` (the share that stays in
    its zone) and the names that ScaleOps shows.
    """

    destinations: tuple[Record, ...] = ()
    mode: str = "object"
    """The form of the response: `object`, `array`, `null`, `partial` (no cross-zone parts) or `error500`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedWorkload:
    """One workload: its labels, its row in the workload list, its cost and its network."""

    labels: Mapping[str, str]
    dash: Record
    """The row of `byNamespace`; names cluster, namespace, type and name."""
    cost_of: Callable[[int], Record]
    """Returns the cost row for the last N hours."""
    network: NetworkData = field(default_factory=NetworkData)

    @property
    def cluster(self) -> str:
        """The cluster it runs on."""
        return str(self.dash["clusterName"])

    @cached_property
    def label_items(self) -> frozenset[str]:
        """Its labels as ScaleOps compares them: case-sensitive `key=value`."""
        return frozenset(f"{key}={value}" for key, value in self.labels.items())


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything at one instant. The first cluster is the parent's own, the only one without `multiCluster=true`."""

    clusters: tuple[str, ...]
    workloads: tuple[SimulatedWorkload, ...]
    policies: Mapping[str, tuple[Record, ...]]
    network_enabled: Mapping[str, bool]
    entities: tuple[Record, ...]
    silent_clusters: frozenset[str] = frozenset()
    """Clusters without connection to the parent: absent from every response."""
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
        """Visible workloads under (cluster, namespace, type, name). One whose row has something else there cannot be asked for."""
        keyed = (
            ((workload.cluster, workload.dash["namespace"], workload.dash["type"], workload.dash["workloadName"]), workload)
            for workload in self.visible_workloads
        )
        return {key: workload for key, workload in keyed if all(isinstance(part, str) for part in key)}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A world for every instant, and dates and names of its events."""

    name: str
    world_at: Callable[[datetime], World]
    story: Record = field(default_factory=dict)
