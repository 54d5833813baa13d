"""A server that answers byte by byte: a peer that is never silent, and never done."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PAUSE_S = 0.02
BYTES = 500


class DrippingServer:
    """Sends the head or the body of a valid response one byte at a time, which takes ten seconds."""

    def __init__(self, part: str, body: bytes) -> None:
        padded = body.ljust(BYTES)
        start, end = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", b"Content-Length: %d\r\n\r\n" % len(padded)
        if part == "head":
            self._first, self._drops, self._last = start + b"X-Slow: ", b"x" * BYTES, b"\r\n" + end + padded
        else:
            self._first, self._drops, self._last = start + end, padded, b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(self._first)
                    for drop in self._drops:
                        if self._stopped.wait(PAUSE_S):
                            return
                        connection.sendall(bytes([drop]))
                    connection.sendall(self._last)
                    connection.shutdown(socket.SHUT_WR)  # closing with unread bytes would reset the connection
                    while connection.recv(65536):
                        pass

    def close(self) -> None:
        """Stop, also in the middle of a response."""
        self._stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@contextmanager
def dripping(part: str, body: bytes = b"{}") -> Iterator[DrippingServer]:
    """Serve a response with this body, of which the `head` or the `body` drips."""
    server = DrippingServer(part, body)
    try:
        yield server
    finally:
        server.close()
