"""The proxy: a question of the list goes upstream as we understood it, and the answer comes back as it is.

request ─> path, query, headers, body: read strictly ─> may this caller ask it? ─> cache ─> ScaleOps ─> repair ─> cut ─> answer

Status, content type and Retry-After are upstream's. What would mislead is not passed: a redirect (to a login page) and a 401 (which a
browser would take for its own) are told as our trouble with ScaleOps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from clients.http.client import HttpRequest, ServiceError
from clients.http.client import HttpResponse as UpstreamAnswer
from clients.scaleops.async_client import SendRequest
from domain.workload import WorkloadKey
from gateway.auth.callers import ANONYMOUS, Caller
from gateway.proxy.bodies import read_costs_body, read_workloads_body, write_costs_body, write_workloads_body
from gateway.proxy.body_worker import BodyWorker
from gateway.proxy.cache import CachedResponse, CacheLookup, ResponseCache
from gateway.proxy.json_filter import is_complete, repair
from gateway.proxy.routes import ROUTES, ProxyRoute, RouteTable, read_cluster, read_query
from gateway.proxy.scope import ProxyScope, one_cluster
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse, Header, bad_request, forbidden, unavailable

Observe = Callable[[str, str, float], None]
"""Told of every upstream call: route, outcome (a status or a word), seconds."""

_JSON_BODY: Final = {"Content-Type": "application/json"}
_PASSED: Final = (("Content-Type", b"content-type"), ("Retry-After", b"retry-after"))
"""The headers of upstream's that pass, by name; no other does."""
_OURS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # An upstream error page must not become a page of Backstage's own origin.
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
_WORKLOADS: Final = next(route for route in ROUTES if route.kind == "workloads")
_LONGEST_HEADER: Final = 256


class Proxy:
    """Answers the routes of the list. `scope` is None for GATEWAY_PROXY_SCOPE=any."""

    def __init__(
        self,
        *,
        routes: RouteTable,
        ask: SendRequest,
        cache: ResponseCache,
        scope: ProxyScope | None,
        reader: BodyWorker,
        timer: Callable[[], float],
        observe: Observe,
    ) -> None:
        self._routes = routes
        self._ask = ask
        self._cache = cache
        self._scope = scope
        self._reader = reader
        self._timer = timer
        self._observe = observe

    async def answer(self, exchange: GatewayRequest) -> GatewayResponse:
        """Answer one request.

        Raises:
            Refused: it may not pass; nothing was sent upstream on its behalf.
            ServiceError: ScaleOps or the catalog gave no answer.
        """
        exchange.route = "proxy"
        route = self._routes.find(exchange.target, exchange.method)
        exchange.route = route.name
        query = self._routes.read_query(route, exchange.query)
        cluster = read_cluster(route, exchange)
        if route.method == "GET" and exchange.has_body:
            message = "a GET takes no body here"
            raise bad_request(message)
        caller = exchange.caller or ANONYMOUS
        scope = None if caller.sees_everything else self._scope
        match route.kind:
            case "workloads":
                return await self._answer_workloads(exchange, route, query, scope=scope, caller=caller)
            case "costs":
                return await self._answer_costs(exchange, route, query, cluster=cluster, scope=scope, caller=caller)
            case "network" if scope is not None:
                await scope.require_workload(caller, _workload_asked(query, cluster))
            case "extra" if scope is not None:
                message = "this path is for services only: what a user may see of its answer cannot be told (GATEWAY_PROXY_SCOPE=catalog)"
                raise forbidden(message)
        had = await self._had(route, query, cluster, None)
        return _answer(had, had.kept.body)

    async def _answer_workloads(
        self, exchange: GatewayRequest, route: ProxyRoute, query: str, *, scope: ProxyScope | None, caller: Caller
    ) -> GatewayResponse:
        labels = read_workloads_body(await exchange.read_body(), exchange.header(b"content-type"))
        components = () if scope is None else await scope.components_for(caller, labels)
        had = await self._had(route, query, None, write_workloads_body(labels))
        if scope is None or had.kept.status != HTTPStatus.OK:
            return _answer(had, had.kept.body)
        return _answer(had, await scope.filter_workloads(had.kept, components))

    async def _answer_costs(
        self,
        exchange: GatewayRequest,
        route: ProxyRoute,
        query: str,
        *,
        cluster: str | None,
        scope: ProxyScope | None,
        caller: Caller,
    ) -> GatewayResponse:
        question = read_costs_body(await exchange.read_body(), exchange.header(b"content-type"))
        if scope is None:
            had = await self._had(route, query, cluster, write_costs_body(question))
            return _answer(had, had.kept.body)
        named = one_cluster(question, cluster)
        components = await scope.components_for(caller, question.labels)
        had = await self._had(route, query, cluster, write_costs_body(question))
        if had.kept.status != HTTPStatus.OK:
            return _answer(had, had.kept.body)
        body = await scope.filter_costs(had.kept, components, cluster=named, fetch_workloads=self._workloads_of)
        return _answer(had, body)

    async def _workloads_of(self, labels: tuple[str, ...]) -> CachedResponse:
        query = read_query(_WORKLOADS, b"")
        return (await self._had(_WORKLOADS, query, None, write_workloads_body(labels))).kept

    async def _had(self, route: ProxyRoute, query: str, cluster: str | None, body: bytes | None) -> CacheLookup:
        async def ask() -> CachedResponse:
            return await self._kept(route, query, cluster, body)

        return await self._cache.get((route.name, query, cluster, body), ask)

    async def _kept(self, route: ProxyRoute, query: str, cluster: str | None, body: bytes | None) -> CachedResponse:
        headers: dict[str, str] = {} if body is None else dict(_JSON_BODY)
        if cluster is not None:
            headers["X-Scaleops-Cluster"] = cluster
        target = f"{route.path}?{query}" if query else route.path
        began = self._timer()
        outcome = "failed"
        try:
            answer = await self._ask(HttpRequest(method=route.method, target=target, headers=headers, body=body))
            outcome = str(answer.status)
        except ServiceError as failure:
            outcome = failure.kind.value
            raise
        finally:
            self._observe(route.name, outcome, self._timer() - began)
        kept = _kept(answer)
        member = route.repaired
        if member is None or not _is_json(answer) or is_complete(kept.body, member):
            return kept
        return replace(kept, body=await self._reader.read(kept.body, lambda sent: repair(sent, member, empty=route.empty)))


def _workload_asked(query: str, cluster: str | None) -> WorkloadKey:
    if cluster is None:
        message = "the header X-Scaleops-Cluster is missing: a workload is known by its cluster too"
        raise bad_request(message)
    asked = dict(parse_qsl(query))
    return WorkloadKey(cluster=cluster, namespace=asked["namespace"], type=asked["workloadType"], name=asked["name"])


def _is_json(answer: UpstreamAnswer) -> bool:
    """Say whether it is an answer in JSON."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return answer.status == HTTPStatus.OK and kind == "application/json"


def _kept(answer: UpstreamAnswer) -> CachedResponse:
    """Answer what of an upstream answer may be kept and passed.

    Raises:
        Refused: 502, it would mislead whoever asked.
    """
    if answer.status == HTTPStatus.UNAUTHORIZED:
        message = "ScaleOps does not accept the gateway's credentials"
        raise unavailable(message, status=HTTPStatus.BAD_GATEWAY)
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST or answer.status < HTTPStatus.OK:
        message = f"ScaleOps answered with a redirect ({answer.status}), probably to a login page, which is not followed"
        raise unavailable(message, status=HTTPStatus.BAD_GATEWAY)
    headers = [(name, _value(value)) for sent, name in _PASSED if (value := answer.headers.get(sent)) is not None]
    return CachedResponse(status=answer.status, headers=(*headers, *_OURS), body=answer.body)


def _value(text: str) -> bytes:
    """Answer a header value that is fit to be sent on: printable, and not endless."""
    kept = "".join(sign for sign in text if " " <= sign <= "~")
    return kept[:_LONGEST_HEADER].encode("ascii")


def _answer(had: CacheLookup, body: bytes) -> GatewayResponse:
    return GatewayResponse(status=had.kept.status, headers=(*had.kept.headers, (b"cache-status", had.status)), body=body)
