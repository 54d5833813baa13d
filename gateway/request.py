"""One request as the gateway reads it: a few headers, the path as it was sent, and a body within its limit.

A header is read by its proper name only. One that is sent twice, or spelled with `_` or `.` in place of `-` as some servers fold it,
is refused where it would matter: it is how a proxy in front of the gateway is bypassed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.types import Receive, Scope

from clients.http.loopback import is_loopback_host, plain_address
from gateway.responses import HttpError, bad_request

if TYPE_CHECKING:
    from gateway.auth.callers import Caller

HEADERS_READ: Final = frozenset(
    {
        b"host",
        b"origin",
        b"authorization",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"transfer-encoding",
        b"x-scaleops-cluster",
        b"access-control-request-method",
        b"access-control-request-headers",
    }
)
"""No other header has any effect, forwarded addresses, hosts and paths least of all."""

_FORWARDING_HEADERS: Final = (b"forwarded", b"via", b"client-ip", b"real-ip", b"connecting-ip", b"x-original-", b"x-envoy-")
"""Parts of the header names that proxies add."""
BODY_LIMIT: Final = 64 * 1024
BODY_TIMEOUT_S: Final = 10.0
BASE: Final = "/api/scaleops"


@dataclass(slots=True, kw_only=True)
class GatewayRequest:
    """A request on its way through the gateway. `caller` and `route` are set once they are known."""

    method: str
    target: bytes
    """The path as it was sent, before any decoding, without the query."""
    query: bytes
    headers: Mapping[bytes, bytes] = field(repr=False)
    peer: str
    scope: Scope = field(repr=False)
    receive: Receive = field(repr=False)
    caller: Caller | None = None
    route: str = ""
    body_is_read: bool = False

    def header(self, name: bytes) -> str | None:
        """Return one of HEADERS_READ."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def require_caller(self) -> Caller:
        """Return the caller of a request that was authenticated."""
        if self.caller is None:
            message = "the request was not authenticated"
            raise RuntimeError(message)
        return self.caller

    @property
    def url(self) -> str:
        """The requested URL below the plugin's base, as Backstage's errors show it."""
        path = self.target.decode("latin-1")
        path = path[len(BASE) :] if path.startswith(f"{BASE}/") else path
        return f"{path}?{self.query.decode('latin-1')}" if self.query else path

    async def read_body(self, *, limit: int = BODY_LIMIT) -> bytes:
        """Return the body.

        Raises:
            HttpError: 413 over the limit, 415 if it is compressed, 408 if it does not arrive.
        """
        if b"content-encoding" in self.headers:
            message = "Content-Encoding is not supported for request bodies"
            raise bad_request(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        announced = self.headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            raise _body_too_large(limit)
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await self._collect_body(limit)
        except TimeoutError:
            message = f"the body did not arrive within {BODY_TIMEOUT_S:g} s"
            raise bad_request(message, status=HTTPStatus.REQUEST_TIMEOUT) from None

    @property
    def is_local(self) -> bool:
        """True if the client is on this machine and is not a proxy that forwards the request of another client."""
        if not is_loopback_host(self.peer):
            return False
        names = (name.replace(b"_", b"-").replace(b".", b"-") for name, _ in self.scope["headers"])
        return not any(part in name for name in names for part in _FORWARDING_HEADERS)

    @property
    def has_body(self) -> bool:
        """True if a body was announced."""
        return b"transfer-encoding" in self.headers or self.headers.get(b"content-length", b"0").strip(b"0") != b""

    async def _collect_body(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message: Mapping[str, Any] = await self.receive()
            if message["type"] == "http.disconnect":
                disconnected = "the client disconnected before the body was complete"
                raise bad_request(disconnected)
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _body_too_large(limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                self.body_is_read = True
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse_request(scope: Scope, receive: Receive) -> GatewayRequest:
    """Parse an ASGI request.

    Raises:
        HttpError: a header that matters is repeated or ambiguously spelled, or the transfer encoding is not supported.
    """
    headers = read_headers(scope["headers"])
    if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        message = "the only supported transfer encoding is chunked"
        raise bad_request(message, status=HTTPStatus.NOT_IMPLEMENTED)
    client = scope.get("client")
    return GatewayRequest(
        method=scope["method"],
        target=scope.get("target") or scope["raw_path"],
        query=scope["query_string"],
        headers=headers,
        peer=plain_address(client[0]) if client else "",
        scope=scope,
        receive=receive,
    )


def read_headers(sent: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return the headers of HEADERS_READ.

    Raises:
        HttpError: one of them is repeated or ambiguously spelled.
    """
    found: dict[bytes, bytes] = {}
    for name, value in sent:
        if name in HEADERS_READ:
            if name in found:
                message = f"the header {name.decode()} was sent twice"
                raise bad_request(message)
            found[name] = value
        elif (b"_" in name or b"." in name) and name.replace(b"_", b"-").replace(b".", b"-") in HEADERS_READ:
            message = f"the header {name.decode('latin-1')} is ambiguous; spell it with '-'"
            raise bad_request(message)
    return found


def parse_json_strictly(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Parse JSON that every parser reads alike: no repeated key, no NaN or Infinity. Raises HttpError: 400."""
    try:
        return parse_json(body, parse_constant=_reject_constant)
    except AmbiguousJson as error:
        message = f"the body {error}"
        raise bad_request(message) from None
    except (ValueError, RecursionError):
        message = "the body is not valid JSON"
        raise bad_request(message) from None


class AmbiguousJson(Exception):
    """JSON that parsers read differently. The message follows the name of the document."""


def parse_json(body: bytes, **options: Any) -> Any:  # noqa: ANN401 - options of `json.loads`, and any JSON
    """Parse JSON in which no object repeats a key. Raises AmbiguousJson, ValueError, ArithmeticError, RecursionError."""
    return json.loads(body.decode("utf-8"), object_pairs_hook=_unique_keys, **options)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "has a repeated key"
        raise AmbiguousJson(message)
    return found


def _reject_constant(name: str) -> None:
    message = f"has {name}, which is not valid JSON"
    raise AmbiguousJson(message)


def _body_too_large(limit: int) -> HttpError:
    message = f"the body is larger than {limit // 1024} KiB, the limit of this API"
    return bad_request(message, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
