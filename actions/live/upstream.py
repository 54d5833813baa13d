"""ScaleOps calls for one component, and which of the returned rows are its own.

Live actions and sweeps share these. A failed call is kept as its error, so that each caller decides what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias, TypeVar, Union

from actions.context import LiveContext
from actions.errors import NotFoundError
from actions.fanout import FanOut
from actions.ports import ScaleOps
from clients.http.errors import ServiceError
from domain.component import Component
from domain.money import format_count
from domain.ownership import Ownership, normalized_id, ownership_of
from domain.refs import EntityRef
from domain.workload import CostRow, Destination, PolicyDefinition, Rows, SetAsideRow, Workload, WorkloadKey, set_aside_of

K = TypeVar("K")
T = TypeVar("T")

Fetched: TypeAlias = Union[T, ServiceError]  # noqa: UP007 - a generic alias over a type variable needs Union in Python 3.11
"""What ScaleOps returned, or the error of the call."""

_MAX_NAMED: Final = 3
"""Rows that one warning names."""
NOTHING_MATCHES: Final = "no workload matches its selector: if it runs on Kubernetes, correct its annotations"
NO_POLICY = "N/A"
"""The policy name that ScaleOps gives a workload without a policy."""


@dataclass(frozen=True, kw_only=True)
class ComponentWorkloads:
    """The workloads that a component owns, each once, in the order of ScaleOps."""

    workloads: tuple[Workload, ...]
    found_by: Mapping[WorkloadKey, tuple[str, ...]]
    """The labels of the first query that found each."""
    labels: tuple[str, ...]
    """All labels that were queried."""
    selection_warnings: tuple[str, ...] = ()
    """What is odd about its selector and what that matches."""
    set_aside: tuple[SetAsideRow, ...] = ()
    """Rows that may be its own and could not be read."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The selection warnings, and one about the rows that could not be read."""
        return (*self.selection_warnings, *set_aside_warning(self.set_aside, "ScaleOps' workload list"))

    @property
    def keys(self) -> tuple[WorkloadKey, ...]:
        """The keys of its workloads."""
        return tuple(workload.key for workload in self.workloads)

    @property
    def clusters(self) -> tuple[str, ...]:
        """Its clusters, in the order of its workloads."""
        return tuple(dict.fromkeys(key.cluster for key in self.keys))

    def on(self, cluster: str) -> tuple[Workload, ...]:
        """Return its workloads of one cluster."""
        return tuple(workload for workload in self.workloads if workload.key.cluster == cluster)


def fetch_own_workloads(component: Component, live: LiveContext, *, workload_name: str | None = None) -> ComponentWorkloads:
    """Fetch the component's workloads for a live action, or those with one name.

    Raises:
        InvalidSelector, ServiceError: as `fetch_workloads`. NotFoundError: it has no workload of that name.
    """
    owned = fetch_workloads(component, live.scaleops, namespaces_allowed=live.namespaces_allowed, fan_out=live.fan_out)
    if workload_name is None:
        return owned
    named = tuple(workload for workload in owned.workloads if workload.key.name == workload_name)
    if not named:
        message = f"{component.ref} has no workload named {workload_name!r}"
        raise NotFoundError(message)
    return replace(owned, workloads=named)


def fetch_workloads(
    component: Component, scaleops: ScaleOps, *, namespaces_allowed: Mapping[EntityRef, tuple[str, ...]], fan_out: FanOut
) -> ComponentWorkloads:
    """Fetch the component's workloads, one call per expanded selector, and keep what its annotations and our settings allow.

    Raises:
        InvalidSelector: it has no selector that can be queried.
        ServiceError: a call failed.
    """
    ownership = ownership_of(component, namespaces_allowed)
    queries = ownership.plan.queries
    fetched = fan_out([partial(scaleops.workloads, labels) for labels in queries])
    found_by: dict[WorkloadKey, tuple[str, ...]] = {}
    workloads: list[Workload] = []
    set_aside: dict[SetAsideRow, None] = {}
    for labels, rows in zip(queries, fetched, strict=True):
        set_aside.update(
            {row: None for row in set_aside_of(rows) if ownership.may_own(cluster=row.cluster, namespace=row.namespace)}
        )
        for workload in rows:
            key = workload.key
            if key not in found_by and ownership.matches_annotations(cluster=key.cluster, namespace=key.namespace):
                found_by[key] = labels
                workloads.append(workload)
    return _within_allowed_namespaces(ownership, workloads, found_by, tuple(set_aside))


@dataclass(frozen=True, slots=True)
class NotMonitored:
    """ScaleOps does not monitor the network of this cluster."""


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A network call that failed. `is_monitored` is None if the list of monitored clusters could not be fetched either."""

    reason: str
    is_monitored: bool | None


Costs: TypeAlias = dict[str, Fetched[tuple[CostRow, ...]]]
"""By cluster."""
Policies: TypeAlias = dict[str, Fetched[tuple[PolicyDefinition, ...]]]
"""By cluster."""
Network: TypeAlias = dict[WorkloadKey, tuple[Destination, ...] | NotMonitored | Unmeasured]
FetchCosts: TypeAlias = Callable[[tuple[Workload, ...], Callable[[], tuple[CostRow, ...]]], tuple[CostRow, ...]]
"""Returns the cost rows of workloads of one cluster, given the call that fetches them."""
Call: TypeAlias = Callable[[], None]
"""One ScaleOps call that stores its own result, so that calls of all kinds can run in parallel."""


def cost_calls(
    owned: ComponentWorkloads, scaleops: ScaleOps, *, cost_range: str, into: Costs, via: FetchCosts | None = None
) -> list[Call]:
    """Return the calls for its cost: one per cluster, with all namespaces and types that it has there.

    Of a component with several queries, workloads without a row are asked for once more, by the labels of the query that found them.
    `via` gets the workloads of a cluster and the call, which it may leave out if it has the rows.
    """

    def fetch(cluster: str) -> tuple[CostRow, ...]:
        workloads = owned.on(cluster)
        rows = fetch_labelled(cluster, workloads, owned.labels)
        lacking = _without_row(workloads, rows)
        for labels in dict.fromkeys(owned.found_by[workload.key] for workload in lacking):
            if labels != owned.labels:  # a ScaleOps that ANDs labels finds only what carries those of every query
                more = fetch_labelled(cluster, lacking, labels)
                rows = Rows.of((*rows, *more), dict.fromkeys((*set_aside_of(rows), *set_aside_of(more))))
        return rows

    def fetch_labelled(cluster: str, workloads: Sequence[Workload], labels: tuple[str, ...]) -> tuple[CostRow, ...]:
        return scaleops.costs(
            cluster=cluster,
            namespaces=tuple(dict.fromkeys(workload.key.namespace for workload in workloads)),
            types=tuple(dict.fromkeys(workload.key.type for workload in workloads)),
            labels=labels,
            cost_range=cost_range,
        )

    def fetch_via(cluster: str) -> tuple[CostRow, ...]:
        fetch_own = partial(fetch, cluster)
        return fetch_own() if via is None else via(owned.on(cluster), fetch_own)

    return [partial(_store_result, into, cluster, partial(fetch_via, cluster)) for cluster in owned.clusters]


def policy_calls(owned: ComponentWorkloads, scaleops: ScaleOps, *, into: Policies) -> list[Call]:
    """Return the calls for the policies of each cluster where the component has a workload with a policy."""
    clusters = dict.fromkeys(workload.key.cluster for workload in owned.workloads if policy_of(workload) is not None)
    return [partial(_store_result, into, cluster, partial(scaleops.policies, cluster)) for cluster in clusters]


def network_calls(
    owned: ComponentWorkloads,
    scaleops: ScaleOps,
    *,
    start: datetime,
    end: datetime,
    into: Network,
    except_for: Collection[WorkloadKey] = (),
) -> list[Call]:
    """Return the calls for the peers of each workload on a monitored cluster. The list of clusters is fetched at once.

    No call is made for the workloads in `except_for`, and none of them is put `into` the result unless it is not monitored.
    """
    if not owned.workloads:
        return []
    flags = _result_of(scaleops.network_flags)
    if isinstance(flags, ServiceError):
        asked = (key for key in owned.keys if key not in except_for)
        into.update(dict.fromkeys(asked, Unmeasured(str(flags), is_monitored=None)))
        return []
    watched = {key: flags.get(key.cluster, False) for key in owned.keys}
    unknown = Unmeasured("ScaleOps does not say clearly whether it monitors the network of this cluster", is_monitored=None)
    into.update({key: unknown if is_watched is None else NotMonitored() for key, is_watched in watched.items() if not is_watched})

    def fetch(key: WorkloadKey) -> None:
        peers = _result_of(partial(scaleops.network, key, start=start, end=end))
        into[key] = Unmeasured(str(peers), is_monitored=True) if isinstance(peers, ServiceError) else peers

    return [partial(fetch, key) for key, is_watched in watched.items() if is_watched and key not in except_for]


def _store_result(into: dict[K, Fetched[T]], key: K, call: Callable[[], T]) -> None:
    into[key] = _result_of(call)


def _result_of(call: Callable[[], T]) -> Fetched[T]:
    try:
        return call()
    except ServiceError as failure:
        return failure


def own_cost_rows(owned: ComponentWorkloads, costs: Costs) -> dict[WorkloadKey, CostRow]:
    """Return the component's own rows, in the order of ScaleOps; of a repeated id the first row counts.

    The endpoint ORs labels, and an id may recur in other clusters, so rows are matched per cluster. The two endpoints differ in
    the letter case of ids.
    """
    rows: dict[WorkloadKey, CostRow] = {}
    for cluster in owned.clusters:
        fetched = costs[cluster]
        if isinstance(fetched, ServiceError):
            continue
        own = {normalized_id(workload.id): workload.key for workload in owned.on(cluster) if workload.id is not None}
        for row in fetched:
            key = own.get(normalized_id(row.id))
            if key is not None:
                rows.setdefault(key, row)
    return rows


def set_aside_warning(rows: Sequence[SetAsideRow], what: str) -> list[str]:
    """Return one warning about the rows of a response that could not be read; none if there are none."""
    if not rows:
        return []
    shown = "; ".join(str(row) for row in rows[:_MAX_NAMED])
    more = f"; and {len(rows) - _MAX_NAMED} more" if len(rows) > _MAX_NAMED else ""
    return [
        f"{format_count(len(rows), 'row')} of {what} could not be read and {'is' if len(rows) == 1 else 'are'} unknown: {shown}{more}"
    ]


def _without_row(workloads: Sequence[Workload], rows: Iterable[CostRow]) -> list[Workload]:
    found = {normalized_id(row.id) for row in rows}
    return [workload for workload in workloads if workload.id is not None and normalized_id(workload.id) not in found]


def policy_of(workload: Workload) -> str | None:
    """Return the name of the workload's policy, if it has one."""
    return None if workload.policy_name in (None, "", NO_POLICY) else workload.policy_name


def _within_allowed_namespaces(
    ownership: Ownership,
    workloads: list[Workload],
    found_by: Mapping[WorkloadKey, tuple[str, ...]],
    set_aside: tuple[SetAsideRow, ...],
) -> ComponentWorkloads:
    kept = [workload for workload in workloads if ownership.owns(cluster=workload.key.cluster, namespace=workload.key.namespace)]
    warnings = [*ownership.plan.warnings]
    if not workloads and not set_aside:  # zero looks like a measurement
        warnings.append(NOTHING_MATCHES)
    if len(kept) < len(workloads):
        refused = sorted({workload.key.namespace for workload in workloads} - set(ownership.allowed_namespaces or ()))
        warnings.append(
            f"{len(workloads) - len(kept)} of {len(workloads)} workloads were left out: the settings do not allow {ownership.ref} "
            f"the namespaces {', '.join(refused)}"
        )
    return ComponentWorkloads(
        workloads=tuple(kept),
        found_by=found_by,
        labels=ownership.plan.labels,
        selection_warnings=tuple(warnings),
        set_aside=set_aside,
    )
