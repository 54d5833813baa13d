"""The gateway as an ASGI application: every request takes the same way in, and what is not said to be open is closed.

Host ─> Origin ─> open routes ─> who asks ─> how often ─> route ─> answer ─> audit and metrics

Raw ASGI and no framework: measured, it is what keeps the proxy ahead of the one it replaces (docs/decisions/0006).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from actions.errors import ActionError
from clients.http.errors import ServiceError
from clients.http.loopback import is_loopback_host
from gateway.audit import AuditLog
from gateway.auth.allowed_hosts import AllowedHosts
from gateway.auth.callers import ANONYMOUS, Callers
from gateway.auth.cors import PREFLIGHT, Cors, is_preflight
from gateway.auth.rate_limit import RateLimit
from gateway.auth.signed_pages import SignedPages
from gateway.request import BODY_LIMIT, GatewayRequest, parse_request
from gateway.responses import (
    WITHOUT_BODY,
    GatewayResponse,
    Header,
    HttpError,
    bad_request,
    error_response,
    forbidden,
    from_action_error,
    from_service_error,
    not_found,
    render_head,
    send_response,
    unavailable,
)
from gateway.subapps import SubApp
from gateway.timeout_protocol import WHOLE
from gateway.web.metrics import Metrics
from store import StoreUnavailable

_LOG = logging.getLogger("gateway")

PROXY: Final = b"/api/scaleops/api/"
METRICS: Final = b"/metrics"
_GET: Final = frozenset({"GET", "HEAD"})
_DRAINED: Final = 4 * 1024 * 1024
_DRAINED_FOR_S: Final = 2.0

Handler = Callable[[GatewayRequest], Awaitable[GatewayResponse]]


@dataclass(frozen=True, kw_only=True)
class GatewayComponents:
    """The rooms behind the door, built in `gateway.building`."""

    hosts: AllowedHosts
    cors: Cors
    callers: Callers
    limit: RateLimit
    failures: RateLimit
    """Refused callers, by address."""
    signed_pages: SignedPages
    proxy: Handler
    open_routes: Mapping[bytes, Handler] = field(default_factory=dict)
    """GET routes that anybody may ask, by exact path."""
    sections: Sequence[SubApp] = ()
    metrics: Metrics
    audit: AuditLog
    timer: Callable[[], float]
    on_stop: Callable[[], Awaitable[None]]


class Gateway:
    """The application."""

    def __init__(self, house: GatewayComponents) -> None:
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of the server: its lifespan, or a request."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        house = self._house
        began = house.timer()
        exchange: GatewayRequest | None = None
        told = _ResponseTracker(send)
        cors: Sequence[Header] = ()
        try:
            exchange = parse_request(scope, receive)
            server = scope.get("server")
            house.hosts.require_known(exchange.headers.get(b"host"), server[0] if server else None)
            cors = house.cors.admit(exchange)
            answer = PREFLIGHT if is_preflight(exchange) else await self._answer(exchange, told, cors)
        except Exception as error:  # noqa: BLE001 - the last line of defence: every failure has a body, none shows its insides
            refused = _refusal(error)
            url = exchange.url if exchange is not None else "/"
            answer = None if told.started else error_response(refused, method=scope["method"], url=url)
            told.status = told.status or refused.status
        try:
            if answer is not None:
                await _finish(answer, cors, exchange, receive, told)
        finally:
            self._note(exchange, told.status, house.timer() - began)

    async def _answer(self, exchange: GatewayRequest, told: _ResponseTracker, cors: Sequence[Header]) -> GatewayResponse | None:
        """Answer a request, or None when a section has answered it."""
        house = self._house
        open_route = house.open_routes.get(exchange.target) if exchange.method in _GET else None
        if open_route is not None:
            exchange.route = exchange.target.decode()
            exchange.caller = ANONYMOUS
            return await open_route(exchange)  # to a HEAD the server sends all but the body
        if exchange.target == METRICS and exchange.method == "GET" and _is_here(exchange):
            exchange.route, exchange.caller = "/metrics", ANONYMOUS
            return house.metrics.answer()
        await self._admit(exchange)
        if exchange.target.startswith(PROXY):
            return await house.proxy(exchange)
        if exchange.target == METRICS and exchange.method == "GET":
            exchange.route = "/metrics"
            if not exchange.caller or exchange.caller.kind != "static":
                message = "metrics are for this machine, and for holders of a static token"
                raise forbidden(message)
            return house.metrics.answer()
        path = exchange.target.decode("latin-1")
        for section in house.sections:
            if path == section.path or path.startswith(f"{section.path}/"):
                exchange.route = section.name
                exchange.scope["caller"] = exchange.caller
                told.extra = cors
                await section.app(exchange.scope, exchange.receive, told)
                return None
        message = f"there is nothing at {path[:200]}"
        raise not_found(message)

    async def _admit(self, exchange: GatewayRequest) -> None:
        """Find out who asks, and whether they ask too often. Raises Refused, ServiceError."""
        house = self._house
        authorization = exchange.header(b"authorization")
        caller = house.callers.recall(authorization)
        if caller is None:
            # Before anything is verified or fetched: that work is what a flood of bad tokens would make us do.
            house.failures.require_room(exchange.peer)
            try:
                caller = house.signed_pages.caller_of(exchange) or await house.callers.identify(authorization)
            except HttpError:
                house.failures.take(exchange.peer)
                raise
        exchange.caller = caller
        house.limit.take(caller.name)

    def _note(self, exchange: GatewayRequest | None, status: int, seconds: float) -> None:
        house = self._house
        kind = exchange.caller.kind if exchange is not None and exchange.caller is not None else "-"
        route = exchange.route if exchange is not None else ""
        house.metrics.count_request(route or "-", kind, status, seconds)
        house.audit.note(exchange, status=status, seconds=seconds)

    async def _live(self, receive: Receive, send: Send) -> None:
        house = self._house
        async with AsyncExitStack() as open_now:
            await receive()
            try:
                open_now.push_async_callback(house.on_stop)
                for section in house.sections:
                    if section.lifespan is not None:
                        await open_now.enter_async_context(section.lifespan())
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
            house.audit.flush()
        await send({"type": "lifespan.shutdown.complete"})


class _ResponseTracker:
    """The way back to the caller; knows whether an answer has begun, and with which status."""

    __slots__ = ("_send", "extra", "started", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.status = 0
        self.extra: Sequence[Header] = ()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            if self.extra:
                message = {**message, "headers": [*message.get("headers", ()), *self.extra]}
        await self._send(message)


async def _finish(
    answer: GatewayResponse, cors: Sequence[Header], exchange: GatewayRequest | None, receive: Receive, told: _ResponseTracker
) -> None:
    """Send an answer. When the caller is still sending a body that nobody wants, let them read the answer before hanging up."""
    told.extra = ()
    unwanted = answer.status in _WITH_UNREAD_BODY and (exchange is None or _is_large(exchange))
    if not unwanted:
        write_whole = exchange.scope.get(WHOLE) if exchange is not None and exchange.method != "HEAD" else None
        if write_whole is None or answer.status in WITHOUT_BODY:
            await send_response(told, answer, cors)
            return
        told.started, told.status = True, answer.status
        await write_whole(render_head(answer.status, (*answer.headers, *cors), len(answer.body)), answer.body)
        return
    headers = [*answer.headers, *cors, (b"content-length", b"%d" % len(answer.body)), (b"connection", b"close")]
    await told({"type": "http.response.start", "status": answer.status, "headers": headers})
    await told({"type": "http.response.body", "body": answer.body, "more_body": True})
    with suppress(TimeoutError):  # whoever sends on more slowly than that has had the answer long since
        async with asyncio.timeout(_DRAINED_FOR_S):
            await _drain(receive)
    await told({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained < _DRAINED:
        message = await receive()
        drained += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


_WITH_UNREAD_BODY: Final = frozenset(range(HTTPStatus.BAD_REQUEST, 600))


def _is_large(exchange: GatewayRequest) -> bool:
    """Say whether a body may be on its way that was not read."""
    announced = exchange.headers.get(b"content-length", b"0")
    return not exchange.body_is_read and (
        b"transfer-encoding" in exchange.headers or not announced.isdigit() or int(announced) > BODY_LIMIT
    )


def _is_here(exchange: GatewayRequest) -> bool:
    """Say whether the caller is on this machine, and nobody else's request is handed on by it."""
    return is_loopback_host(exchange.peer) and not exchange.was_forwarded


def _refusal(error: Exception) -> HttpError:
    match error:
        case HttpError():
            return error
        case ActionError():
            return from_action_error(error)
        case ServiceError():
            return from_service_error(error)
        case ClientDisconnect():
            return bad_request("the caller left before the request was complete", status=HTTPStatus.REQUEST_TIMEOUT)
        case StoreUnavailable():
            return unavailable("the database cannot be reached", retry_after_s=5)
    _LOG.error("a request failed", exc_info=error)
    return HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "ServiceUnavailableError", "the gateway failed; its log says where")
