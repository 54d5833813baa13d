"""The MCP door: every question as a read-only tool, reports as resources. On stdio by itself; over HTTP behind the gateway."""

from mcp_server.server import INSTRUCTIONS, NAME, build_mcp_server

__all__ = ["INSTRUCTIONS", "NAME", "build_mcp_server"]
