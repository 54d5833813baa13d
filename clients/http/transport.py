"""One connection of `HttpClient`, with one deadline over resolving, connecting, headers and body.

The time-outs of httpcore are for each read, so a peer that sends a byte now and then is never cut. Here every operation on the socket
gets what is left until the deadline of the request.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpcore
import httpx

_KEEPALIVE_S: Final = 15.0
_SHORTEST_S: Final = 0.001
"""A time-out of zero would mean a non-blocking socket."""
_KEPT_IN_TARGET: Final = "%/?:@!$&'()*+,;=~[]"
"""Everything else that is not a letter or digit is encoded, so that a target cannot end its line."""
_HAS_NO_BODY: Final = frozenset({"GET", "HEAD"})


class DeadlineConnection:
    """Sends requests below a URL, one at a time, and raises the errors of httpcore. `connect_s`: for one address of the host.

    Raises:
        httpx.InvalidURL: the URL cannot be parsed.
    """

    def __init__(
        self, base_url: str, *, tls: ssl.SSLContext, connect_s: float, proxy: str | None, keeps_connection: bool
    ) -> None:
        url = httpx.URL(base_url)
        self._scheme, self._host, self._port = url.raw_scheme, _bracketed(url.raw_host), url.port
        self._path = url.raw_path.rstrip(b"/")
        self._backend = _DeadlineBackend(connect_s)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            proxy=_proxy(proxy, tls) if proxy else None,
            max_connections=1,
            max_keepalive_connections=1 if keeps_connection else 0,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=self._backend,
        )

    @contextmanager
    def stream(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None, deadline: float
    ) -> Iterator[httpx.Response]:
        """Send a request and yield its response, whose body is decoded as it is read, by the deadline (`time.monotonic`)."""
        self._backend.deadline = deadline
        path = self._path + quote(target, safe=_KEPT_IN_TARGET).encode() or b"/"
        with self._pool.stream(
            method,
            httpcore.URL(scheme=self._scheme, host=self._host, port=self._port, target=path),
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            content=b"" if body is None and method not in _HAS_NO_BODY else body,
        ) as response:
            yield httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()


class _DeadlineBackend(httpcore.NetworkBackend):
    """Connects as httpcore does, trying the addresses of the host one after the other until the deadline."""

    def __init__(self, connect_s: float) -> None:
        self.deadline = 0.0
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
    def __init__(self, stream: httpcore.NetworkStream, backend: _DeadlineBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline instead
        return self._stream.read(max_bytes, self._backend.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline instead
        self._stream.write(buffer, self._backend.left_s())

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
