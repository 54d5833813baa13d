"""How an MCP client finds out where to get a token: OAuth protected-resource metadata (RFC 9728) for `/mcp`."""

from __future__ import annotations

from typing import Final

from gateway.responses import GatewayResponse, json_response

MCP: Final = "/mcp"
WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"


def metadata_url(public_url: str) -> str:
    """Answer where the metadata of `/mcp` is, as the WWW-Authenticate header names it."""
    return f"{public_url}{WELL_KNOWN}{MCP}"


def describe_resource(public_url: str, backstage_url: str) -> GatewayResponse:
    """Answer the metadata: Backstage's auth plugin is the one that issues tokens."""
    return json_response(
        {
            "resource": f"{public_url}{MCP}",
            "authorization_servers": [f"{backstage_url}/api/auth"],
            "bearer_methods_supported": ["header"],
            "resource_name": "scaleops-worker",
        },
        headers=((b"access-control-allow-origin", b"*"), (b"cache-control", b"max-age=3600")),
    )
