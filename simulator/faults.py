"""Misbehaviour on demand: what a fault is, which call it hits, and the layer around all services that counts, delays and spoils."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    """One planned misbehaviour. It hits calls of a service whose `METHOD /path?query` contains `route`."""

    model_config = ConfigDict(extra="forbid")

    service: Literal["scaleops", "azure", "backstage", "slack", "pagerduty"]
    route: str | None = None
    contains: str | None = None
    """Only calls whose body or X-Scaleops-Cluster header contains this."""
    mode: Literal["status", "html", "truncated", "cut", "slow", "redirect", "empty", "huge", "drop", "accept-then-drop"] = (
        "status"
    )
    status: int = 500
    headers: dict[str, str] = {}
    body: JsonValue = "simulated fault"
    delay_s: float = 0.0
    """Waited before the answer; in `slow` in the middle of it."""
    megabytes: int = 64
    """How much `huge` sends."""
    after: int = 0
    """So many matching calls pass first: 2 spoils the third page of a listing."""
    times: int | None = None
    """How many calls it hits; None: all."""

    def hits(self, service: str, line: str, where: str) -> bool:
        """Say whether this call is spoilt, and keep count of it."""
        matches = (
            service == self.service
            and (self.route is None or self.route in line)
            and (self.contains is None or self.contains in where)
        )
        if not matches or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultMiddleware:
    """The outermost layer: counts every call under its service and route, adds latency and faults, then lets it in."""

    def __init__(self, app: ASGIApp, *, state: State, services: Mapping[str, Sequence[BaseRoute]]) -> None:
        self._app = app
        self._state = state
        self._services = services
        self._route_of = lru_cache(maxsize=4096)(self._find_route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        service, _, rest = scope["path"].lstrip("/").partition("/") if scope["type"] == "http" else ("", "", "")
        if service not in self._services:
            await self._app(scope, receive, send)
            return
        self._state.count(service, f"{scope['method']} {self._route_of(service, '/' + rest)}")
        body = await _read_body(receive)
        if service == "scaleops" and self._is_full():
            await _refusal(self._state)(scope, receive, send)
            return
        serving, call = self._state.serving, object()
        if service == "scaleops":
            serving.add(call)
            self._state.most_serving = max(self._state.most_serving, len(serving))
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
        line = f"{scope['method']} /{rest}?{scope['query_string'].decode('latin-1')}"
        headers = dict(scope["headers"])
        where = (body + b"\n" + headers.get(b"x-scaleops-cluster", b"")).decode("utf-8", "replace")
        fault = next((fault for fault in self._state.faults if fault.hits(service, line, where)), None)
        again = _replay(body, receive)
        if fault is None:
            await self._app(scope, again, send)
        else:
            await _misbehave(fault, self._app, scope, again, send)

    def _find_route(self, service: str, path: str) -> str:
        return _route_of(self._services[service], path)


def _route_of(routes: Sequence[BaseRoute], path: str) -> str:
    """Answer the template of the route, so that counts do not scatter over names; the path itself when there is none."""
    for route in routes:
        if isinstance(route, Mount) and path.startswith(f"{route.path}/"):
            return route.path + _route_of(route.routes, path[len(route.path) :])
        asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}  # another method is a match too, in part
        if isinstance(route, Route) and route.matches(asked)[0] is not Match.NONE:
            return route.path
    return path


async def _misbehave(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.delay_s and fault.mode != "slow":
        await asyncio.sleep(fault.delay_s)
    service = scope["path"].split("/")[1]
    match fault.mode:
        case "status":
            await _plain(fault)(scope, receive, send)
        case "html":
            status = fault.status if "status" in fault.model_fields_set else 200
            await HTMLResponse(LOGIN_PAGE, status_code=status, headers=fault.headers)(scope, receive, send)
        case "redirect":
            await RedirectResponse(f"/{service}/login", status_code=302)(scope, receive, send)
        case "empty":
            await Response(status_code=204)(scope, receive, send)
        case "huge":
            await _send_much(fault.megabytes, send)
        case "drop":
            await _hang_up(receive, send)
        case "accept-then-drop":
            await _collect(app, scope, receive)
            await _hang_up(receive, send)
        case "truncated" | "cut" | "slow":
            await _spoil(fault, await _collect(app, scope, receive), receive, send)


def _refusal(state: State) -> Response:
    seconds = state.modes.capacity_retry_after_s
    return Response(
        "too many calls in flight",
        status_code=int(state.modes.over_capacity),
        headers={} if seconds is None else {"Retry-After": str(seconds)},
        media_type="text/plain",
    )


def _plain(fault: Fault) -> Response:
    if isinstance(fault.body, str):
        return Response(fault.body, status_code=fault.status, headers=fault.headers, media_type="text/plain")
    return Response(json.dumps(fault.body), status_code=fault.status, headers=fault.headers, media_type="application/json")


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Let the service do its work and keep what it would have answered."""
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


async def _spoil(fault: Fault, answer: tuple[Message, bytes], receive: Receive, send: Send) -> None:
    """Send the service's own answer cut short, broken off, or with a long pause in the middle."""
    start, body = answer
    half = body[: len(body) // 2]
    sent = half if fault.mode == "truncated" else body
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(sent)).encode())]})
    if fault.mode == "truncated":
        await send({"type": "http.response.body", "body": half})
        return
    await send({"type": "http.response.body", "body": half, "more_body": True})
    if fault.mode == "cut":
        await _hang_up(receive, send)
        return
    await asyncio.sleep(fault.delay_s)
    await send({"type": "http.response.body", "body": body[len(half) :]})


async def _send_much(megabytes: int, send: Send) -> None:
    """Send valid JSON that does not end for a long time."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"workloads":["', "more_body": True})
    for _ in range(megabytes):
        await send({"type": "http.response.body", "body": b"x" * _MEGABYTE, "more_body": True})
    await send({"type": "http.response.body", "body": b'"]}'})


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without another byte. ASGI has no word for it, so uvicorn's own transport is closed."""
    cycle: Any = getattr(send, "__self__")  # noqa: B009 - typing knows no __self__ of a callable
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
    """Hand the body out once more, then whatever the connection says."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
