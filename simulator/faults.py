"""Fault injection: planned faults, and the middleware around all services that counts, delays and corrupts calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from simulator.state import State

LOGIN_PAGE = "<!doctype html><title>Sign in</title><form action='/auth/callback'>Sign in to continue</form>"
_MEGABYTE = 1024 * 1024


class Fault(BaseModel):
    """A planned fault. It affects calls of a service whose `METHOD /path?query` contains `route`."""

    model_config = ConfigDict(extra="forbid")

    service: Literal["scaleops", "azure", "backstage", "slack", "pagerduty"]
    route: str | None = None
    contains: str | None = None
    """Only calls whose body or X-Scaleops-Cluster header contains this."""
    mode: Literal[
        "status",
        "html",
        "truncated",
        "cut",
        "slow",
        "redirect",
        "empty",
        "huge",
        "drop",
        "accept-then-drop",
        "accept-then-status",
    ] = "status"
    status: int = 500
    headers: dict[str, str] = {}
    body: JsonValue = "simulated fault"
    delay_s: float = 0.0
    """Delay before the response; in mode `slow` in the middle of it."""
    megabytes: int = 64
    """Size of a `huge` response."""
    after: int = 0
    """Number of matching calls that pass first: 2 affects the third page of a listing."""
    times: int | None = None
    """Number of affected calls; None: all."""

    def matches(self, service: str, request_line: str, content: str) -> bool:
        """Return True if this call is affected, and count it."""
        is_match = (
            service == self.service
            and (self.route is None or self.route in request_line)
            and (self.contains is None or self.contains in content)
        )
        if not is_match or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class _DatedSend:
    """Adds the Date of the simulated clock to each response."""

    def __init__(self, send: Send, state: State) -> None:
        self.raw = send
        self._state = state

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            date = format_datetime(self._state.clock.now(), usegmt=True).encode()
            message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
        await self.raw(message)


class FaultMiddleware:
    """Counts every call by service and route, and adds latency and faults."""

    def __init__(self, app: ASGIApp, *, state: State, services: Mapping[str, Sequence[BaseRoute]]) -> None:
        self._app = app
        self._state = state
        self._services = services
        self._route_of = lru_cache(maxsize=4096)(self._find_route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call."""
        service, _, rest = scope["path"].lstrip("/").partition("/") if scope["type"] == "http" else ("", "", "")
        if service not in self._services:
            await self._app(scope, receive, send)
            return
        send = _DatedSend(send, self._state)
        self._state.count(service, f"{scope['method']} {self._route_of(service, '/' + rest)}")
        body = await _read_body(receive)
        if service == "scaleops" and self._is_full():
            await _over_capacity(self._state)(scope, receive, send)
            return
        serving, call = self._state.serving, object()
        if service == "scaleops":
            serving.add(call)
            self._state.max_serving = max(self._state.max_serving, len(serving))
        try:
            await self._serve(scope, body, receive, send)
        finally:
            serving.discard(call)

    def _is_full(self) -> bool:
        modes = self._state.modes
        if modes.capacity is None:
            return False
        is_full = len(self._state.serving) >= modes.capacity
        self._state.count("capacity", "refused" if is_full else "served")
        return is_full

    async def _serve(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        service, _, rest = scope["path"].lstrip("/").partition("/")
        if self._state.latency_s:
            await asyncio.sleep(self._state.latency_s)
        request_line = f"{scope['method']} /{rest}?{scope['query_string'].decode('latin-1')}"
        headers = dict(scope["headers"])
        content = (body + b"\n" + headers.get(b"x-scaleops-cluster", b"")).decode("utf-8", "replace")
        fault = next((fault for fault in self._state.faults if fault.matches(service, request_line, content)), None)
        replay = _replay(body, receive)
        if fault is None:
            await self._app(scope, replay, send)
        else:
            await _inject(fault, self._app, scope, replay, send)

    def _find_route(self, service: str, path: str) -> str:
        return _route_of(self._services[service], path)


def _route_of(routes: Sequence[BaseRoute], path: str) -> str:
    """Return the template of the route, by which calls are counted; the path itself if no route matches."""
    for route in routes:
        if isinstance(route, Mount) and path.startswith(f"{route.path}/"):
            return route.path + _route_of(route.routes, path[len(route.path) :])
        probe = {"type": "http", "method": "GET", "path": path, "root_path": ""}  # another method is a partial match
        if isinstance(route, Route) and route.matches(probe)[0] is not Match.NONE:
            return route.path
    return path


async def _inject(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.delay_s and fault.mode != "slow":
        await asyncio.sleep(fault.delay_s)
    service = scope["path"].split("/")[1]
    if fault.mode in {"accept-then-drop", "accept-then-status"}:
        await _collect(app, scope, receive)
    match fault.mode:
        case "status" | "accept-then-status":
            await _status_response(fault)(scope, receive, send)
        case "html":
            status = fault.status if "status" in fault.model_fields_set else 200
            await HTMLResponse(LOGIN_PAGE, status_code=status, headers=fault.headers)(scope, receive, send)
        case "redirect":
            await RedirectResponse(f"/{service}/login", status_code=302)(scope, receive, send)
        case "empty":
            await Response(status_code=204)(scope, receive, send)
        case "huge":
            await _send_huge(fault.megabytes, send)
        case "drop" | "accept-then-drop":
            await _drop_connection(receive, send)
        case "truncated" | "cut" | "slow":
            await _corrupt(fault, await _collect(app, scope, receive), receive, send)


def _over_capacity(state: State) -> Response:
    seconds = state.modes.capacity_retry_after_s
    return Response(
        "too many calls in flight",
        status_code=int(state.modes.over_capacity),
        headers={} if seconds is None else {"Retry-After": str(seconds)},
        media_type="text/plain",
    )


def _status_response(fault: Fault) -> Response:
    if isinstance(fault.body, str):
        return Response(fault.body, status_code=fault.status, headers=fault.headers, media_type="text/plain")
    return Response(json.dumps(fault.body), status_code=fault.status, headers=fault.headers, media_type="application/json")


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Run the service and return its response instead of sending it."""
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


async def _corrupt(fault: Fault, response: tuple[Message, bytes], receive: Receive, send: Send) -> None:
    """Send the service's response truncated, cut off, or with a pause in the middle."""
    start, body = response
    half = body[: len(body) // 2]
    sent = half if fault.mode == "truncated" else body
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(sent)).encode())]})
    if fault.mode == "truncated":
        await send({"type": "http.response.body", "body": half})
        return
    await send({"type": "http.response.body", "body": half, "more_body": True})
    if fault.mode == "cut":
        await _drop_connection(receive, send)
        return
    await asyncio.sleep(fault.delay_s)
    await send({"type": "http.response.body", "body": body[len(half) :]})


async def _send_huge(megabytes: int, send: Send) -> None:
    """Send valid JSON of this size."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"workloads":["', "more_body": True})
    for _ in range(megabytes):
        await send({"type": "http.response.body", "body": b"x" * _MEGABYTE, "more_body": True})
    await send({"type": "http.response.body", "body": b'"]}'})


async def _drop_connection(receive: Receive, send: Send) -> None:
    """Close the connection at once. ASGI has no message for that, so uvicorn's own transport is closed."""
    raw = send.raw if isinstance(send, _DatedSend) else send
    cycle: Any = getattr(raw, "__self__")  # noqa: B009 - a Callable has no __self__ for mypy
    cycle.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a receive function that yields the body again, then the messages of the connection."""
    pending = [body]

    async def replay() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replay
