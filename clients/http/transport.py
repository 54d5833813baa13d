"""The transport of `HttpClient`: one connection, with one deadline over resolving, connecting, headers and body.

The time-outs of httpx are for each read, so a peer that sends a byte now and then is never cut. Here every operation on the socket
gets what is left until the deadline. It is set by `HttpClient` before each request; a transport has one request at a time.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Final

import httpcore
import httpx

_KEEPALIVE_S: Final = 15.0
_SHORTEST_S: Final = 0.001
"""A time-out of zero would mean a non-blocking socket."""


class DeadlineTransport(httpx.BaseTransport):
    """Raises the errors of httpcore, which have the names of httpx's. `connect_s`: for one address of the host."""

    def __init__(self, *, tls: ssl.SSLContext, connect_s: float, proxy: str | None, keeps_connection: bool) -> None:
        self._backend = _DeadlineBackend(connect_s)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            proxy=_proxy(proxy, tls) if proxy else None,
            max_connections=1,
            max_keepalive_connections=1 if keeps_connection else 0,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=self._backend,
        )

    def set_deadline(self, deadline: float) -> None:
        """Let all operations until the next call end by this time (`time.monotonic`)."""
        self._backend.deadline = deadline
        self._backend.is_idle = True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response with an unread body."""
        url, extensions = request.url, dict(request.extensions)
        target = extensions.pop("target", url.raw_path)  # as httpx documents; httpcore would send it to a proxy, too
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=_bracketed(url.raw_host), port=url.port, target=target),
                headers=request.headers.raw,
                content=request.stream,
                extensions=extensions,
            )
        )
        return httpx.Response(status_code=response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _DeadlineBackend(httpcore.NetworkBackend):
    """Connects as httpcore does, trying the addresses of the host one after the other until the deadline."""

    def __init__(self, connect_s: float) -> None:
        self.deadline = 0.0
        self.is_idle = True
        """Nothing of the request has been sent."""
        self._connect_s = connect_s
        self._sockets = httpcore.SyncBackend()

    def left_s(self) -> float:
        """Return the time until the deadline, above zero."""
        return max(_SHORTEST_S, self.deadline - time.monotonic())

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline instead
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolve(host, port, timeout_s=min(self._connect_s, self.left_s()))
        for tried, address in enumerate(addresses):
            timeout_s = min(self._connect_s, self.left_s() / (len(addresses) - tried))
            try:
                stream = self._sockets.connect_tcp(address, port, timeout_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if tried == len(addresses) - 1:
                    raise
            else:
                return _DeadlineStream(stream, self)
        message = f"{host} has no address"
        raise httpcore.ConnectError(message)


class _DeadlineStream(httpcore.NetworkStream):
    """A socket that is used as rarely as possible: each use waits for it, and lets another thread have the interpreter.

    The parts of a request are sent as one: at its end, which httpcore writes as no bytes, or before the response is read.
    """

    def __init__(self, stream: httpcore.NetworkStream, backend: _DeadlineBackend) -> None:
        self._stream = stream
        self._backend = backend
        self._unsent: list[bytes] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline instead
        self._send()
        return self._stream.read(max_bytes, self._backend.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline instead
        self._backend.is_idle = False
        if buffer:
            self._unsent.append(buffer)
        else:
            self._send()

    def _send(self) -> None:
        if self._unsent:
            request, self._unsent = b"".join(self._unsent), []
            self._stream.write(request, self._backend.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline instead
    ) -> httpcore.NetworkStream:
        name = server_hostname.strip("[]") if server_hostname else None
        stream = self._stream.start_tls(ssl_context, name, self._backend.left_s())
        return _DeadlineStream(stream, self._backend)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        if info == "is_readable" and not self._backend.is_idle:
            return False  # httpcore looks after a response as well as before the next request, which is enough
        return self._stream.get_extra_info(info)


def _bracketed(host: bytes) -> bytes:
    """Put an IPv6 address into brackets, which httpcore would leave out of what it asks a proxy for."""
    return b"[%b]" % host if b":" in host else host


def _proxy(url: str, tls: ssl.SSLContext) -> httpcore.Proxy:
    parsed = httpx.Proxy(url)
    target = httpcore.URL(scheme=parsed.url.raw_scheme, host=_bracketed(parsed.url.raw_host), port=parsed.url.port, target=b"/")
    return httpcore.Proxy(target, auth=parsed.raw_auth, ssl_context=tls if parsed.url.scheme == "https" else None)


def _resolve(host: str, port: int, *, timeout_s: float) -> list[str]:
    """Return the addresses of a host, without repetition. In a thread: `getaddrinfo` takes no time-out."""
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(info[4][0]) for info in infos)))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        return found.result(timeout_s)
    except TimeoutError:
        message = f"the name {host} was not resolved in time"
        raise httpcore.ConnectTimeout(message) from None
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from None
