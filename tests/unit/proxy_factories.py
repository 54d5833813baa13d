"""Builders of the proxy's parts, around one component and a fixed clock."""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from clients.http.byte_budget import ByteBudget
from domain.component import Component
from domain.refs import EntityRef
from gateway.auth.visibility import CatalogLookup, Visibility
from gateway.proxy.body_worker import BodyWorker
from gateway.proxy.cache import CachedResponse, ResponseCache
from gateway.proxy.component_index import ComponentIndex
from gateway.proxy.scope import ProxyScope
from gateway.proxy.workload_owners import CachedWorkloadOwners
from tests.stage_factories import WEB, OneEntity


def now() -> datetime:
    return datetime(2026, 11, 23, tzinfo=timezone.utc)


def a_cache() -> ResponseCache:
    return ResponseCache(ttl_s=10, timer=lambda: 0.0, count=lambda _: None)


def a_response(member: str, rows: list[dict[str, Any]]) -> CachedResponse:
    return CachedResponse(status=200, headers=(), body=json.dumps({member: rows}).encode())


def a_scope(
    component: Component = WEB,
    allowed: Mapping[EntityRef, tuple[str, ...]] | None = None,
    *,
    lookup: CatalogLookup | None = None,
    owners: CachedWorkloadOwners | None = None,
    worker: BodyWorker | None = None,
) -> ProxyScope:
    return ProxyScope(
        index=ComponentIndex(OneEntity(component), allowed or {}, clock=now),
        visibility=Visibility(lookup, clock=now),
        owners=owners or CachedWorkloadOwners(lambda _: (), clock=now),
        cache=a_cache(),
        worker=worker or BodyWorker(ByteBudget(2**30)),
    )
