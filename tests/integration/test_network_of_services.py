"""Proxies, certificates and their failures are the same for every service, whatever library sends the request."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpClient, HttpOptions
from clients.http.errors import ServiceError
from clients.http.messages import HttpRequest
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.component import RoutingKey

GET = HttpRequest(method="GET", target="/api")
Call = Callable[[str], object]


def call_scaleops(url: str) -> object:
    return HttpClient("ScaleOps", url, HttpOptions(attempts=1)).send(GET)


def call_slack(url: str) -> object:
    return SlackClient(token="xoxb-hunter2", instance="test", base_url=url).probe()


def call_pagerduty(url: str) -> object:
    return PagerDutyClient(events_url=url, pause_s=0).send(RoutingKey("r" * 32), {"event_action": "resolve", "dedup_key": "k"})


def call_from_the_gateway(url: str) -> object:
    async def call() -> object:
        client = AsyncHttpClient("ScaleOps", url, HttpOptions())
        try:
            return await client.send(GET)
        finally:
            await client.close()

    return asyncio.run(call())


EVERY_SERVICE = pytest.mark.parametrize("call", [call_scaleops, call_slack, call_pagerduty, call_from_the_gateway])


@contextmanager
def recording_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Serve a proxy that refuses everything, and yield its URL and what it was asked for."""
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    received.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://me:hunter2@127.0.0.1:{listener.getsockname()[1]}", received
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@contextmanager
def tunnelling_proxy(tls_url: str, *, closes_first: int = 0) -> Iterator[str]:
    """Serve a proxy whose tunnels all lead to one server, and yield its URL. It closes the first ones in the TLS handshake."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(tls_url.rpartition(":")[2])

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(65536):
                target.sendall(received)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        to_close = closes_first
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    assert connection.recv(65536).startswith(b"CONNECT service.example.com:443 ")
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    if to_close:
                        connection.recv(65536)
                        to_close -= 1
                        continue
                    with socket.create_connection(("127.0.0.1", port)) as server:
                        back = threading.Thread(target=copy, args=(server, connection))
                        back.start()
                        copy(connection, server)
                        back.join()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"ok": true, "status": "success", "dedup_key": "k"}'
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(202 if self.path.endswith("enqueue") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tls_url(certificate: tuple[Path, Path]) -> Iterator[str]:
    """Serve every service over TLS with a certificate of a private authority."""
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@EVERY_SERVICE
def test_a_dead_proxy_is_named_as_the_cause(call: Call, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"me:hunter2@127.0.0.1:{free_port}")
    with pytest.raises(
        ServiceError, match=rf"it cannot be reached through the proxy 127.0.0.1:{free_port} of HTTPS_PROXY"
    ) as error:
        call("https://service.example.com")
    assert "hunter2" not in str(error.value)


@EVERY_SERVICE
def test_a_proxy_that_is_not_supported_is_a_sentence(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    with pytest.raises(ServiceError, match="ALL_PROXY names a SOCKS proxy, which is not supported"):
        call("https://service.example.com")


@EVERY_SERVICE
def test_a_proxy_is_asked_for_an_ipv6_address_in_brackets(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording_proxy() as (url, received):
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("HTTP_PROXY", url)
        with pytest.raises(ServiceError):
            call("https://[fd00::2:1]:8443")
        with suppress(ServiceError):  # the gateway passes a status on
            call("http://[fd00::2:1]:8080")

    assert received[0].startswith(b"CONNECT [fd00::2:1]:8443 HTTP/1.1\r\n")
    assert b" http://[fd00::2:1]:8080/" in received[-1].partition(b"\r\n")[0]
    assert all(b"Proxy-Authorization: Basic " in request for request in received)


@EVERY_SERVICE
def test_ssl_cert_file_is_trusted(
    call: Call, tls_url: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    call(tls_url)


@EVERY_SERVICE
def test_a_certificate_that_is_not_trusted_is_named_with_what_to_do(
    call: Call, tls_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(ServiceError, match="SSL_CERT_FILE names the certificate of a private authority"):
        call(tls_url)


@EVERY_SERVICE
def test_a_missing_certificate_file_is_named(call: Call, tls_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/ca.pem")
    with pytest.raises(ServiceError, match=r"SSL_CERT_FILE names /no/such/ca\.pem, which is not a file that can be read"):
        call(tls_url)


def test_a_certificate_behind_a_proxy_is_named_at_every_attempt(tls_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with tunnelling_proxy(tls_url) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        client = HttpClient("ScaleOps", "https://service.example.com", HttpOptions(attempts=3, timeout_s=2, initial_wait_s=0))
        with closing(client), pytest.raises(ServiceError, match="SSL_CERT_FILE names the certificate of a private authority"):
            client.send(GET)


def test_a_handshake_that_fails_behind_a_proxy_costs_one_attempt(
    tls_url: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with tunnelling_proxy(tls_url, closes_first=1) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        client = HttpClient("ScaleOps", "https://service.example.com", HttpOptions(attempts=2, timeout_s=10, initial_wait_s=0))
        with closing(client):
            assert client.send(GET).status == 200
