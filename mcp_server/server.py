"""Builds the MCP server. Transports are the business of who starts it: stdio by itself, HTTP behind the gateway."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import Any, Final

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, GetPromptResult, InputRequiredResult
from pydantic import AnyUrl

from actions.action_pools import ActionPools
from actions.catalogue import ACTIONS
from mcp_server.resources import add_resources
from mcp_server.tools import AskerOf, OnCall, ToolContext, count_nothing, tool_of

NAME: Final = "scaleops-worker"
INSTRUCTIONS: Final = (
    "Kubernetes cost and rightsizing by ScaleOps, for components of the Backstage catalog. Everything is read-only. "
    "Find references with list_components. get_scaleops_* ask ScaleOps now; the other tools answer from stored sweeps. "
    "null means unknown, never zero. Costs are for their period, savings per month unless said otherwise: never add the two. "
    "Long answers come in pages: see total, truncated and rest."
)


LONGEST_NAME: Final = 1000
"""Characters of a name, an address or an argument of a prompt."""


class _Server(MCPServer[Any]):
    """The SDK's server, which would tell names back however long they are, and take an argument that is missing for its own failure."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Raises ToolError, MCPError."""
        _require_short(name, "a tool")
        return await super().call_tool(name, arguments, context)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource. Raises ResourceError, MCPError."""
        _require_short(str(uri), "a resource")
        return await super().read_resource(uri, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Write a prompt. Raises MCPError: there is none of the name, or an argument is missing or too long."""
        _require_short(name, "a prompt")
        prompt = next((one for one in await self.list_prompts() if one.name == name), None)
        if prompt is None:
            raise MCPError(INVALID_PARAMS, f"there is no prompt {name!r}")
        given = arguments or {}
        missing = [one.name for one in prompt.arguments or () if one.required and one.name not in given]
        if missing:
            raise MCPError(INVALID_PARAMS, f"the prompt {name} needs {' and '.join(missing)}")
        for value in given.values():
            _require_short(str(value), f"an argument of the prompt {name}")
        return await super().get_prompt(name, arguments, context)


def _require_short(text: str, what: str) -> None:
    if len(text) > LONGEST_NAME:
        raise MCPError(INVALID_PARAMS, f"{what} has no more than {LONGEST_NAME} characters, not {len(text)}")


def build_mcp_server(*, asker_of: AskerOf, lanes: ActionPools, on_call: OnCall = count_nothing) -> MCPServer[Any]:
    """Build the server with every question as a tool; `asker_of` says on whose behalf a message asks.

    Configure logging before: the SDK sets up its own where there is none.
    """
    desks = ToolContext(asker_of=asker_of, lanes=lanes, on_call=on_call)
    server: MCPServer[Any] = _Server(
        NAME,
        title="ScaleOps costs and recommendations",
        instructions=INSTRUCTIONS,
        version=importlib.metadata.version(NAME),
        tools=[tool_of(offer, desks) for offer in ACTIONS],
        log_level="WARNING",
        subscriptions=False,  # nothing that is listed here ever changes while the server runs
    )
    add_resources(server, desks)
    return server
