"""What of ScaleOps' answers a user may see: the workloads of components that the catalog shows them.

The labels they ask by must be the selector of such a component, and rows that are no workload of it are cut out. The cost endpoint
takes labels one by one, so that for one component hundreds of foreign rows come back; ids are the same in every cluster.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from http import HTTPStatus

from domain.component import Component
from domain.ownership import Ownership, normalized_id, ownership_of
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from gateway.auth.callers import Caller
from gateway.auth.visibility import Visibility
from gateway.proxy.bodies import CostQuery
from gateway.proxy.body_worker import BodyWorker
from gateway.proxy.cache import CachedResponse
from gateway.proxy.component_index import ComponentIndex
from gateway.proxy.json_filter import JsonRows, Row, UnparseableJson, read_rows
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.responses import HttpError, bad_request, forbidden, unavailable

FetchWorkloads = Callable[[tuple[str, ...]], Awaitable[CachedResponse]]
"""Answers what ScaleOps lists for labels, all of which a workload carries."""

Owned = Sequence[tuple[EntityRef, Sequence[WorkloadKey]]]
"""Which workloads an answer showed to be whose."""


class ProxyScope:
    """GATEWAY_PROXY_SCOPE=catalog. Everything here may raise ServiceError, when the catalog cannot be asked."""

    def __init__(
        self,
        *,
        index: ComponentIndex,
        visibility: Visibility,
        owners: CachedWorkloadOwners,
        reader: BodyWorker,
        namespaces_allowed: Mapping[EntityRef, tuple[str, ...]],
    ) -> None:
        self._index = index
        self._visibility = visibility
        self._owners = owners
        self._reader = reader
        self._namespaces_allowed = namespaces_allowed

    async def components_for(self, caller: Caller, labels: Sequence[str]) -> tuple[Component, ...]:
        """Answer the components of these labels that the caller may see.

        Raises:
            Refused: 403, there is none. Whether there is one they may not see is not told.
        """
        found = await self._index.asking_by(labels)
        shown = await self._visibility.visible(caller, [component.ref for component in found])
        visible = tuple(component for component in found if component.ref in shown)
        if not visible:
            message = (
                "these labels are the selector of no component that the catalog shows you; "
                "the proxy answers only about the workloads of such components"
            )
            raise forbidden(message)
        return visible

    async def filter_workloads(self, kept: CachedResponse, components: Sequence[Component]) -> bytes:
        """Answer the list of workloads without rows that are none of the components' own."""
        ownerships = self._ownerships(components)

        async def make() -> bytes:
            part, owned = await self._reader.read(kept.body, lambda body: _filter_workloads(body, ownerships))
            self._note(owned)
            return part

        return await kept.part(ownerships, make)

    async def filter_costs(
        self, kept: CachedResponse, components: Sequence[Component], *, cluster: str, fetch_workloads: FetchWorkloads
    ) -> bytes:
        """Answer the cost rows of one cluster without those of workloads that are none of the components' own."""
        own: list[bytes] = []
        for ownership in self._ownerships(components):
            for labels in ownership.plan.queries:
                answer = await fetch_workloads(labels)
                if answer.status != HTTPStatus.OK:
                    message = f"ScaleOps answered {answer.status} when it was asked whose the costs are"
                    raise unavailable(message, status=HTTPStatus.BAD_GATEWAY)
                own.append(await self._own_ids(answer, ownership, cluster))

        async def make() -> bytes:
            ids = frozenset(one for part in own for one in json.loads(part))
            return await self._reader.read(kept.body, lambda body: _filter_costs(body, ids))

        return await kept.part(hashlib.sha256(b"\n".join(own)).digest(), make)

    async def _own_ids(self, answer: CachedResponse, ownership: Ownership, cluster: str) -> bytes:
        """Answer the ids of a component's workloads in one cluster, in lower case, as a JSON list."""

        async def make() -> bytes:
            part, owned = await self._reader.read(answer.body, lambda body: _list_ids(body, (ownership,), cluster))
            self._note(owned)
            return part

        return await answer.part((cluster, ownership), make)

    async def require_workload(self, caller: Caller, key: WorkloadKey) -> None:
        """Check that a workload belongs to a component that the caller may see.

        Raises:
            Refused: 403, it does not, as far as is known.
        """
        for known in (self._owners.recent, self._owners.stored):
            if await self._visibility.visible(caller, await known(key)):
                return
        message = (
            f"{key.type} {key.name} is known to be a workload of no component that the catalog shows you; "
            "list the component's workloads first"
        )
        raise forbidden(message)

    def _ownerships(self, components: Sequence[Component]) -> tuple[Ownership, ...]:
        return tuple(ownership_of(component, self._namespaces_allowed) for component in components)

    def _note(self, owned: Owned) -> None:
        for ref, keys in owned:
            self._owners.note(ref, keys)


def one_cluster(question: CostQuery, routed: str | None) -> str:
    """Answer the one cluster that a cost question is about: rows do not name theirs, and ids recur.

    Raises:
        Refused: 400, it names none, several, or another than the header.
    """
    named: set[str] = {*question.clusters, *(() if routed is None else (routed,))}
    if len(named) != 1:
        message = "name one cluster, alike in clusterFilters and in X-Scaleops-Cluster: costs are told apart by cluster only"
        raise bad_request(message)
    (cluster,) = named
    return cluster


def _is_held(row: Row, ownerships: Sequence[Ownership]) -> bool:
    return any(rule.owns(cluster=row.get("clusterName"), namespace=row.get("namespace")) for rule in ownerships)


def _key_of(row: Row) -> WorkloadKey | None:
    parts = [row.get(name) for name in ("clusterName", "namespace", "type", "workloadName")]
    cluster, namespace, kind, name = (part if isinstance(part, str) else None for part in parts)
    if cluster is None or namespace is None or kind is None or name is None:
        return None
    return WorkloadKey(cluster=cluster, namespace=namespace, type=kind, name=name)


def _filter_workloads(body: bytes, ownerships: Sequence[Ownership]) -> tuple[bytes, Owned]:
    listed = _read(body, "workloads")
    return listed.filtered(lambda row: _is_held(row, ownerships)), _owned(listed.rows, ownerships)


def _list_ids(body: bytes, ownerships: Sequence[Ownership], cluster: str) -> tuple[bytes, Owned]:
    rows = _read(body, "workloads").rows
    ids = {
        normalized_id(str(row["id"]))
        for row in rows
        if row.get("clusterName") == cluster and row.get("id") is not None and _is_held(row, ownerships)
    }
    return json.dumps(sorted(ids)).encode(), _owned(rows, ownerships)


def _filter_costs(body: bytes, ids: Collection[str]) -> bytes:
    return _read(body, "aggregatedWorkloads").filtered(lambda row: normalized_id(str(row.get("id"))) in ids)


def _owned(rows: Sequence[Row], ownerships: Sequence[Ownership]) -> Owned:
    """Answer which workloads are whose."""
    return [
        (rule.ref, [key for row in rows if _is_held(row, (rule,)) and (key := _key_of(row)) is not None]) for rule in ownerships
    ]


def _read(body: bytes, member: str) -> JsonRows:
    try:
        return read_rows(body, member)
    except UnparseableJson as why:
        raise _cannot_cut(why) from None


def _cannot_cut(why: UnparseableJson) -> HttpError:
    message = f"ScaleOps' answer cannot be narrowed to what you may see: {why}"
    return unavailable(message, status=HTTPStatus.BAD_GATEWAY)
