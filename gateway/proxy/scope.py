"""GATEWAY_PROXY_SCOPE=catalog: a user reads only what the components own that the catalog shows them.

The labels of a request must be the selector of such a component, and the rows of other workloads are removed from the response: the cost
endpoint ORs labels, so it returns hundreds of rows of other components. Workload ids are unique within a cluster only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from http import HTTPStatus

from domain.ownership import Ownership, normalized_id
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from gateway.auth.callers import Caller
from gateway.auth.visibility import Visibility
from gateway.proxy.bodies import CostQuery
from gateway.proxy.body_worker import BodyWorker
from gateway.proxy.cache import CachedResponse, ResponseCache
from gateway.proxy.component_index import ComponentIndex
from gateway.proxy.json_filter import JsonRows, Row, UnparseableJson, read_rows
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.responses import bad_request, forbidden, unavailable

FetchWorkloads = Callable[[tuple[str, ...]], Awaitable[CachedResponse]]
"""Returns ScaleOps' list of the workloads that carry all of the labels."""
Owned = Iterable[tuple[EntityRef, Iterable[WorkloadKey]]]
"""The workloads of a response by the component that owns them."""


class ProxyScope:
    """Every method may raise ServiceError: the catalog is unavailable."""

    def __init__(
        self,
        *,
        index: ComponentIndex,
        visibility: Visibility,
        owners: CachedWorkloadOwners,
        cache: ResponseCache,
        worker: BodyWorker,
    ) -> None:
        self._index = index
        self._visibility = visibility
        self._owners = owners
        self._cache = cache
        self._worker = worker

    async def ownerships(
        self, caller: Caller, labels: Sequence[str], *, queries: Sequence[Sequence[str]] = ()
    ) -> tuple[Ownership, ...]:
        """Return what the components with this selector own that the caller may see; of several queries each must be theirs.

        Raises:
            HttpError: 403, there are none. It does not say whether a component exists that the caller may not see.
        """
        found = await self._index.find(labels)
        if len(queries) > 1:
            wanted = {frozenset(query) for query in queries}
            found = tuple(one for one in found if wanted <= {frozenset(query) for query in one.plan.queries})
        shown = await self._visibility.visible(caller, [ownership.ref for ownership in found])
        visible = tuple(ownership for ownership in found if ownership.ref in shown)
        if not visible:
            message = (
                "these labels are not the selector of a component that the catalog shows you; "
                "the proxy returns only the workloads of such components"
            )
            raise forbidden(message)
        return visible

    async def filter_workloads(self, response: CachedResponse, ownerships: tuple[Ownership, ...]) -> bytes:
        """Return the workload list without the rows that none of the components owns."""

        async def filter_body() -> bytes:
            body, owned = await self._worker.run(response.body, partial(_filter_workloads, ownerships=ownerships))
            self._record(owned)
            return body

        return await self._cache.filtered(response, ownerships, filter_body)

    async def filter_costs(
        self, response: CachedResponse, ownerships: tuple[Ownership, ...], *, cluster: str, fetch_workloads: FetchWorkloads
    ) -> bytes:
        """Return the cost report of one cluster without the rows of workloads that none of the components owns."""
        lists: list[tuple[Ownership, CachedResponse]] = []
        for ownership in ownerships:
            for labels in ownership.plan.queries:
                workloads = await fetch_workloads(labels)
                if workloads.status != HTTPStatus.OK:
                    message = f"the costs cannot be filtered: ScaleOps returned {workloads.status} for the list of your workloads"
                    raise unavailable(message, status=HTTPStatus.BAD_GATEWAY)
                lists.append((ownership, workloads))

        async def filter_body() -> bytes:
            ids: set[str] = set()
            for ownership, workloads in lists:
                work = partial(_find_ids, ownership=ownership, cluster=cluster)
                found, owned = await self._worker.run(workloads.body, work)
                self._record(owned)
                ids |= found
            return await self._worker.run(response.body, partial(_filter_costs, ids=ids))

        view = cluster, *((ownership, workloads.identity) for ownership, workloads in lists)
        return await self._cache.filtered(response, view, filter_body)

    async def require_workload(self, caller: Caller, key: WorkloadKey) -> None:
        """Check that a component that the caller may see owns a workload.

        Raises:
            HttpError: 403, no such component is known.
        """
        for owners in (self._owners.recent, self._owners.stored):
            if await self._visibility.visible(caller, await owners(key)):
                return
        message = (
            f"{key.type} {key.name} is not known as a workload of a component that the catalog shows you; "
            "list the component's workloads first"
        )
        raise forbidden(message)

    def _record(self, owned: Owned) -> None:
        for ref, keys in owned:
            self._owners.record(ref, keys)


def require_one_cluster(query: CostQuery, routed: str | None) -> str:
    """Return the one cluster that a cost query is for: its rows do not name their cluster, and ids are unique within one only.

    Raises:
        HttpError: 400, it names none, several, or another one than the header.
    """
    clusters: set[str] = {*query.clusters, *(() if routed is None else (routed,))}
    if len(clusters) != 1:
        message = "name one cluster, the same in clusterFilters and in X-Scaleops-Cluster: costs are filtered by cluster"
        raise bad_request(message)
    (cluster,) = clusters
    return cluster


def _filter_workloads(body: bytes, ownerships: Sequence[Ownership]) -> tuple[bytes, Owned]:
    workloads = _read(body, "workloads")
    filtered = workloads.filtered(lambda row: any(_owns(ownership, row) for ownership in ownerships))
    return filtered, [_owned(workloads.rows, ownership) for ownership in ownerships]


def _filter_costs(body: bytes, ids: Collection[str]) -> bytes:
    return _read(body, "aggregatedWorkloads").filtered(lambda row: normalized_id(str(row.get("id"))) in ids)


def _find_ids(body: bytes, ownership: Ownership, cluster: str) -> tuple[set[str], Owned]:
    rows = _read(body, "workloads").rows
    own = [row for row in rows if row.get("clusterName") == cluster and _owns(ownership, row)]
    ids = {normalized_id(str(row["id"])) for row in own if row.get("id") is not None}
    return ids, [_owned(rows, ownership)]


def _owns(ownership: Ownership, row: Row) -> bool:
    return ownership.owns(cluster=row.get("clusterName"), namespace=row.get("namespace"))


def _owned(rows: Sequence[Row], ownership: Ownership) -> tuple[EntityRef, list[WorkloadKey]]:
    keys = [_key(row) for row in rows if _owns(ownership, row)]
    return ownership.ref, [key for key in keys if key is not None]


def _key(row: Row) -> WorkloadKey | None:
    match row:
        case {"clusterName": str(cluster), "namespace": str(namespace), "type": str(kind), "workloadName": str(name)}:
            return WorkloadKey(cluster=cluster, namespace=namespace, type=kind, name=name)
    return None


def _read(body: bytes, member: str) -> JsonRows:
    try:
        return read_rows(body, member)
    except UnparseableJson as error:
        message = f"the response of ScaleOps cannot be filtered to what you may see: {error}"
        raise unavailable(message, status=HTTPStatus.BAD_GATEWAY) from None
