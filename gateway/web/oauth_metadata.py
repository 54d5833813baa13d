"""OAuth protected-resource metadata of `/mcp` (RFC 9728): Backstage's auth plugin issues the tokens.

The issuer is the one that Backstage names in its own discovery document. BACKSTAGE_BASE_URL may be an internal address, which an agent
outside the cluster must refuse.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter

from clients.http.async_client import AsyncHttpClient
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, parse_json
from clients.http.single_flight import AsyncSingleFlight
from domain.clock import Clock
from gateway.responses import GatewayResponse, json_response, unavailable
from gateway.web.mcp_app import MCP_PATH

METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
DISCOVERY_PATH: Final = "/api/auth/.well-known/openid-configuration"
TTL: Final = timedelta(hours=1)
RETRY_AFTER: Final = timedelta(seconds=30)


class _Discovery(BaseModel):
    issuer: str


_DISCOVERY: Final = TypeAdapter(_Discovery)


def metadata_url(public_url: str) -> str:
    """Return the URL of the metadata of `/mcp`, as the WWW-Authenticate header gives it."""
    return f"{public_url}{METADATA_PATH}{MCP_PATH}"


class ResourceMetadata:
    """The document, for one event loop. The route is public, so Backstage is asked at most once per RETRY_AFTER."""

    def __init__(self, backstage: AsyncHttpClient, *, public_url: str, backstage_url: str, clock: Clock) -> None:
        self._backstage = backstage
        self._public_url = public_url
        self._fallback = f"{backstage_url.rstrip('/')}/api/auth"
        self._clock = clock
        self._issuer: str | None = None
        self._next_fetch: datetime | None = None
        self._fetches: AsyncSingleFlight[None, None] = AsyncSingleFlight()

    async def response(self) -> GatewayResponse:
        """Return the document.

        Raises:
            HttpError: 503, Backstage has not named its issuer yet. A guess could send an agent to an address that it must refuse.
        """
        if self._next_fetch is None or self._clock() >= self._next_fetch:
            await self._fetches.run(None, self._fetch)
        if self._issuer is None:
            message = "Backstage has not named the issuer of its tokens yet"
            raise unavailable(message, retry_after_s=RETRY_AFTER.total_seconds())
        return json_response(
            {
                "resource": f"{self._public_url}{MCP_PATH}",
                "authorization_servers": [self._issuer],
                "scopes_supported": ["openid"],
                "bearer_methods_supported": ["header"],
                "resource_name": "scaleops-worker",
            },
            headers=((b"access-control-allow-origin", b"*"), (b"cache-control", b"max-age=3600")),
        )

    async def _fetch(self) -> None:
        request = HttpRequest(method="GET", target=DISCOVERY_PATH)
        try:
            found = parse_json(self._backstage.service, _DISCOVERY, request, await self._backstage.send(request)).issuer
        except ServiceError as error:
            self._next_fetch = self._clock() + RETRY_AFTER
            if error.kind is ErrorKind.NOT_FOUND and self._issuer is None:  # a Backstage without this document
                self._issuer = self._fallback
            return
        self._issuer = found if _is_issuer(found) else self._fallback
        self._next_fetch = self._clock() + TTL


def _is_issuer(text: str) -> bool:
    """Return True for a URL without query and fragment (RFC 8414)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.fragment
