"""The routes of the gateway other than those of the proxy, the registry, MCP and the pages.

Paths match as they were sent, undecoded. Errors are raised to `gateway.app`, which has the one place that renders them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.auth.signing import Signer
from gateway.request import BASE, GatewayRequest
from gateway.responses import GatewayResponse, forbidden, json_response, not_found
from gateway.web.health import ALIVE, ALIVE_WITH_VERSIONS, Readiness
from gateway.web.mcp_app import MCP_PATH
from gateway.web.metrics import Metrics
from gateway.web.oauth_metadata import METADATA_PATH, ResourceMetadata


def public_routes(readiness: Readiness, signer: Signer, resource_metadata: ResourceMetadata | None) -> Sequence[Route]:
    """Return the routes that need no caller: health, our public keys and, with Backstage tokens, where to get one."""

    async def health(_: Request) -> GatewayResponse:
        return ALIVE_WITH_VERSIONS

    async def health_of_the_predecessor(_: Request) -> GatewayResponse:
        return ALIVE

    async def ready(_: Request) -> GatewayResponse:
        return await readiness.response()

    async def jwks(_: Request) -> GatewayResponse:
        keys = await asyncio.to_thread(signer.published_keys)
        return json_response({"keys": keys}, headers=((b"access-control-allow-origin", b"*"),))

    endpoints = {
        "/healthz": health,
        "/readyz": ready,
        f"{BASE}/health": health_of_the_predecessor,
        f"{BASE}/.backstage/auth/v1/jwks.json": jwks,
    }
    routes = [Route(path, endpoint, name=path) for path, endpoint in endpoints.items()]
    if resource_metadata is not None:

        async def metadata(_: Request) -> GatewayResponse:
            return await resource_metadata.response()

        routes += [Route(path, metadata, name=path) for path in (METADATA_PATH, f"{METADATA_PATH}{MCP_PATH}")]
    return routes


def metrics_route(metrics: Metrics) -> Route:
    """Return the route of the metrics: for this machine, and for holders of a static token."""

    async def serve_metrics(request: Request) -> GatewayResponse:
        asked: GatewayRequest = request.state.gateway_request
        if not asked.is_local and (asked.caller is None or asked.caller.kind != "static"):
            message = "metrics are served to clients on this machine and to holders of a static token"
            raise forbidden(message)
        return metrics.response()

    return Route("/metrics", serve_metrics, name="/metrics")


async def raise_not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Raise a 404: the ASGI application of all other paths."""
    del receive, send
    message = f"there is no route {scope['path'][:200]}"
    raise not_found(message)
