"""uvicorn's HTTP/1.1 protocol with timeouts for clients that send or read too slowly, and limits on request heads and connections.

uvicorn has no options for these (docs/decisions/0018). It is bounded below its next minor release in pyproject.toml, and
tests/unit/test_timeout_protocol.py names every private member that is used here.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clients.http.loopback import plain_address
from gateway.connection_limit import ConnectionLimit

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_FRAMING_BYTES: Final = 512 * 1024
"""Of a chunked body: chunk sizes, their extensions and trailers."""
REQUEST_TIMEOUT_S: Final = 30.0
"""From the first byte of a request to its last."""
READ_TIMEOUT_S: Final = 20.0
"""How often a client that does not keep up with the response is checked."""
MIN_READ_BYTES_PER_S: Final = 8 * 1024
_END_OF_HEAD: Final = b"\r\n\r\n"
_TOO_MANY_CONNECTIONS: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-type: text/plain\r\ncontent-length: 20\r\n\r\n"
    b"too many connections"
)
_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 38\r\n\r\n"
    b"the request head is larger than 64 KiB"
)


class TimeoutHttpProtocol(HttpToolsProtocol):
    """HttpToolsProtocol that closes the connections of slow clients."""

    read_timeout_s = READ_TIMEOUT_S
    request_timeout_s = REQUEST_TIMEOUT_S

    def __init__(self, *args: Any, connection_limit: ConnectionLimit | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments
        super().__init__(*args, **kwargs)
        self.parser = _RequestParser(self)
        self.head_without_upgrade = b""
        """The last head that offered another protocol, without the offer."""
        self._connection_limit = connection_limit
        self._counted_peer: str | None = None
        self._head_bytes = 0
        self._framing_bytes = 0
        self._last_bytes = b""
        self._in_head = True
        self._is_complete = False
        self._request_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own signature
        """Start the timeout for the first request; refuse a connection over the limit."""
        super().connection_made(transport)
        if self._connection_limit is not None:
            peer = plain_address(self.client[0] if self.client else "")
            if not self._connection_limit.admit(peer):
                transport.write(_TOO_MANY_CONNECTIONS)
                transport.close()
                return
            self._counted_peer = peer
        self._request_timer = self.loop.call_later(self.request_timeout_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Enforce the size limits, and start the timeout of a request that is not complete."""
        self._is_complete = False
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self._may_complete_head(data):
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()
                return
        else:
            self._framing_bytes += len(data)
        super().data_received(data)
        if self._framing_bytes > MAX_FRAMING_BYTES:
            self.transport.abort()
        if not self._is_complete:
            self._last_bytes = data[1 - len(_END_OF_HEAD) :]
            if self._request_timer is None:
                self._request_timer = self.loop.call_later(self.request_timeout_s, self.transport.abort)

    def on_message_begin(self) -> None:
        """Start a head."""
        self._in_head = True
        self._is_complete = False
        self._framing_bytes = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Subtract the body, which the application limits, from the framing."""
        self._framing_bytes -= len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Pass the target as it was sent: uvicorn drops what follows a `#`, and the authority of an absolute target."""
        if self.parser.should_upgrade():
            self._keep_head_without_upgrade()
            return
        self._in_head = False
        self._head_bytes = 0
        target: bytes = self.url.partition(b"?")[0]
        self.scope["target"] = target  # type: ignore[typeddict-unknown-key] # not a key of ASGI
        super().on_headers_complete()
        # The scope has the list so far. Trailers go to another one: a proxy in front of the gateway did not see them as headers.
        self.headers = []

    def on_message_complete(self) -> None:
        """Cancel the request timeout."""
        if self.parser.should_upgrade():
            return
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
        self._head_bytes = 0
        self._in_head = True
        self._is_complete = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the timeout of a client that does not read."""
        super().pause_writing()
        self._start_read_timer()

    def resume_writing(self) -> None:
        """Cancel it."""
        self._cancel(self._read_timer)
        self._read_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, at the latest when the read timeout has expired."""
        super().timeout_keep_alive_handler()
        self._start_read_timer()

    def on_response_complete(self) -> None:
        """Bound the time to read the last response of a connection, too."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_read_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._cancel(self._request_timer)
        self._cancel(self._read_timer)
        if self._connection_limit is not None and self._counted_peer is not None:
            self._connection_limit.release(self._counted_peer)
        super().connection_lost(exc)

    def _keep_head_without_upgrade(self) -> None:
        """Keep a head to be parsed again. Raises HttpParserError for CONNECT, which is no request to a server."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            message = "CONNECT is not supported"
            raise HttpParserError(message)
        fields = (b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        version = self.parser.get_http_version().encode()
        self.head_without_upgrade = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(fields))

    def _may_complete_head(self, data: bytes) -> bool:
        """Return True if this data ends the head; what follows in it is body."""
        return self._head_bytes - len(data) <= MAX_HEAD_BYTES and _END_OF_HEAD in (self._last_bytes + data[:MAX_HEAD_BYTES])

    def _cancel(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()

    def _start_read_timer(self) -> None:
        if self._read_timer is None:
            unread_bytes = self.transport.get_write_buffer_size()
            self._read_timer = self.loop.call_later(self.read_timeout_s, self._check_reader, unread_bytes)

    def _check_reader(self, unread_bytes_before: int) -> None:
        self._read_timer = None
        bytes_read = unread_bytes_before - self.transport.get_write_buffer_size()
        if bytes_read < MIN_READ_BYTES_PER_S * self.read_timeout_s:
            self.transport.abort()
        else:
            self._start_read_timer()


class _RequestParser(HttpRequestParser):
    """Ignores an offer of another protocol (`Upgrade: h2c` of every JDK client), as a server may.

    The parser of httptools stops behind such a head and takes its body for the other protocol, so the head is parsed again without it.
    """

    def __init__(self, protocol: TimeoutHttpProtocol) -> None:
        self._protocol = protocol
        self._start()

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # uvicorn feeds bytes
        """Parse data. Raises HttpParserError."""
        while data:
            try:
                super().feed_data(data)
            except HttpParserUpgrade as offered:
                data = self._protocol.head_without_upgrade + data[offered.args[0] :]
                self._start()
            else:
                return

    def _start(self) -> None:
        super().__init__(self._protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
