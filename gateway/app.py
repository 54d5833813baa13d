"""The gateway as an ASGI application.

Host ─> Origin ─> caller ─> rate limit ─> proxy, or the web application ─> response ─> audit and metrics

The proxy is served without routing: measured, that keeps it ahead of the Node proxy it replaces (docs/decisions/0006).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import structlog
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from clients.http.byte_budget import ByteBudget
from gateway.audit import AuditLog
from gateway.auth.admission import Admission
from gateway.auth.cors import PREFLIGHT, is_preflight
from gateway.compression import LEVEL, MIN_BYTES, Compression
from gateway.request import BODY_LIMIT, GatewayRequest, parse_request
from gateway.responses import PIECE_BYTES, GatewayResponse, Header, as_http_error, error_response
from gateway.web.metrics import Metrics

log = structlog.get_logger(__name__)

_PROXY_PATH: Final = b"/api/scaleops/api/"
_MAX_DRAIN_BYTES: Final = 4 * 1024 * 1024
_MAX_DRAIN_S: Final = 2.0
_BAD_REQUEST: Final = HTTPStatus.BAD_REQUEST
"""Of every response: Python 3.11 looks up a member of an enum in Python code."""

Handler = Callable[[GatewayRequest], Awaitable[GatewayResponse]]


class Gateway:
    """Serves the proxy and the web application behind one admission, and records every request."""

    def __init__(
        self,
        *,
        admission: Admission,
        proxy: Handler,
        web: Router,
        compression: Compression,
        budget: ByteBudget,
        metrics: Metrics,
        audit: AuditLog,
        timer: Callable[[], float],
    ) -> None:
        self.web = web
        self._compressed_web = GZipMiddleware(web, minimum_size=MIN_BYTES, compresslevel=LEVEL)
        self._compression = compression
        self._budget = budget
        self._admission = admission
        self._proxy = proxy
        self._metrics = metrics
        self._audit = audit
        self._timer = timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the server's lifespan, or one request."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.web(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = self._timer()
        request: GatewayRequest | None = None
        tracker = _ResponseTracker(send)
        held: bytes | None = None
        try:
            request = parse_request(scope, receive)
            tracker.cors_headers = self._admission.check_origin(request)
            response = PREFLIGHT if is_preflight(request) else await self._respond(request, tracker)
            if response is not None and len(response.body) > PIECE_BYTES:
                self._budget.hold(response.body)
                held = response.body
        except Exception as error:
            failure = as_http_error(error)
            if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                log.exception("request failed")
            url = request.url if request is not None else "/"
            response = None if tracker.status else error_response(failure, method=scope["method"], url=url)
        try:
            if response is not None:
                await _send(response, request, receive, tracker)
        finally:
            if held is not None:
                self._budget.release(held)
            status = tracker.status if response is None else response.status
            self._record(request, status, self._timer() - started_at)

    async def _respond(self, request: GatewayRequest, tracker: _ResponseTracker) -> GatewayResponse | None:
        """Return the response, or None when the web application has sent it."""
        await self._admission.authenticate(request)
        if request.target.startswith(_PROXY_PATH):
            return await self._compression.apply(await self._proxy(request), request.scope["headers"])
        # Routes match the path as it was sent, not a decoded one. With "app" in its scope the router raises its errors.
        path = request.target.decode("latin-1")
        scope = {**request.scope, "path": path, "root_path": "", "app": self.web, "state": {"gateway_request": request}}
        try:
            await self._compressed_web(scope, request.receive, tracker)
        finally:
            route = scope.get("route")
            request.route = route.name if isinstance(route, Route) else ""
        return None

    def _record(self, request: GatewayRequest | None, status: int, seconds: float) -> None:
        caller_kind = request.caller.kind if request is not None and request.caller is not None else "-"
        route = request.route if request is not None else ""
        self._metrics.count_request(route or "-", caller_kind, status, seconds)
        self._audit.record(request, status=status, seconds=seconds)


class _ResponseTracker:
    """The `send` of the web application: adds the CORS headers and records the status; 0 until the response has started."""

    __slots__ = ("cors_headers", "send", "status")

    def __init__(self, send: Send) -> None:
        self.send = send
        self.status = 0
        self.cors_headers: Sequence[Header] = ()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.cors_headers:
                message = {**message, "headers": [*message.get("headers", ()), *self.cors_headers]}
        await self.send(message)


async def _send(response: GatewayResponse, request: GatewayRequest | None, receive: Receive, tracker: _ResponseTracker) -> None:
    """Send a response. A client that is still sending a rejected body gets to read the response before the connection is closed."""
    if response.status < _BAD_REQUEST or not (request is None or _has_large_unread_body(request)):
        await response.send(tracker.send, more_headers=tracker.cors_headers)
        return
    headers = [*response.headers, (b"content-length", b"%d" % len(response.body)), (b"connection", b"close")]
    await tracker({"type": "http.response.start", "status": response.status, "headers": headers})
    await tracker({"type": "http.response.body", "body": response.body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(_MAX_DRAIN_S):
            await _drain(receive)
    await tracker({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    drained_bytes = 0
    while drained_bytes < _MAX_DRAIN_BYTES:
        message = await receive()
        drained_bytes += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def _has_large_unread_body(request: GatewayRequest) -> bool:
    announced = request.headers.get(b"content-length", b"0")
    return not request.body_is_read and (
        b"transfer-encoding" in request.headers or not announced.isdigit() or int(announced) > BODY_LIMIT
    )
