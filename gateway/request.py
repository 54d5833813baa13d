"""One request as the gateway sees it: the few headers it reads, the path as it was sent, and the body within its limit.

A header is read by its proper name only. One that is spelled with `_` or `.` in place of `-`, as some servers fold it, or sent
twice, is refused where it would matter: it is how a proxy in front of us is got round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.types import Receive, Scope

from gateway.responses import HttpError, bad_request

if TYPE_CHECKING:
    from gateway.auth.callers import Caller

READ: Final = frozenset(
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
"""The headers that the gateway reads. No other has any effect, forwarded addresses, hosts and paths least of all."""

_FORWARDED: Final = (b"forwarded", b"via", b"client-ip", b"real-ip", b"connecting-ip", b"x-original-", b"x-envoy-")
"""What the names of headers hold that a proxy adds."""
BODY_LIMIT: Final = 64 * 1024
BODY_PATIENCE_S: Final = 10.0
BASE: Final = "/api/scaleops"


@dataclass(slots=True, kw_only=True)
class GatewayRequest:
    """A request on its way through the gateway. `caller` and `route` are filled in as they become known."""

    method: str
    target: bytes
    """The path exactly as it was sent, before any decoding, without the query."""
    query: bytes
    headers: Mapping[bytes, bytes] = field(repr=False)
    peer: str
    scope: Scope = field(repr=False)
    receive: Receive = field(repr=False)
    caller: Caller | None = None
    route: str = ""
    body_is_read: bool = False

    def header(self, name: bytes) -> str | None:
        """Answer one of the headers that are read."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def url(self) -> str:
        """What was asked, below the plugin's base, as Backstage's errors show it."""
        path = self.target.decode("latin-1")
        path = path[len(BASE) :] if path.startswith(f"{BASE}/") else path
        return f"{path}?{self.query.decode('latin-1')}" if self.query else path

    async def read_body(self) -> bytes:
        """Answer the body.

        Raises:
            Refused: 413 over BODY_LIMIT, 415 for a packed one, 408 when it does not come.
        """
        if b"content-encoding" in self.headers:
            message = "a packed body is not read; send it as it is"
            raise bad_request(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        announced = self.headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > BODY_LIMIT:
            raise too_large()
        try:
            async with asyncio.timeout(BODY_PATIENCE_S):
                return await self._collect()
        except TimeoutError:
            message = f"the body did not arrive within {BODY_PATIENCE_S:g} s"
            raise bad_request(message, status=HTTPStatus.REQUEST_TIMEOUT) from None

    @property
    def was_forwarded(self) -> bool:
        """Say whether a proxy says that it hands on somebody else's request."""
        names = (name.replace(b"_", b"-").replace(b".", b"-") for name, _ in self.scope["headers"])
        return any(sign in name for name in names for sign in _FORWARDED)

    @property
    def has_body(self) -> bool:
        """Say whether a body was announced."""
        return b"transfer-encoding" in self.headers or self.headers.get(b"content-length", b"0").strip(b"0") != b""

    async def _collect(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message: Mapping[str, Any] = await self.receive()
            if message["type"] == "http.disconnect":
                gone = "the caller left before the body was complete"
                raise bad_request(gone)
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > BODY_LIMIT:
                raise too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                self.body_is_read = True
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large() -> HttpError:
    """Answer that the body is over the limit."""
    message = f"the body is larger than {BODY_LIMIT // 1024} KiB, which is more than any question needs"
    return bad_request(message, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def parse_request(scope: Scope, receive: Receive) -> GatewayRequest:
    """Make an exchange of an ASGI request.

    Raises:
        Refused: a header that matters is sent twice or in a misleading spelling, or the body is packed for the way.
    """
    headers = read_headers(scope["headers"])
    if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        message = "of transfer encodings only chunked is understood"
        raise bad_request(message, status=HTTPStatus.NOT_IMPLEMENTED)
    client = scope.get("client")
    return GatewayRequest(
        method=scope["method"],
        target=scope.get("target") or scope["raw_path"],
        query=scope["query_string"],
        headers=headers,
        peer=client[0] if client else "",
        scope=scope,
        receive=receive,
    )


def read_headers(sent: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Answer the headers of READ.

    Raises:
        Refused: one of them is sent twice or in a misleading spelling.
    """
    found: dict[bytes, bytes] = {}
    for name, value in sent:
        if name in READ:
            if name in found:
                message = f"the header {name.decode()} was sent twice"
                raise bad_request(message)
            found[name] = value
        elif (b"_" in name or b"." in name) and name.replace(b"_", b"-").replace(b".", b"-") in READ:
            message = f"the header {name.decode('latin-1')} is a misleading spelling; write it with '-'"
            raise bad_request(message)
    return found
