"""CORS: which origins may call, and the response to their preflights. A request of any other origin is refused with 403.

Starlette's CORSMiddleware serves such a request without the headers, and answers preflights before the Host is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse, Header, forbidden
from wiring.settings import SettingsError

PREFLIGHT: Final = GatewayResponse(
    status=HTTPStatus.NO_CONTENT,
    headers=(
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (
            b"access-control-allow-headers",
            b"authorization, content-type, x-scaleops-cluster, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name",
        ),
        (b"access-control-max-age", b"600"),
    ),
)
"""The response to every preflight of an allowed origin; the call itself is authorized when it is made."""
_EXPOSED: Final = b"cache-status, retry-after, www-authenticate, mcp-session-id"


class Cors:
    """The origins whose pages may call: GATEWAY_ALLOWED_ORIGINS, and the gateway's own public URL."""

    def __init__(self, allowed: Sequence[str], public_url: str | None) -> None:
        """Raise SettingsError for an entry that is not an origin. `*` is not one: responses are not for every page."""
        for origin in allowed:
            if not _is_origin(origin):
                message = (
                    f"GATEWAY_ALLOWED_ORIGINS: {origin!r} is not a valid origin; write for example https://backstage.example.com"
                )
                raise SettingsError(message)
        self._origins = frozenset(_origin_of(url) for url in (*allowed, *((public_url,) if public_url else ())))

    def headers_for(self, request: GatewayRequest) -> Sequence[Header]:
        """Return the response headers for an allowed origin; none without an Origin. Raises HttpError: 403."""
        origin = request.header(b"origin")
        if origin is None:
            return ()
        if origin.lower() not in self._origins:
            # A page of the gateway itself, whatever the scheme in front of it.
            if origin.partition("://")[2].lower() == (request.header(b"host") or "").lower():
                return ()
            message = "this origin is not allowed; GATEWAY_ALLOWED_ORIGINS lists the allowed ones"
            raise forbidden(message, headers=((b"vary", b"Origin"),))
        return (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        )


def is_preflight(request: GatewayRequest) -> bool:
    """Return True if the request is a CORS preflight."""
    return request.method == "OPTIONS" and b"origin" in request.headers and b"access-control-request-method" in request.headers


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default_port) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}".lower()


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.path.strip("/") and not parts.query
