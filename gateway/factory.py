"""Builds the gateway of one process out of settings and parts; refuses to build one that would be open."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from actions.context import LiveContext
from actions.ports import Catalog
from clients.backstage.jwks import USER_KEYS, JwksCache
from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpOptions
from clients.http.loopback import is_loopback_host
from clients.http.messages import HttpRequest
from clients.scaleops.async_client import AsyncScaleOpsClient
from clients.scaleops.tokens import Credentials
from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from gateway.app import Gateway, GatewayComponents, Handler
from gateway.audit import AuditLog, Write
from gateway.auth.allowed_hosts import AllowedHosts
from gateway.auth.backstage_tokens import BackstageTokens
from gateway.auth.callers import Caller, Callers
from gateway.auth.cors import Cors
from gateway.auth.rate_limit import Rate, RateLimit
from gateway.auth.signed_pages import SignedPages
from gateway.auth.signing import Signer
from gateway.auth.static_tokens import StaticTokens
from gateway.auth.visibility import BackstageLookup, UserTokens, Visibility
from gateway.proxy.body_worker import MAX_BODY_BYTES, BodyWorker
from gateway.proxy.cache import ResponseCache
from gateway.proxy.component_index import ComponentIndex
from gateway.proxy.handler import Proxy
from gateway.proxy.routes import RouteTable, read_extra_routes
from gateway.proxy.scope import ProxyScope
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.request import BASE, GatewayRequest
from gateway.responses import GatewayResponse, json_response
from gateway.subapps import SubAppContext, SubAppFactory
from gateway.web.health import ALIVE, DATABASE, Probe, Readiness
from gateway.web.metrics import Metrics
from gateway.web.resource_metadata import MCP, WELL_KNOWN, describe_resource, metadata_url
from store import Store
from wiring.secrets import page_links
from wiring.settings import Settings, SettingsError

MODULES_OF_SECTIONS: Final = ("gateway.web.registry", "gateway.web.mcp_app", "gateway.web.pages")
"""Hung in where they are installed."""
_BACKSTAGE_RULES: Final = HttpOptions(timeout_s=5, connect_timeout_s=3, max_in_flight=32, max_response_bytes=4 * 1024 * 1024)
_FAILURES: Final = Rate(calls=600, period_s=60)


@dataclass(frozen=True, kw_only=True)
class GatewayDependencies:
    """What a gateway is built from."""

    settings: Settings
    store: Store
    desk: LiveContext
    """Where questions are asked as the service."""
    credentials: Credentials
    """Of ScaleOps: the very ones that `desk` asks with, so that one login serves both."""
    pace: ConcurrencyLimiter | None = None
    """Of ScaleOps: the very one that `desk` asks at. None: the proxy minds only its own number of calls."""
    catalog_with: Callable[[str], Catalog] | None = None
    """The live catalog read with the token of somebody; None without BACKSTAGE_BASE_URL."""


def require_auth_configured(settings: Settings) -> None:
    """Check that nobody gets in who should not.

    Raises:
        SettingsError: naming the setting that leaves the door open, or closed to everybody.
    """
    if settings.gateway_auth == "none" and not is_loopback_host(settings.gateway_host):
        message = f"GATEWAY_AUTH=none is for this machine only, and GATEWAY_HOST is {settings.gateway_host}: set GATEWAY_AUTH=backstage or token"
        raise SettingsError(message)
    if settings.gateway_auth == "token" and not tokens_of(settings).digests:
        message = "GATEWAY_AUTH=token needs GATEWAY_TOKENS: name=token, separated by commas"
        raise SettingsError(message)
    if settings.gateway_auth == "backstage" and settings.backstage_base_url is None:
        message = "GATEWAY_AUTH=backstage needs BACKSTAGE_BASE_URL, where the keys of its tokens are (or set GATEWAY_AUTH=token)"
        raise SettingsError(message)
    if settings.scaleops_base_url is None:
        message = "SCALEOPS_BASE_URL is not set; the gateway needs it"
        raise SettingsError(message)


def tokens_of(settings: Settings) -> StaticTokens:
    """Read GATEWAY_TOKENS. Raises SettingsError."""
    secret = settings.gateway_tokens
    return StaticTokens.parse(secret.get_secret_value() if secret is not None else "")


def build_gateway(
    materials: GatewayDependencies,
    *,
    write_audit: Write | None = None,
    sections_of: Iterable[SubAppFactory] | None = None,
    timer: Callable[[], float] = time.monotonic,
) -> Gateway:
    """Build the application. `sections_of` are the modules of MODULES_OF_SECTIONS unless they are given.

    Raises:
        SettingsError: it would be open, or a setting is wrong.
    """
    return _Site(materials, write_audit or sys.stderr.write, timer).build(_installed() if sections_of is None else sections_of)


class _Site:
    """Where one gateway is put together, in the order of the floor plan."""

    def __init__(self, materials: GatewayDependencies, write_audit: Write, timer: Callable[[], float]) -> None:
        require_auth_configured(materials.settings)
        settings = self._settings = materials.settings
        self._materials = materials
        self._clock = materials.desk.clock
        self._timer = timer
        self._write_audit = write_audit
        self._metrics = Metrics()
        rules = HttpOptions(
            timeout_s=settings.scaleops_timeout_s,
            max_in_flight=settings.scaleops_max_concurrency,
            max_response_bytes=MAX_BODY_BYTES,
        )
        if materials.pace is not None:
            materials.pace.subscribe(self._metrics.note_pace)
        self._scaleops = AsyncScaleOpsClient(
            AsyncHttpClient("ScaleOps", settings.scaleops_base_url or "", rules, limiter=materials.pace),
            materials.credentials,
            clock=self._clock,
            on_new_token=self._metrics.count_new_token,
        )
        base_url = settings.backstage_base_url
        self._backstage = AsyncHttpClient("Backstage", base_url, _BACKSTAGE_RULES) if base_url is not None else None
        self._signer = Signer(materials.store, clock=self._clock)
        self._user_tokens = UserTokens(self._signer)
        sight = BackstageLookup(self._backstage, self._user_tokens) if self._backstage is not None else None
        self._visibility = Visibility(sight, clock=self._clock)
        self._index = ComponentIndex(materials.desk.catalog, materials.desk.namespaces_allowed, clock=self._clock)
        self._worker = BodyWorker()

    def build(self, sections_of: Iterable[SubAppFactory]) -> Gateway:
        settings = self._settings
        form = settings.log_format if settings.log_format != "auto" else ("console" if sys.stderr.isatty() else "json")
        rooms = SubAppContext(
            settings=settings,
            store=self._materials.store,
            desk=self._materials.desk,
            catalog_as=self._catalog_as,
            visibility=self._visibility,
            metrics=self._metrics,
        )
        return Gateway(
            GatewayComponents(
                hosts=AllowedHosts(
                    bound=settings.gateway_host,
                    # Where links to our pages lead is an address that we are known by.
                    public_url=settings.gateway_public_url or settings.worker_public_url,
                ),
                cors=Cors.of(settings.gateway_allowed_origins, settings.gateway_public_url),
                callers=self._callers(),
                limit=RateLimit(Rate.parse(settings.gateway_rate_limit), timer=self._timer),
                failures=RateLimit(_FAILURES, timer=self._timer),
                signed_pages=SignedPages(page_links(settings), clock=self._clock),
                proxy=self._proxy().handle,
                open_routes=self._open_routes(),
                sections=[section for offer in sections_of for section in offer(rooms)],
                metrics=self._metrics,
                audit=AuditLog(self._write_audit, clock=self._clock, form=form),
                timer=self._timer,
                on_stop=self._close,
            )
        )

    def _callers(self) -> Callers:
        settings = self._settings
        verifier = None
        if settings.gateway_auth == "backstage" and self._backstage is not None:
            verifier = BackstageTokens(
                JwksCache(self._backstage, clock=self._clock),
                allowed_plugins=frozenset(settings.gateway_allowed_callers),
                clock=self._clock,
            )
        return Callers(
            static=tokens_of(settings),
            verifier=verifier,
            is_open=settings.gateway_auth == "none",
            clock=self._clock,
            resource_metadata_url=metadata_url(self._public_url) if verifier is not None else None,
        )

    def _proxy(self) -> Proxy:
        settings = self._settings
        scope = None
        cache = ResponseCache(ttl_s=settings.gateway_cache_ttl_s, timer=self._timer, count=self._metrics.count_cache)
        if settings.gateway_proxy_scope == "catalog":
            scope = ProxyScope(
                index=self._index,
                visibility=self._visibility,
                owners=CachedWorkloadOwners(self._owners_in_history, clock=self._clock),
                cache=cache,
                worker=self._worker,
            )
        return Proxy(
            routes=RouteTable(read_extra_routes(settings.gateway_extra_routes)),
            send=self._scaleops.send,
            cache=cache,
            scope=scope,
            worker=self._worker,
            timer=self._timer,
            observe=self._metrics.observe_upstream,
        )

    def _open_routes(self) -> Mapping[bytes, Handler]:
        readiness = Readiness(self._probes(), clock=self._clock)
        routes: dict[str, Handler] = {
            "/healthz": _always(ALIVE),
            "/readyz": lambda _: readiness.answer(),
            f"{BASE}/health": _always(ALIVE),
            f"{BASE}/.backstage/auth/v1/jwks.json": self._list_keys,
        }
        if self._settings.gateway_auth == "backstage" and self._settings.backstage_base_url is not None:
            described = _always(describe_resource(self._public_url, self._settings.backstage_base_url))
            routes |= {WELL_KNOWN: described, f"{WELL_KNOWN}{MCP}": described}
        return {path.encode(): handler for path, handler in routes.items()}

    def _probes(self) -> Mapping[str, Probe]:
        async def database() -> None:
            await asyncio.to_thread(self._read_nothing)

        async def scaleops() -> None:
            request = HttpRequest(method="GET", target="/api/v1/networkCost/networkCostEnabled?multiCluster=true")
            answer = await self._scaleops.send(request)
            if answer.status != _OK:
                raise _DependencyDown

        probes: dict[str, Probe] = {DATABASE: database, "scaleops": scaleops}
        line = self._backstage
        if line is not None:

            async def backstage() -> None:
                answer = await line.send(HttpRequest(method="GET", target=USER_KEYS))
                if answer.status != _OK:
                    raise _DependencyDown

            probes["backstage"] = backstage
        return probes

    def _read_nothing(self) -> None:
        with self._materials.store.reading() as rows:
            rows.heartbeats.last("gateway")

    async def _list_keys(self, _: GatewayRequest) -> GatewayResponse:
        keys = await asyncio.to_thread(self._signer.published)
        return json_response({"keys": keys}, headers=((b"access-control-allow-origin", b"*"),))

    def _catalog_as(self, caller: Caller) -> Catalog:
        if caller.sees_everything or self._materials.catalog_with is None:
            return self._materials.desk.catalog
        return self._materials.catalog_with(self._user_tokens.token_of(caller))

    def _owners_in_history(self, key: WorkloadKey) -> tuple[EntityRef, ...]:
        with self._materials.store.reading() as rows:
            return rows.workload_owners.claimants_of(key)

    @property
    def _public_url(self) -> str:
        settings = self._settings
        return settings.gateway_public_url or f"http://{settings.gateway_host}:{settings.gateway_port}"

    async def _close(self) -> None:
        self._index.close()
        self._worker.close()
        await self._scaleops.close()
        if self._backstage is not None:
            await self._backstage.close()


_OK: Final = 200


class _DependencyDown(Exception):
    """A dependency answered, but not with what it should."""


def _always(answer: GatewayResponse) -> Callable[[GatewayRequest], Awaitable[GatewayResponse]]:
    async def handle(_: GatewayRequest) -> GatewayResponse:
        return answer

    return handle


def _installed() -> Iterable[SubAppFactory]:
    found = (name for name in MODULES_OF_SECTIONS if importlib.util.find_spec(name) is not None)
    return [cast("SubAppFactory", importlib.import_module(name).sections) for name in found]
