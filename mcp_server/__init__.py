"""The MCP server: every action as a read-only tool, reports as resources. Over stdio, or over HTTP in the gateway."""

from mcp_server.server import INSTRUCTIONS, NAME, build_mcp_server

__all__ = ["INSTRUCTIONS", "NAME", "build_mcp_server"]
