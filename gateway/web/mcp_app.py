"""MCP over HTTP, behind the callers of the gateway: both protocol eras, without sessions, so that any replica may answer any message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from actions.context import RequestContext
from gateway.auth.callers import Caller
from gateway.auth.request_contexts import RequestContexts
from gateway.responses import HttpError, not_found
from gateway.subapps import SubApp, SubAppContext
from gateway.web.resource_metadata import MCP
from mcp_server import build_mcp_server

LONGEST_MESSAGE: Final = 256 * 1024
_DOOR: Final = "mcp"

Extend = Callable[[MCPServer[Any]], None]


def sections(rooms: SubAppContext, *, extend: Extend | None = None) -> Iterable[SubApp]:
    """Answer the MCP endpoint as a section of the gateway; `extend` adds to the server what only a test needs."""
    asking = RequestContexts(rooms)
    server = build_mcp_server(
        request_context_of=partial(_asker_of, asking), pools=asking.lanes, on_call=partial(rooms.metrics.count_tool_call, _DOOR)
    )
    if extend is not None:
        extend(server)
    # The gateway has checked Host and Origin of this request before; a second guard would know less.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(stateless_http=True, max_request_body_size=LONGEST_MESSAGE, transport_security=unguarded)
    manager = server.session_manager

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != MCP:
            message = f"there is nothing at {scope['path'][:200]}"
            raise not_found(message)
        if scope["method"] != "POST":
            # Without sessions there is nothing to stream to who does not ask, and nothing to end.
            message = f"{scope['method']} is not answered here; messages are sent with POST"
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "InputError", message, headers=((b"allow", b"POST"),))
        await manager.handle_request(scope, receive, send)

    return [SubApp(path=MCP, name=_DOOR, app=app, lifespan=manager.run)]


def _asker_of(asking: RequestContexts, request: object) -> RequestContext:
    return asking.asker_of(cast("Caller", cast("Request", request).scope["caller"]))
