"""Builds the MCP server. The caller chooses the transport: stdio, or HTTP in the gateway."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import Any, Final

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, GetPromptResult, InputRequiredResult, Tool
from pydantic import AnyUrl

from actions.action_pools import ActionPools
from actions.catalogue import ACTIONS
from mcp_server.resources import add_resources
from mcp_server.tools import OnCall, RequestContextOf, ToolContext, call_tool, count_nothing, tool_of

NAME: Final = "scaleops-worker"
INSTRUCTIONS: Final = (
    "Kubernetes cost and rightsizing by ScaleOps, for components of the Backstage catalog. Everything is read-only. "
    "Find references with list_components. get_scaleops_* query ScaleOps now; the other tools read stored sweeps. "
    "null means unknown, never zero. Costs are for their period, savings per month unless said otherwise: never add the two. "
    "Long lists come in pages: see total, truncated and rest."
)

MAX_NAME_LENGTH: Final = 1000
"""Characters of a name, an address or an argument of a prompt. Error messages quote them, so they are bounded."""
TOOLS: Final = {action.name: tool_of(action) for action in ACTIONS.values()}


class _Server(MCPServer[Any]):
    """The SDK's server with the actions as tools, which validate their own arguments, and with bounded names."""

    def __init__(self, context: ToolContext) -> None:
        super().__init__(
            NAME,
            title="ScaleOps costs and recommendations",
            instructions=INSTRUCTIONS,
            version=importlib.metadata.version(NAME),
            log_level="WARNING",
            subscriptions=False,  # nothing listed here changes while the server runs
        )
        self._tool_context = context

    async def list_tools(self) -> list[Tool]:
        """Return the actions, and tools that were added to this server."""
        return [*TOOLS.values(), *await super().list_tools()]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Raises ToolError, MCPError."""
        _require_short(name, "the name of a tool")
        tool = TOOLS.get(name)
        if tool is None:
            return await super().call_tool(name, arguments, context)
        request = None if context is None else context.request_context.request
        try:
            return await call_tool(ACTIONS[name], tool, arguments, self._tool_context, request)
        except Exception as crash:
            message = f"the tool {name} failed unexpectedly"
            raise UnexpectedToolError(message) from crash

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource. Raises ResourceError, MCPError."""
        _require_short(str(uri), "the address of a resource")
        return await super().read_resource(uri, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt. Raises MCPError: there is none of that name, or an argument is missing or too long."""
        _require_short(name, "the name of a prompt")
        prompt = next((one for one in await self.list_prompts() if one.name == name), None)
        if prompt is None:
            raise MCPError(INVALID_PARAMS, f"there is no prompt {name!r}")
        given = arguments or {}
        missing = [one.name for one in prompt.arguments or () if one.required and one.name not in given]
        if missing:
            raise MCPError(INVALID_PARAMS, f"the prompt {name} requires {' and '.join(missing)}")
        for value in given.values():
            _require_short(str(value), f"an argument of the prompt {name}")
        return await super().get_prompt(name, arguments, context)


def _require_short(text: str, what: str) -> None:
    if len(text) > MAX_NAME_LENGTH:
        raise MCPError(INVALID_PARAMS, f"{what} has at most {MAX_NAME_LENGTH} characters, not {len(text)}")


def build_mcp_server(
    *, request_context_of: RequestContextOf, pools: ActionPools, on_call: OnCall = count_nothing
) -> MCPServer[Any]:
    """Build the server with every action as a tool. `request_context_of` returns the caller's context of a request.

    Configure logging first: otherwise the SDK sets up its own.
    """
    context = ToolContext(request_context_of=request_context_of, pools=pools, on_call=on_call)
    server = _Server(context)
    add_resources(server, context)
    return server
