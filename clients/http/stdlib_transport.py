"""The standard library's HTTP connection as a transport of httpx: what is sent and heard is the same, at a third of the CPU.

A transport keeps one connection to one origin and is used by one thread at a time. It speaks HTTP/1.1, follows nothing, unpacks
nothing, and knows no proxy: where the environment names one, httpx's own transport is used (docs/decisions/0015).
"""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead, RemoteDisconnected
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

_READ_AT_ONCE: Final = 64 * 1024
_SURELY_OPEN_S: Final = 0.1
"""No server closes a connection so soon after an answer; looking would cost a tenth of a call."""


class StdlibTransport(httpx.BaseTransport):
    """One connection, made when it is first needed and again when the other side closed it.

    Raises what httpx's own transport raises: ConnectError, ConnectTimeout, ReadError, ReadTimeout, RemoteProtocolError.
    """

    def __init__(self, tls: ssl.SSLContext, *, keepalive_s: float) -> None:
        self._tls = tls
        self._keepalive_s = keepalive_s
        self._connection: HTTPConnection | None = None
        self._used_at = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the head of the answer; its body is read when it is iterated over."""
        timeout: dict[str, float | None] = request.extensions.get("timeout", {})
        connection = self._ready(request.url, timeout)
        answer = HTTPResponse(connection.sock, method=request.method)
        try:
            with _in_words_of_httpx():
                # In one piece: HTTPConnection's own way sends head and body apart and looks at each header twice.
                connection.sock.sendall(_message_of(request))
                answer.begin()
        except BaseException:
            answer.close()
            self.close()
            raise
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        return httpx.Response(answer.status, headers=headers, stream=_Body(self, answer))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def give_back(self, answer: HTTPResponse) -> None:
        """Keep the connection for the next request, if this answer was read to its end."""
        was_read = answer.isclosed() if answer.length is None else answer.length == 0
        answer.close()
        if answer.will_close or not was_read:
            self.close()
        self._used_at = time.monotonic()

    def _ready(self, url: httpx.URL, timeout: Mapping[str, float | None]) -> HTTPConnection:
        """Answer a connection that is open as far as one can see."""
        connection = self._connection
        if connection is not None:
            idle_s = time.monotonic() - self._used_at
            if idle_s < _SURELY_OPEN_S or (idle_s < self._keepalive_s and _is_quiet(connection)):
                return connection
            self.close()
        connection = self._connection_to(url, timeout.get("connect"))
        try:
            connection.connect()
            connection.sock.settimeout(timeout.get("read"))
        except TimeoutError as late:
            connection.close()
            raise httpx.ConnectTimeout(str(late)) from late
        except OSError as trouble:
            connection.close()
            raise httpx.ConnectError(str(trouble)) from trouble
        self._connection = connection
        return connection

    def _connection_to(self, url: httpx.URL, timeout_s: float | None) -> HTTPConnection:
        host = url.raw_host.decode("ascii")
        match url.scheme:
            case "https":
                return HTTPSConnection(host, url.port or 443, timeout=timeout_s, context=self._tls)
            case "http":
                return HTTPConnection(host, url.port or 80, timeout=timeout_s)
        message = f"Request URL has an unsupported protocol '{url.scheme}://'."
        raise httpx.UnsupportedProtocol(message)


class _Body(httpx.SyncByteStream):
    def __init__(self, transport: StdlibTransport, answer: HTTPResponse) -> None:
        self._transport = transport
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        while True:
            with _in_words_of_httpx():
                chunk = answer.read1(_READ_AT_ONCE)
                if not chunk and answer.length:
                    raise IncompleteRead(chunk, answer.length)
            if not chunk:
                return
            yield chunk

    def close(self) -> None:
        self._transport.give_back(self._answer)


def proxy_of(url: httpx.URL) -> str | None:
    """Answer the proxy that the environment names for an address."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return None if proxy is None or proxy_bypass(url.host) else proxy


def _message_of(request: httpx.Request) -> bytes:
    """Write a request. What is asked for may come as httpx's extension `target`, which saves reading each address anew."""
    target: bytes = request.extensions.get("target") or request.url.raw_path
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    head = b"\r\n".join([*lines, b"", b""])
    if b" " in target or head.count(b"\r") != len(lines) + 1 or head.count(b"\n") != len(lines) + 1 or b"\0" in head:
        message = "the request holds a character that would make another one of it"
        raise httpx.LocalProtocolError(message)
    return head + request.read()


def _is_quiet(connection: HTTPConnection) -> bool:
    """Say whether nothing came unasked: it would be the end of the connection."""
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return not waiting.poll(0)


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    try:
        yield
    except TimeoutError as late:
        raise httpx.ReadTimeout(str(late)) from late
    except RemoteDisconnected as gone:  # which is a ConnectionResetError, too
        message = "Server disconnected without sending a response."
        raise httpx.RemoteProtocolError(message) from gone
    except HTTPException as broken:
        message = f"the answer is no whole HTTP message: {type(broken).__name__}"
        raise httpx.RemoteProtocolError(message) from broken
    except OSError as trouble:
        raise httpx.ReadError(str(trouble)) from trouble
