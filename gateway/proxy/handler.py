"""The ScaleOps proxy: sends a listed request upstream and returns the response.

request -> path, query, headers and body parsed strictly -> authorised -> cache -> ScaleOps -> repair -> filter -> response

Status, Content-Type and Retry-After pass. A redirect (to a login page) and a 401 (which a browser would take for its own) become a 502.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from clients.http.errors import ServiceError
from clients.http.messages import HttpRequest, HttpResponse
from clients.scaleops.async_client import SendRequest
from domain.workload import WorkloadKey
from gateway.auth.callers import ANONYMOUS, Caller
from gateway.proxy.bodies import read_costs_body, read_workloads_body, write_costs_body, write_workloads_body
from gateway.proxy.body_worker import BodyWorker
from gateway.proxy.cache import CachedResponse, CacheLookup, ResponseCache
from gateway.proxy.json_filter import UnparseableJson, is_complete, repair, unite
from gateway.proxy.routes import ROUTES, ProxyRoute, RouteTable, read_cluster, read_query
from gateway.proxy.scope import ProxyScope, require_one_cluster
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse, Header, bad_request, forbidden, unavailable

Observe = Callable[[str, str, float], None]
"""Called after every upstream request with the route, the outcome (a status or an error kind) and the seconds."""

_ADDED_HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # An upstream error page must not become a page of Backstage's own origin.
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
_WORKLOADS: Final = next(route for route in ROUTES if route.kind == "workloads")
_OK: Final = HTTPStatus.OK
"""Of every request: Python 3.11 looks up a member of an enum in Python code."""
_MAX_HEADER_LENGTH: Final = 256
_UNPRINTABLE: Final = re.compile("[^ -~]")


class Proxy:
    """Serves the listed routes. `scope` is None for GATEWAY_PROXY_SCOPE=any."""

    def __init__(
        self,
        *,
        routes: RouteTable,
        send: SendRequest,
        cache: ResponseCache,
        scope: ProxyScope | None,
        worker: BodyWorker,
        timer: Callable[[], float],
        observe: Observe,
    ) -> None:
        self._routes = routes
        self._send = send
        self._cache = cache
        self._scope = scope
        self._worker = worker
        self._timer = timer
        self._observe = observe

    async def handle(self, request: GatewayRequest) -> GatewayResponse:
        """Return the response to one request.

        Raises:
            HttpError: the request is not allowed; nothing was sent upstream for it.
            ServiceError: ScaleOps or the catalog is unavailable.
        """
        request.route = "proxy"
        route = self._routes.find(request.target, request.method)
        request.route = route.name
        query = read_query(route, request.query)
        cluster = read_cluster(route, request)
        if route.method == "GET" and request.has_body:
            message = "a GET request of the proxy has no body"
            raise bad_request(message)
        caller = request.caller or ANONYMOUS
        scope = None if caller.sees_everything else self._scope
        match route.kind:
            case "workloads":
                return await self._handle_workloads(request, route, query, scope=scope, caller=caller)
            case "costs":
                return await self._handle_costs(request, route, query, cluster=cluster, scope=scope, caller=caller)
            case "network" if scope is not None:
                await scope.require_workload(caller, _requested_workload(query, cluster))
            case "extra" if scope is not None:
                message = (
                    "this path is for services only: its response cannot be filtered to what a user may see "
                    "(GATEWAY_PROXY_SCOPE=catalog)"
                )
                raise forbidden(message)
        return _response(await self._cached(route, query, cluster, None))

    async def _handle_workloads(
        self, request: GatewayRequest, route: ProxyRoute, query: str, *, scope: ProxyScope | None, caller: Caller
    ) -> GatewayResponse:
        plan = read_workloads_body(await request.read_body(), request.header(b"content-type"))
        ownerships = () if scope is None else await scope.ownerships(caller, plan.labels, queries=plan.queries)
        bodies: list[bytes] = []
        for labels in plan.queries:
            lookup = await self._cached(route, query, None, write_workloads_body(labels))
            if lookup.response.status != HTTPStatus.OK:
                return _response(lookup)
            filtered = lookup.response.body if scope is None else await scope.filter_workloads(lookup.response, ownerships)
            bodies.append(filtered)
        return _response(lookup, bodies[0] if len(bodies) == 1 else await self._united(bodies))

    async def _united(self, bodies: list[bytes]) -> bytes:
        """Return the rows of all workload lists: a selector with a list of values is several queries."""
        try:
            return await self._worker.run(b"".join(bodies), lambda _: unite(bodies, "workloads"))
        except UnparseableJson as error:
            message = f"the workload lists of ScaleOps cannot be united: {error}"
            raise unavailable(message, status=HTTPStatus.BAD_GATEWAY) from None

    async def _handle_costs(
        self,
        request: GatewayRequest,
        route: ProxyRoute,
        query: str,
        *,
        cluster: str | None,
        scope: ProxyScope | None,
        caller: Caller,
    ) -> GatewayResponse:
        cost_query = read_costs_body(await request.read_body(), request.header(b"content-type"))
        body = write_costs_body(cost_query)
        if scope is None:
            return _response(await self._cached(route, query, cluster, body))
        one_cluster = require_one_cluster(cost_query, cluster)
        ownerships = await scope.ownerships(caller, cost_query.labels)
        lookup = await self._cached(route, query, cluster, body)
        if lookup.response.status != HTTPStatus.OK:
            return _response(lookup)
        filtered = await scope.filter_costs(
            lookup.response, ownerships, cluster=one_cluster, fetch_workloads=self._fetch_workloads
        )
        return _response(lookup, filtered)

    async def _fetch_workloads(self, labels: tuple[str, ...]) -> CachedResponse:
        query = read_query(_WORKLOADS, b"")
        return (await self._cached(_WORKLOADS, query, None, write_workloads_body(labels))).response

    def _cached(self, route: ProxyRoute, query: str, cluster: str | None, body: bytes | None) -> Awaitable[CacheLookup]:
        return self._cache.get((route.name, query, cluster, body), partial(self._fetch, route, query, cluster, body))

    async def _fetch(self, route: ProxyRoute, query: str, cluster: str | None, body: bytes | None) -> CachedResponse:
        headers = {} if body is None else {"Content-Type": "application/json"}
        if cluster is not None:
            headers["X-Scaleops-Cluster"] = cluster
        target = f"{route.path}?{query}" if query else route.path
        started = self._timer()
        outcome = "failed"
        try:
            upstream = await self._send(HttpRequest(method=route.method, target=target, headers=headers, body=body))
            outcome = str(upstream.status)
        except ServiceError as error:
            outcome = error.kind.value
            raise
        finally:
            self._observe(route.name, outcome, self._timer() - started)
        response = _to_cached(upstream)
        member = route.repaired
        if member is None or not _is_json(upstream) or is_complete(response.body, member):
            return response
        repaired = await self._worker.run(response.body, partial(repair, member=member, empty=route.empty))
        return replace(response, body=repaired)


def _requested_workload(query: str, cluster: str | None) -> WorkloadKey:
    if cluster is None:
        message = "the header X-Scaleops-Cluster is missing: the cluster is part of a workload's name"
        raise bad_request(message)
    values = dict(parse_qsl(query))
    return WorkloadKey(cluster=cluster, namespace=values["namespace"], type=values["workloadType"], name=values["name"])


def _is_json(upstream: HttpResponse) -> bool:
    return upstream.status == _OK and _media_type(upstream.headers.get("Content-Type", "")) == "application/json"


@lru_cache(maxsize=256)
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _to_cached(upstream: HttpResponse) -> CachedResponse:
    """Return the parts of an upstream response that pass. Raises HttpError (502) for a redirect and a 401."""
    if upstream.status != _OK:
        _require_passable(upstream.status)
    headers = _response_headers(upstream.headers.get("Content-Type"), upstream.headers.get("Retry-After"))
    return CachedResponse(status=upstream.status, headers=headers, body=upstream.body)


@lru_cache(maxsize=256)
def _response_headers(content_type: str | None, retry_after: str | None) -> tuple[Header, ...]:
    """Return the headers that pass, and those that are added. Cached, because nearly all responses have the same."""
    passed = ((b"content-type", content_type), (b"retry-after", retry_after))
    return (*((name, _printable(value)) for name, value in passed if value is not None), *_ADDED_HEADERS)


def _require_passable(status: int) -> None:
    if status == HTTPStatus.UNAUTHORIZED:
        message = "ScaleOps does not accept the gateway's credentials"
        raise unavailable(message, status=HTTPStatus.BAD_GATEWAY)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST or status < _OK:
        message = f"ScaleOps returned a redirect ({status}), probably to a login page; it was not followed"
        raise unavailable(message, status=HTTPStatus.BAD_GATEWAY)


def _printable(value: str) -> bytes:
    return _UNPRINTABLE.sub("", value)[:_MAX_HEADER_LENGTH].encode("ascii")


def _response(lookup: CacheLookup, body: bytes | None = None) -> GatewayResponse:
    response = lookup.response
    return GatewayResponse(
        status=response.status,
        headers=(*response.headers, (b"cache-status", lookup.status)),
        body=response.body if body is None else body,
    )
