"""Builds the MCP server. Transports are the business of who starts it: stdio by itself, HTTP behind the gateway."""

from __future__ import annotations

import importlib.metadata
from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from actions.lanes import Lanes
from actions.offers import OFFERS
from mcp_server.resources import add_resources
from mcp_server.tools import AskerOf, Desks, OnCall, count_nothing, tool_of

NAME: Final = "scaleops-worker"
INSTRUCTIONS: Final = (
    "Kubernetes cost and rightsizing by ScaleOps, for components of the Backstage catalog. Everything is read-only. "
    "Find references with list_components. get_scaleops_* ask ScaleOps now; the other tools answer from stored sweeps. "
    "null means unknown, never zero. Costs are for their period, savings per month unless said otherwise: never add the two. "
    "Long answers come in pages: see total, truncated and rest."
)


def build_mcp_server(*, asker_of: AskerOf, lanes: Lanes, on_call: OnCall = count_nothing) -> MCPServer[Any]:
    """Build the server with every question as a tool; `asker_of` says on whose behalf a message asks.

    Configure logging before: the SDK sets up its own where there is none.
    """
    desks = Desks(asker_of=asker_of, lanes=lanes, on_call=on_call)
    server: MCPServer[Any] = MCPServer(
        NAME,
        title="ScaleOps costs and recommendations",
        instructions=INSTRUCTIONS,
        version=importlib.metadata.version(NAME),
        tools=[tool_of(offer, desks) for offer in OFFERS],
        log_level="WARNING",
        subscriptions=False,  # nothing that is listed here ever changes while the server runs
    )
    add_resources(server, desks)
    return server
