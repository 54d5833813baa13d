"""Builds the gateway of one process from its settings and dependencies; refuses to build one without authentication."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from starlette.routing import Router

from actions.context import HistoryContext, LiveContext
from actions.ports import Catalog
from clients.backstage.jwks import USER_KEYS, JwksCache
from clients.http.async_client import AsyncHttpClient
from clients.http.byte_budget import ByteBudget
from clients.http.client import HttpOptions
from clients.http.loopback import bracket_ipv6, is_loopback_host
from clients.scaleops.async_client import AsyncScaleOpsClient
from clients.scaleops.tokens import Credentials
from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from gateway.app import Gateway
from gateway.audit import AuditLog, Write
from gateway.auth.admission import Admission
from gateway.auth.allowed_hosts import AllowedHosts, cluster_suffixes
from gateway.auth.backstage_tokens import BackstageTokens
from gateway.auth.callers import Caller, Callers
from gateway.auth.cors import Cors
from gateway.auth.rate_limit import Rate, RateLimit
from gateway.auth.request_contexts import RequestContexts
from gateway.auth.signing import Signer
from gateway.auth.static_tokens import StaticTokens
from gateway.auth.visibility import Visibility, backstage_lookup
from gateway.compression import Compression
from gateway.proxy.body_worker import MAX_BODY_BYTES, MAX_HELD_BYTES, BodyWorker
from gateway.proxy.cache import ResponseCache
from gateway.proxy.component_index import ComponentIndex
from gateway.proxy.handler import Proxy
from gateway.proxy.routes import RouteTable, read_extra_route
from gateway.proxy.scope import ProxyScope
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.web.app import metrics_route, public_routes, raise_not_found
from gateway.web.health import DATABASE, Readiness, catalog_file_probe, database_probe, http_probe
from gateway.web.mcp_app import McpApp
from gateway.web.metrics import Metrics
from gateway.web.oauth_metadata import ResourceMetadata, metadata_url
from gateway.web.openapi import openapi_route
from gateway.web.pages import page_routes
from gateway.web.registry import LIST_PATH, registry_routes
from store import Store
from tasks.context import Policy
from wiring.secrets import routing_key_sealer
from wiring.settings import Settings, SettingsError

_BACKSTAGE_OPTIONS: Final = HttpOptions(timeout_s=5, connect_timeout_s=3, max_in_flight=32, max_response_bytes=4 * 1024 * 1024)
_FAILURE_RATE: Final = Rate(calls=600, period_s=60)
_SCALEOPS_PROBE: Final = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"


@dataclass(frozen=True, kw_only=True)
class GatewayDependencies:
    """What a gateway is built from."""

    settings: Settings
    store: Store
    live: LiveContext
    """With the catalog as the service sees it."""
    history: HistoryContext
    policy: Policy
    credentials: Credentials
    """Of ScaleOps: the same object that `live` uses, so that one login serves both."""
    limiter: ConcurrencyLimiter | None = None
    """Of ScaleOps: the same object that `live` uses. None: the proxy limits only its own calls."""
    catalog_with: Callable[[str], Catalog] | None = None
    """The live catalog read with a given token; None without BACKSTAGE_BASE_URL."""


def require_auth_configured(settings: Settings) -> None:
    """Check that callers are authenticated, and that some can be.

    Raises:
        SettingsError: names the setting to change.
    """
    auth, host = settings.gateway_auth, settings.gateway_host
    message = None
    if auth == "none" and not is_loopback_host(host):
        message = (
            f"GATEWAY_AUTH=none is allowed on loopback only, and GATEWAY_HOST is {host}: set GATEWAY_AUTH=backstage or token"
        )
    elif auth == "token" and not _static_tokens(settings).digests:
        message = "GATEWAY_AUTH=token needs GATEWAY_TOKENS: name=token, separated by commas"
    elif auth == "backstage" and settings.backstage_base_url is None:
        message = (
            "GATEWAY_AUTH=backstage needs BACKSTAGE_BASE_URL, which serves the keys of its tokens (or set GATEWAY_AUTH=token)"
        )
    elif settings.scaleops_base_url is None:
        message = "SCALEOPS_BASE_URL is not set; the gateway needs it"
    if message is not None:
        raise SettingsError(message)


def build_gateway(
    dependencies: GatewayDependencies, *, write_audit: Write | None = None, timer: Callable[[], float] = time.monotonic
) -> Gateway:
    """Build the application.

    Raises:
        SettingsError: it would serve without authentication, or a setting is wrong.
    """
    settings, live, clock = dependencies.settings, dependencies.live, dependencies.live.clock
    require_auth_configured(settings)
    metrics = Metrics()
    budget = ByteBudget(MAX_HELD_BYTES)
    scaleops = _scaleops_client(dependencies, metrics, budget)
    base_url = settings.backstage_base_url
    backstage = AsyncHttpClient("Backstage", base_url, _BACKSTAGE_OPTIONS) if base_url is not None else None
    signer = Signer(dependencies.store, clock=clock)
    visibility = Visibility(backstage_lookup(backstage, signer) if backstage is not None else None, clock=clock)
    index = ComponentIndex(live.catalog, live.namespaces_allowed, clock=clock)
    cache = ResponseCache(ttl_s=settings.gateway_cache_ttl_s, timer=timer, count=metrics.count_cache)
    body_worker = BodyWorker(budget)
    audit = AuditLog(write_audit or sys.stderr.write, clock=clock, form=_audit_form(settings))

    def user_catalog(caller: Caller) -> Catalog:
        if dependencies.catalog_with is None:
            return live.catalog
        return dependencies.catalog_with(signer.token_for(caller))

    contexts = RequestContexts(
        live=live,
        history=dependencies.history,
        visibility=visibility,
        user_catalog=user_catalog,
        live_threads=settings.scaleops_max_concurrency,
    )
    owners = CachedWorkloadOwners(partial(_stored_owners, dependencies.store), clock=clock)
    scope = ProxyScope(index=index, visibility=visibility, owners=owners, cache=cache, worker=body_worker)
    table = RouteTable([read_extra_route(entry) for entry in settings.gateway_extra_routes])
    proxy = Proxy(
        routes=table,
        send=scaleops.send,
        cache=cache,
        scope=scope if settings.gateway_proxy_scope == "catalog" else None,
        worker=body_worker,
        timer=timer,
        observe=metrics.observe_upstream,
    )
    mcp = McpApp(contexts, metrics)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if backstage is not None:
                stack.push_async_callback(backstage.close)
            stack.push_async_callback(scaleops.close)
            stack.callback(body_worker.close)
            stack.callback(index.close)
            await stack.enter_async_context(mcp.run())
            yield
            audit.flush()

    metadata = None
    if settings.gateway_auth == "backstage" and backstage is not None and base_url is not None:
        metadata = ResourceMetadata(backstage, public_url=_public_url(settings), backstage_url=base_url, clock=clock)
    open_routes = public_routes(_readiness(dependencies, scaleops, backstage), signer, metadata)
    routes = [*open_routes, metrics_route(metrics), *mcp.routes(), *registry_routes(contexts, metrics)]
    routes.append(openapi_route(table.routes, has_metadata=metadata is not None))
    routes += page_routes(contexts, dependencies.policy, routing_key_sealer(settings))
    web = Router(routes, redirect_slashes=False, default=raise_not_found, lifespan=lifespan)
    admission = Admission(
        hosts=AllowedHosts(
            bound=settings.gateway_host,
            # Links to pages lead to WORKER_PUBLIC_URL, so it is an allowed Host too.
            public_url=settings.gateway_public_url or settings.worker_public_url,
            cluster_suffixes=cluster_suffixes(),
        ),
        cors=Cors(settings.gateway_allowed_origins, settings.gateway_public_url),
        callers=_callers(settings, backstage, dependencies),
        page_links=dependencies.policy.page_links,
        rate_limit=RateLimit(Rate.parse(settings.gateway_rate_limit), timer=timer),
        failure_limit=RateLimit(_FAILURE_RATE, timer=timer),
        public_paths=frozenset(route.path.encode() for route in open_routes),
        uncounted_paths=frozenset({LIST_PATH.encode()}),
        clock=clock,
    )
    return Gateway(
        admission=admission,
        proxy=proxy.handle,
        web=web,
        compression=Compression(body_worker, ttl_s=settings.gateway_cache_ttl_s, timer=timer),
        budget=budget,
        metrics=metrics,
        audit=audit,
        timer=timer,
    )


def _scaleops_client(dependencies: GatewayDependencies, metrics: Metrics, budget: ByteBudget) -> AsyncScaleOpsClient:
    settings, limiter = dependencies.settings, dependencies.limiter
    options = HttpOptions(
        timeout_s=settings.scaleops_timeout_s, max_in_flight=settings.scaleops_max_concurrency, max_response_bytes=MAX_BODY_BYTES
    )
    if limiter is not None:
        limiter.on_status = metrics.set_limiter_status
    return AsyncScaleOpsClient(
        AsyncHttpClient("ScaleOps", settings.scaleops_base_url or "", options, limiter=limiter, budget=budget),
        dependencies.credentials,
        clock=dependencies.live.clock,
        on_new_token=metrics.count_new_token,
    )


def _callers(settings: Settings, backstage: AsyncHttpClient | None, dependencies: GatewayDependencies) -> Callers:
    clock = dependencies.live.clock
    verifier = None
    if settings.gateway_auth == "backstage" and backstage is not None:
        allowed = frozenset(settings.gateway_allowed_callers)
        verifier = BackstageTokens(JwksCache(backstage, clock=clock), allowed_plugins=allowed, clock=clock)
    return Callers(
        static=_static_tokens(settings),
        verifier=verifier,
        is_open=settings.gateway_auth == "none",
        clock=clock,
        resource_metadata_url=metadata_url(_public_url(settings)) if verifier is not None else None,
    )


def _stored_owners(store: Store, key: WorkloadKey) -> tuple[EntityRef, ...]:
    with store.reading() as rows:
        return rows.history.owners_of(key)


def _readiness(dependencies: GatewayDependencies, scaleops: AsyncScaleOpsClient, backstage: AsyncHttpClient | None) -> Readiness:
    probes = {DATABASE: database_probe(dependencies.store), "scaleops": http_probe(scaleops.send, _SCALEOPS_PROBE)}
    if backstage is not None:
        probes["backstage"] = http_probe(backstage.send, USER_KEYS)
    if dependencies.settings.backstage_catalog_file is not None:
        probes["catalog"] = catalog_file_probe(dependencies.live.catalog)
    return Readiness(probes, clock=dependencies.live.clock)


def _static_tokens(settings: Settings) -> StaticTokens:
    secret = settings.gateway_tokens
    return StaticTokens.parse(secret.get_secret_value() if secret is not None else "")


def _public_url(settings: Settings) -> str:
    return settings.gateway_public_url or f"http://{bracket_ipv6(settings.gateway_host)}:{settings.gateway_port}"


def _audit_form(settings: Settings) -> Literal["json", "console"]:
    if settings.log_format != "auto":
        return settings.log_format
    return "console" if sys.stderr.isatty() else "json"
