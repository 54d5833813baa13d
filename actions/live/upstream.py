"""The upstream side of the questions: what to ask ScaleOps for one component, and what of the answers is the component's own.

A live question and a sweep gather alike; what could not be had is kept as the failure, so that each decides what that means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar, Union

from actions.fanout import FanOut
from actions.ports import ScaleOps
from clients.http.errors import ServiceError
from domain.component import Component
from domain.ownership import Ownership, normalized_id, ownership_of
from domain.refs import EntityRef
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

K = TypeVar("K")
T = TypeVar("T")

Had: TypeAlias = Union[T, ServiceError]  # noqa: UP007 - a generic alias over a type variable needs Union in Python 3.11
"""An upstream answer, or the failure that came instead."""

NO_POLICY = "N/A"
"""How ScaleOps spells that a workload has no policy."""


@dataclass(frozen=True, kw_only=True)
class ComponentWorkloads:
    """The workloads that a component calls its own, each once, in upstream's order."""

    workloads: tuple[Workload, ...]
    found_by: Mapping[WorkloadKey, tuple[str, ...]]
    """The labels of the (first) query that found each."""
    labels: tuple[str, ...]
    """All labels that were asked for."""
    warnings: tuple[str, ...]

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters it lives on, in the order they were met."""
        return tuple(dict.fromkeys(workload.key.cluster for workload in self.workloads))

    def on(self, cluster: str) -> tuple[Workload, ...]:
        """Answer its workloads of one cluster."""
        return tuple(workload for workload in self.workloads if workload.key.cluster == cluster)

    def only(self, workloads: Sequence[Workload]) -> ComponentWorkloads:
        """Answer the same claim over some of its workloads."""
        return ComponentWorkloads(workloads=tuple(workloads), found_by=self.found_by, labels=self.labels, warnings=self.warnings)


def fetch_workloads(
    component: Component, scaleops: ScaleOps, *, namespaces_allowed: Mapping[EntityRef, tuple[str, ...]], fan_out: FanOut
) -> ComponentWorkloads:
    """Ask for the component's workloads, one call per expanded selector, and keep what its annotations and our settings allow.

    Raises:
        InvalidSelector: it has no selector that can be asked.
        ServiceError: ScaleOps did not answer.
    """
    ownership = ownership_of(component, namespaces_allowed)
    queries = ownership.plan.queries
    answers = fan_out([partial(scaleops.workloads, labels) for labels in queries])
    found_by: dict[WorkloadKey, tuple[str, ...]] = {}
    workloads: list[Workload] = []
    for labels, answer in zip(queries, answers, strict=True):
        for workload in answer:
            key = workload.key
            if key not in found_by and ownership.matches_annotations(cluster=key.cluster, namespace=key.namespace):
                found_by[key] = labels
                workloads.append(workload)
    return _within_allowed_namespaces(ownership, workloads, found_by)


@dataclass(frozen=True, slots=True)
class NotMonitored:
    """ScaleOps does not watch the network of this cluster."""


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """The network of a workload that could not be had. `is_watched` is None when not even that is known."""

    reason: str
    is_watched: bool | None


Costs: TypeAlias = dict[str, Had[tuple[CostRow, ...]]]
"""By cluster."""
Policies: TypeAlias = dict[str, Had[tuple[PolicyDefinition, ...]]]
"""By cluster."""
Network: TypeAlias = dict[WorkloadKey, tuple[Destination, ...] | NotMonitored | Unmeasured]
Call: TypeAlias = Callable[[], None]
"""One upstream question that puts its answer where it belongs, so that all kinds can be asked side by side."""


def cost_calls(claim: ComponentWorkloads, scaleops: ScaleOps, *, cost_range: str, into: Costs) -> list[Call]:
    """Ask what a claim costs: one call per cluster, with all namespaces and types that the component has there."""

    def ask(cluster: str) -> tuple[CostRow, ...]:
        keys = [workload.key for workload in claim.on(cluster)]
        return scaleops.costs(
            cluster=cluster,
            namespaces=tuple(dict.fromkeys(key.namespace for key in keys)),
            types=tuple(dict.fromkeys(key.type for key in keys)),
            labels=claim.labels,
            cost_range=cost_range,
        )

    return [partial(_keep, into, cluster, partial(ask, cluster)) for cluster in claim.clusters]


def policy_calls(claim: ComponentWorkloads, scaleops: ScaleOps, *, into: Policies) -> list[Call]:
    """Ask for the policies of each cluster where the component has a workload with a policy."""
    clusters = dict.fromkeys(workload.key.cluster for workload in claim.workloads if policy_of(workload) is not None)
    return [partial(_keep, into, cluster, partial(scaleops.policies, cluster)) for cluster in clusters]


def network_calls(claim: ComponentWorkloads, scaleops: ScaleOps, *, start: datetime, end: datetime, into: Network) -> list[Call]:
    """Ask whom each workload on a watched cluster talked to. The map of clusters is asked here, before the rest."""
    keys = [workload.key for workload in claim.workloads]
    if not keys:
        return []
    flags = _had(scaleops.network_flags)
    if isinstance(flags, ServiceError):
        into.update(dict.fromkeys(keys, Unmeasured(str(flags), is_watched=None)))
        return []
    watched = [key for key in keys if flags.get(key.cluster, False)]
    into.update(dict.fromkeys(keys, NotMonitored()))

    def ask(key: WorkloadKey) -> None:
        peers = _had(partial(scaleops.network, key, start=start, end=end))
        into[key] = Unmeasured(str(peers), is_watched=True) if isinstance(peers, ServiceError) else peers

    return [partial(ask, key) for key in watched]


def _keep(into: dict[K, Had[T]], key: K, call: Callable[[], T]) -> None:
    into[key] = _had(call)


def _had(call: Callable[[], T]) -> Had[T]:
    """Make a call, and answer its failure instead of raising it."""
    try:
        return call()
    except ServiceError as failure:
        return failure


def own_cost_rows(claim: ComponentWorkloads, costs: Costs) -> dict[WorkloadKey, CostRow]:
    """Pick the claim's own rows: the endpoint ORs labels, and ids are the same in every cluster, so each cluster for itself.

    Ids differ in letter case between the two endpoints. In the order of the answers; of a repeated id the first row counts.
    """
    rows: dict[WorkloadKey, CostRow] = {}
    for cluster in claim.clusters:
        answer = costs[cluster]
        if isinstance(answer, ServiceError):
            continue
        own = {normalized_id(workload.id): workload.key for workload in claim.on(cluster) if workload.id is not None}
        for row in answer:
            key = own.get(normalized_id(row.id))
            if key is not None:
                rows.setdefault(key, row)
    return rows


def policy_of(workload: Workload) -> str | None:
    """Answer the name of the workload's policy, if it has one."""
    return None if workload.policy_name in (None, "", NO_POLICY) else workload.policy_name


def _within_allowed_namespaces(
    ownership: Ownership, workloads: list[Workload], found_by: Mapping[WorkloadKey, tuple[str, ...]]
) -> ComponentWorkloads:
    kept = [workload for workload in workloads if ownership.owns(cluster=workload.key.cluster, namespace=workload.key.namespace)]
    warnings = list(ownership.plan.warnings)
    if len(kept) < len(workloads):
        refused = sorted({workload.key.namespace for workload in workloads} - set(ownership.allowed_namespaces or ()))
        warnings.append(
            f"{len(workloads) - len(kept)} of {len(workloads)} workloads were left out: the settings do not allow {ownership.ref} "
            f"the namespaces {', '.join(refused)}"
        )
    return ComponentWorkloads(workloads=tuple(kept), found_by=found_by, labels=ownership.plan.labels, warnings=tuple(warnings))
