"""MCP over HTTP, behind the gateway's admission: both protocol eras, without sessions, so that any replica can serve any message."""

from __future__ import annotations

from typing import Any, Final, cast

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from actions.context import RequestContext
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.web.metrics import Metrics
from mcp_server import build_mcp_server

MCP_PATH: Final = "/mcp"
MAX_MESSAGE_BYTES: Final = 256 * 1024
_CLIENT: Final = "mcp"


class McpApp:
    """An ASGI application over the session manager of the MCP SDK, which must run as long as it serves."""

    def __init__(self, contexts: RequestContexts, metrics: Metrics) -> None:
        def context_of(request: object) -> RequestContext:
            asked: GatewayRequest = cast("Request", request).state.gateway_request
            return contexts.context_for(asked)

        def count_call(tool: str, outcome: str, seconds: float) -> None:
            metrics.count_tool_call(_CLIENT, tool, outcome, seconds)

        self.server: MCPServer[Any] = build_mcp_server(request_context_of=context_of, pools=contexts.pools, on_call=count_call)
        # The admission has checked Host and Origin, with settings that the SDK's own check does not know.
        unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self.server.streamable_http_app(
            stateless_http=True, max_request_body_size=MAX_MESSAGE_BYTES, transport_security=unguarded
        )
        self.run = self.server.session_manager.run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one message."""
        await self.server.session_manager.handle_request(scope, receive, send)

    def route(self) -> Route:
        """Return the route. Without sessions there is nothing to stream on GET and nothing to end by DELETE."""
        return Route(MCP_PATH, self, methods=["POST"], name=_CLIENT)
