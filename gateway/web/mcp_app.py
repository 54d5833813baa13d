"""MCP over HTTP, behind the gateway's admission: both protocol eras, without sessions, so that any replica can serve any message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from actions.context import RequestContext
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.web.mcp_messages import accepted_types, accepting_both, as_event, message_problem, replaying
from gateway.web.metrics import Metrics
from mcp_server import build_mcp_server

MCP_PATH: Final = "/mcp"
MAX_MESSAGE_BYTES: Final = 256 * 1024
_CLIENT: Final = "mcp"


class McpApp:
    """An ASGI application over one server of the MCP SDK and two session managers: one responds with JSON alone, one may send events.

    `run` must run meanwhile.
    """

    def __init__(self, contexts: RequestContexts, metrics: Metrics) -> None:
        def context_of(request: object) -> RequestContext:
            asked: GatewayRequest = cast("Request", request).state.gateway_request
            return contexts.context_for(asked)

        def count_call(tool: str, outcome: str, seconds: float) -> None:
            metrics.count_tool_call(_CLIENT, tool, outcome, seconds)

        self.server = build_mcp_server(request_context_of=context_of, pools=contexts.pools, on_call=count_call)
        self._json_only, self._any_type = (_serve(self.server, is_json_only=is_json_only) for is_json_only in (True, False))

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Run both session managers."""
        async with self._json_only.run(), self._any_type.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one message."""
        request: GatewayRequest = scope["state"]["gateway_request"]
        body = await request.read_body(limit=MAX_MESSAGE_BYTES)
        problem = message_problem(body)
        if problem is not None:
            await problem(scope, receive, send)
            return
        accepted = accepted_types(scope["headers"])
        manager = self._json_only if accepted == "json" else self._any_type
        respond = as_event(send) if accepted == "only events" else send
        await manager.handle_request(accepting_both(scope), replaying(body, receive), respond)

    def routes(self) -> Sequence[Route]:
        """Return the routes. Without sessions there is nothing to stream on GET and nothing to end by DELETE."""
        return [Route(path, self, methods=["POST"], name=_CLIENT) for path in (MCP_PATH, f"{MCP_PATH}/")]


def _serve(server: MCPServer[Any], *, is_json_only: bool) -> StreamableHTTPSessionManager:
    # The admission has checked Host and Origin, with settings that the SDK's own check does not know.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(
        stateless_http=True, json_response=is_json_only, max_request_body_size=MAX_MESSAGE_BYTES, transport_security=unguarded
    )
    return server.session_manager  # that of the latest call
