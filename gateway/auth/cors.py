"""Browsers of other origins: who may ask, and what a preflight is answered. An origin that is not allowed is refused outright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse, Header, forbidden
from wiring.settings import SettingsError

_METHODS: Final = b"GET, POST, OPTIONS"
_HEADERS: Final = b"authorization, content-type, x-scaleops-cluster, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name"
_EXPOSED: Final = b"cache-status, retry-after, www-authenticate, mcp-session-id"
_PREFLIGHT_KEPT_S: Final = b"600"


def origin_of(url: str) -> str:
    """Answer the origin of a web address as a browser writes it."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}".lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """The origins whose pages may ask."""

    origins: frozenset[str]

    @classmethod
    def of(cls, allowed: Sequence[str], public_url: str | None) -> Cors:
        """Take GATEWAY_ALLOWED_ORIGINS, and our own external address.

        Raises:
            SettingsError: one of them is no origin; `*` is none, for these answers are not for every page.
        """
        for origin in allowed:
            if not _is_origin(origin):
                message = f"GATEWAY_ALLOWED_ORIGINS holds {origin!r}, which is no origin; write for example https://backstage.example.com"
                raise SettingsError(message)
        own = (public_url,) if public_url else ()
        return cls(origins=frozenset(origin_of(url) for url in (*allowed, *own)))

    def admit(self, exchange: GatewayRequest) -> Sequence[Header]:
        """Answer the headers that let the page of an allowed origin read the answer; none without an Origin.

        Raises:
            Refused: 403, the origin is not allowed.
        """
        origin = exchange.header(b"origin")
        if origin is None:
            return ()
        if origin.lower() not in self.origins:
            # A page of this very server, behind whatever scheme.
            if origin.partition("://")[2].lower() == (exchange.header(b"host") or "").lower():
                return ()
            message = "pages of this origin may not ask; GATEWAY_ALLOWED_ORIGINS lists those that may"
            raise forbidden(message, headers=((b"vary", b"Origin"),))
        return (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        )


def is_preflight(exchange: GatewayRequest) -> bool:
    """Say whether a browser asks whether it may ask."""
    return exchange.method == "OPTIONS" and b"origin" in exchange.headers and b"access-control-request-method" in exchange.headers


PREFLIGHT: Final = GatewayResponse(
    status=HTTPStatus.NO_CONTENT,
    headers=(
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _HEADERS),
        (b"access-control-max-age", _PREFLIGHT_KEPT_S),
    ),
)
"""What every preflight of an allowed origin is answered; whether the call itself is allowed is seen when it comes."""


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.path.strip("/") and not parts.query
