"""The HTTP client over real sockets: kept, stale and broken connections, proxies, cookies, certificates."""

import gc
import gzip
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from clients.http.client import HttpClient, HttpOptions
from clients.http.errors import ServiceError
from clients.http.messages import HttpRequest
from tests.services.clients import Sleeps

COMPLETE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class CannedServer:
    """A server that sends these responses one after the other, and closes the connection where there is a None."""

    def __init__(self, responses: Sequence[bytes | None], tls: ssl.SSLContext | None = None) -> None:
        self._responses = iter(responses)
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.requests: list[bytes] = []
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        response = next(self._responses, None)
        while response is not None:
            connection, _ = self._socket.accept()
            self.connections += 1
            if self._tls is not None:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except OSError:  # the client rejects the certificate
                    return
            with connection:
                while response is not None and (request := _receive_request(connection)):
                    self.requests.append(request)
                    connection.sendall(response)
                    ends = b"Connection: close" in response
                    response = next(self._responses, None)
                    if ends:
                        break
                if response is None:
                    response = next(self._responses, None)
            self.closed.set()

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


def _receive_request(connection: socket.socket) -> bytes:
    request = connection.recv(65536)
    length = int(request.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0)
    while request and len(request.partition(b"\r\n\r\n")[2]) < length:
        request += connection.recv(65536)
    return request


@contextmanager
def serving(*responses: bytes | None, tls: ssl.SSLContext | None = None) -> Iterator[CannedServer]:
    with closing(CannedServer(responses, tls)) as server:
        yield server


GET = HttpRequest(method="GET", target="/api")


@contextmanager
def client_of(url: str, *, max_response_bytes: int = 1_000_000) -> Iterator[HttpClient]:
    options = HttpOptions(attempts=1, max_response_bytes=max_response_bytes)
    with closing(HttpClient("ScaleOps", url, options, sleep=Sleeps())) as http:
        yield http


@pytest.mark.parametrize("response", [COMPLETE, CHUNKED, NO_CONTENT])
def test_a_connection_is_kept_after_a_complete_response(response: bytes) -> None:
    with serving(response, COMPLETE, COMPLETE) as server, client_of(server.url) as http:
        assert http.send(GET).body in {b"{}", b""}
        assert [http.send(GET).body for _ in range(2)] == [b"{}", b"{}"]
    assert server.connections == 1


def test_a_connection_that_the_server_closes_is_replaced() -> None:
    with serving(UNTIL_CLOSE, COMPLETE) as server, client_of(server.url) as http:
        assert [http.send(GET).body for _ in range(2)] == [b"{}", b"{}"]
    assert server.connections == 2


def test_a_stale_connection_is_not_used() -> None:
    with serving(COMPLETE, None, COMPLETE) as server, client_of(server.url) as http:
        http.send(GET)
        assert server.closed.wait(5)
        assert http.send(GET).body == b"{}"
    assert server.connections == 2


def test_a_response_that_is_not_read_to_its_end_closes_its_connection() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 4096
    with serving(large, COMPLETE) as server, client_of(server.url, max_response_bytes=1024) as http:
        with pytest.raises(ServiceError, match="more than 1 KiB"):
            http.send(GET)
        assert http.send(GET).body == b"{}"
    assert server.connections == 2


def test_the_size_limit_is_of_the_decompressed_body() -> None:
    packed = gzip.compress(b"x" * 100_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with (
        serving(head + packed) as server,
        client_of(server.url, max_response_bytes=50_000) as http,
        pytest.raises(ServiceError, match="more than 48 KiB"),
    ):
        http.send(GET)
    assert len(packed) < 1000


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}", "a body that is truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\n{", "a body that is truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n{}", "cannot be decompressed"),
        (b"SSH-2.0 Connection: close\r\n", "did not answer GET /api: the connection was closed"),
    ],
)
def test_a_broken_response_is_an_error_with_an_unknown_outcome(response: bytes, message: str) -> None:
    with serving(response) as server, client_of(server.url) as http, pytest.raises(ServiceError, match=message) as failed:
        http.send(GET)
    assert failed.value.outcome_unknown


def test_a_request_is_sent_once_and_unchanged() -> None:
    request = HttpRequest(method="POST", target="/a%2Fb?q=%C3%A9", headers={"X-Scaleops-Cluster": "prod"}, body=b'{"label":[]}')
    with serving(COMPLETE) as server, client_of(server.url) as http:
        http.send(request)
    (sent,) = server.requests
    assert sent.startswith(b"POST /a%2Fb?q=%C3%A9 HTTP/1.1\r\n")
    assert sent.lower().count(b"\r\nhost:") == 1
    assert b"\r\nX-Scaleops-Cluster: prod\r\n" in sent
    assert b"\r\nContent-Length: 12\r\n" in sent
    assert sent.endswith(b'\r\n\r\n{"label":[]}')


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(UNTIL_CLOSE) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with client_of("http://scaleops.example.com/parent") as http:
            assert http.send(GET).body == b"{}"
    assert proxy.requests[0].startswith(b"GET http://scaleops.example.com/parent/api HTTP/1.1\r\n")


def test_no_proxy_is_used_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with serving(COMPLETE) as server, client_of(server.url) as http:
        assert http.send(GET).body == b"{}"


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/a\r\nX: y", {}), ("/a\0", {}), ("/a", {"X": "a\r\nY: b"}), ("/a", {"X": "a\nY: b"}), ("/a", {"X\r\nY": "b"})],
)
def test_a_request_cannot_smuggle_another_one(target: str, headers: dict[str, str]) -> None:
    with client_of("http://127.0.0.1:1") as http, pytest.raises(ServiceError) as failed:
        http.send(HttpRequest(method="GET", target=target, headers=headers))
    assert not failed.value.outcome_unknown


def test_a_space_in_a_target_is_encoded() -> None:
    with serving(COMPLETE) as server, client_of(server.url) as http:
        http.send(HttpRequest(method="GET", target="/a b"))
    assert server.requests[0].startswith(b"GET /a%20b HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/api/v1/a.b_c~d?x=%C3%A9&y=1:2,3+4", "/parent/api/v1/a.b_c~d?x=%C3%A9&y=1:2,3+4"),
        ("/api/../other", "/parent/other"),
        ("/api/./b", "/parent/api/b"),
        ("/api?x=%", "/parent/api?x=%"),
        ("/api?x=%c3", "/parent/api?x=%c3"),
        ("/api#fragment", "/parent/api"),
        ("/api?x=é", "/parent/api?x=%C3%A9"),
    ],
)
def test_a_target_is_below_the_path_of_the_service(target: str, sent: str) -> None:
    with serving(COMPLETE) as server, client_of(f"{server.url}/parent/") as http:
        http.send(HttpRequest(method="GET", target=target))
    assert server.requests[0].startswith(f"GET {sent} HTTP/1.1\r\n".encode())


def test_a_response_is_freed_without_the_garbage_collector() -> None:
    with serving(COMPLETE, COMPLETE) as server, client_of(server.url) as http:
        http.send(GET)
        gc.collect()
        gc.disable()
        try:
            http.send(GET)
            left = [one for one in gc.get_objects() if isinstance(one, httpx.Response)]
        finally:
            gc.enable()
    assert left == []


def test_a_header_may_have_a_name_in_any_script() -> None:
    with serving(COMPLETE) as server, client_of(server.url) as http:
        http.send(HttpRequest(method="GET", target="/a", headers={"X-Scaleops-Cluster": "tōkyō"}))
    assert "X-Scaleops-Cluster: tōkyō\r\n".encode() in server.requests[0]


def test_no_cookie_is_kept() -> None:
    setting = COMPLETE.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=stale; Path=/\r\n\r\n")
    with serving(setting, COMPLETE) as server, client_of(server.url) as http:
        for _ in range(2):
            http.send(GET)
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


def test_no_redirect_is_followed() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
    with serving(redirect) as server, client_of(server.url) as http:
        assert http.send(GET).status == 302
    assert len(server.requests) == 1


@contextmanager
def client_over_tls(certificate: tuple[Path, Path], *, host: str) -> Iterator[HttpClient]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with (
        serving(UNTIL_CLOSE, tls=context) as server,
        client_of(server.url.replace("http:", "https:").replace("127.0.0.1", host)) as http,
    ):
        yield http


def test_a_server_with_a_trusted_certificate_is_accepted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with client_over_tls(certificate, host="localhost") as http:
        assert http.send(GET).body == b"{}"


@pytest.mark.parametrize(("host", "is_trusted"), [("127.0.0.1", True), ("localhost", False)])
def test_a_server_must_prove_its_name(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, host: str, *, is_trusted: bool
) -> None:
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with (
        client_over_tls(certificate, host=host) as http,
        pytest.raises(ServiceError, match=r"it cannot be reached .*CERTIFICATE_VERIFY_FAILED"),
    ):
        http.send(GET)
