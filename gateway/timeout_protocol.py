"""One connection of the server, watched: whoever sends too slowly, sends too much of a head, or does not read is cut off.

uvicorn's own protocol waits for such a peer for ever. Here a clock runs while a request's head and body are on their way in, and
while an answer cannot be written on; when it runs out the connection is dropped.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

WHOLE: Final = "write_whole"
"""The key of a request's scope with the way to answer it at once: a head that is ready to be sent, and a body."""
HEAD_LIMIT: Final = 64 * 1024
FRAMING_LIMIT: Final = 512 * 1024
"""Of what comes with a body and is none of it: sizes of chunks, their extensions, trailers."""
REQUEST_PATIENCE_S: Final = 30.0
"""From the first byte of a request to the last."""
READER_PATIENCE_S: Final = 20.0
"""How long an answer may lie there unread; looked at again after each such time."""
SLOWEST_READER_BYTES_PER_S: Final = 8 * 1024
_END_OF_HEAD: Final = b"\r\n\r\n"
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 46\r\n\r\n"
    b"the head of the request is larger than 64 KiB\n"
)


class TimeoutHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 over httptools, with patience that ends."""

    reader_patience_s = READER_PATIENCE_S
    request_patience_s = REQUEST_PATIENCE_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._framing_bytes = 0
        self._last_bytes = b""
        self._in_head = True
        self._is_whole = False
        self._request_clock: asyncio.TimerHandle | None = None
        self._reader_clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own signature
        """Start the clock of whoever connects and says nothing."""
        super().connection_made(transport)
        self._request_clock = self.loop.call_later(self.request_patience_s, self._drop)

    def data_received(self, data: bytes) -> None:
        """Count what is no body, and start the clock of a request that has not come whole."""
        self._is_whole = False
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT and not self._may_hold_a_whole_head(data):
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        else:
            self._framing_bytes += len(data)
        super().data_received(data)
        if self._framing_bytes > FRAMING_LIMIT:
            self._drop()
        if not self._is_whole:
            self._last_bytes = data[1 - len(_END_OF_HEAD) :]
            if self._request_clock is None:
                self._request_clock = self.loop.call_later(self.request_patience_s, self._drop)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head = True
        self._is_whole = False
        self._framing_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of the head, and none that trails the body: it was not there when a proxy before us looked."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, which is bounded elsewhere."""
        self._framing_bytes -= len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """End the head, and let the application see the target as it was sent."""
        self._in_head = False
        self._head_bytes = 0
        # uvicorn leaves out what follows a '#', and the authority of an absolute target.
        target: bytes = self.url.partition(b"?")[0]
        self.scope["target"] = target  # type: ignore[typeddict-unknown-key] # a key of our own beside ASGI's
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.scope[WHOLE] = partial(write_whole, self.cycle)  # type: ignore[typeddict-unknown-key] # as above

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self._stop_request_clock()
        self._head_bytes = 0
        self._in_head = True
        self._is_whole = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the clock of a reader who does not read."""
        super().pause_writing()
        self._start_reader_clock()

    def resume_writing(self) -> None:
        """Stop it: they read."""
        self._stop_reader_clock()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and do not wait for ever until its last answer is read."""
        super().timeout_keep_alive_handler()
        self._start_reader_clock()

    def on_response_complete(self) -> None:
        """See that the last answer of a connection is read, too."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_reader_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._stop_request_clock()
        self._stop_reader_clock()
        super().connection_lost(exc)

    def _may_hold_a_whole_head(self, data: bytes) -> bool:
        """Say whether this piece ends the head: then what counts is its body."""
        return self._head_bytes - len(data) <= HEAD_LIMIT and _END_OF_HEAD in (self._last_bytes + data[:HEAD_LIMIT])

    def _stop_request_clock(self) -> None:
        if self._request_clock is not None:
            self._request_clock.cancel()
            self._request_clock = None

    def _stop_reader_clock(self) -> None:
        if self._reader_clock is not None:
            self._reader_clock.cancel()
            self._reader_clock = None

    def _drop(self) -> None:
        self.transport.abort()
        if self.cycle is not None:  # whoever still answers it learns at once that nobody listens
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _start_reader_clock(self) -> None:
        if self._reader_clock is None:
            unread = self.transport.get_write_buffer_size()
            self._reader_clock = self.loop.call_later(self.reader_patience_s, self._drop_unless_read, unread)

    def _drop_unless_read(self, unread_before: int) -> None:
        self._reader_clock = None
        read = unread_before - self.transport.get_write_buffer_size()
        if read < SLOWEST_READER_BYTES_PER_S * self.reader_patience_s:
            self._drop()
        else:
            self._start_reader_clock()


async def write_whole(cycle: RequestResponseCycle, head: bytes, body: bytes) -> None:
    """Answer a request in one piece: what two messages of ASGI do, without looking at every header again for every call.

    `head` is the status line and the headers, content-length among them, each line ended and the empty one not yet there.
    """
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    always = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
    cycle.transport.writelines((head, always, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", body))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
