"""The transport on the standard library's connection: one connection is kept, renewed when it is gone, and no proxy is passed by."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from clients.http.client import HttpClient, HttpOptions, HttpRequest, ServiceError
from clients.http.stdlib_transport import StdlibTransport, _message_of, proxy_of
from tests.services.asking import Sleeps

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Canned:
    """A server that gives these answers, one after the other, and hangs up where there is a None."""

    def __init__(self, answers: Sequence[bytes | None], tls: ssl.SSLContext | None = None) -> None:
        self._answers = iter(answers)
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.heads: list[bytes] = []
        self.hung_up = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        answer = next(self._answers, None)
        while answer is not None:
            connection, _ = self._socket.accept()
            self.connections += 1
            if self._tls is not None:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except OSError:  # the client does not trust us
                    return
            with connection:
                while answer is not None and (head := connection.recv(65536)):
                    self.heads.append(head)
                    connection.sendall(answer)
                    ends = b"Connection: close" in answer
                    answer = next(self._answers, None)
                    if ends:
                        break
                if answer is None:
                    answer = next(self._answers, None)
            self.hung_up.set()

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


@contextmanager
def serving(*answers: bytes | None) -> Iterator[Canned]:
    server = Canned(answers)
    try:
        yield server
    finally:
        server.close()


class Client(httpx.Client):
    _transport: StdlibTransport


@contextmanager
def client() -> Iterator[Client]:
    transport = StdlibTransport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), keepalive_s=15)
    with Client(transport=transport, trust_env=False, timeout=5) as opened:
        yield opened


@pytest.mark.parametrize("answer", [WHOLE, IN_CHUNKS, NO_CONTENT])
def test_a_connection_is_kept_after_an_answer_that_was_read_to_its_end(answer: bytes) -> None:
    with serving(answer, WHOLE, WHOLE) as server, client() as opened:
        assert opened.get(server.url).content in {b"{}", b""}
        assert [opened.get(server.url).content for _ in range(2)] == [b"{}", b"{}"]
    assert server.connections == 1


def test_a_connection_that_the_server_closes_is_made_anew() -> None:
    with serving(TO_THE_END, WHOLE) as server, client() as opened:
        assert [opened.get(server.url).content for _ in range(2)] == [b"{}", b"{}"]
    assert server.connections == 2


def test_a_connection_that_went_stale_is_not_used() -> None:
    with serving(WHOLE, None, WHOLE) as server, client() as opened:
        opened.get(server.url)
        assert server.hung_up.wait(5)
        opened._transport._used_at -= 1  # a second ago
        assert opened.get(server.url).content == b"{}"
    assert server.connections == 2


def test_an_answer_that_was_not_read_takes_its_connection_with_it() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", WHOLE) as server, client() as opened:
        with opened.stream("GET", server.url):
            pass
        assert opened.get(server.url).content == b"{}"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\n{", httpx.RemoteProtocolError),
        (b"SSH-2.0 Connection: close\r\n", httpx.RemoteProtocolError),
    ],
)
def test_an_answer_that_breaks_off_is_no_answer(answer: bytes, trouble: type[Exception]) -> None:
    with serving(answer) as server, client() as opened, pytest.raises(trouble):
        opened.get(server.url)


def test_what_was_to_be_sent_is_sent_once_and_as_it_was() -> None:
    with serving(WHOLE) as server, client() as opened:
        opened.post(f"{server.url}/a%2Fb?q=%C3%A9", headers={"X-Scaleops-Cluster": "prod"}, content=b'{"label":[]}')
    sent = server.heads[0]
    assert sent.startswith(b"POST /a%2Fb?q=%C3%A9 HTTP/1.1\r\n")
    assert sent.lower().count(b"\r\nhost:") == 1
    assert b"\r\nX-Scaleops-Cluster: prod\r\n" in sent
    assert b"\r\nContent-Length: 12\r\n" in sent


def test_a_proxy_of_the_environment_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(TO_THE_END) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "inside.example.com")
        assert proxy_of(httpx.URL("http://scaleops.example.com")) == proxy.url
        assert proxy_of(httpx.URL("http://inside.example.com")) is None
        assert proxy_of(httpx.URL("https://scaleops.example.com")) is None
        line = HttpClient("ScaleOps", "http://scaleops.example.com/parent", HttpOptions(attempts=1), sleep=Sleeps())
        assert line.exchange(HttpRequest(method="GET", target="/api")).body == b"{}"
        line.close()
    assert proxy.heads[0].startswith(b"GET http://scaleops.example.com/parent/api HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", {}),
        ("/a\r\nX: y", {}),
        ("/a\0", {}),
        ("/a", {"X": "a\r\nY: b"}),
        ("/a", {"X": "a\nY: b"}),
        ("/a", {"X\r\nY": "b"}),
    ],
)
def test_no_request_becomes_another_one(target: str, headers: dict[str, str]) -> None:
    request = httpx.Request("GET", "http://127.0.0.1:1/", headers=headers, extensions={"target": target.encode()})
    with pytest.raises(httpx.LocalProtocolError):
        _message_of(request)


def test_a_line_keeps_no_cookie() -> None:
    with serving(WHOLE.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=stale; Path=/\r\n\r\n"), WHOLE) as server:
        line = HttpClient("ScaleOps", server.url, HttpOptions(), sleep=Sleeps())
        for _ in range(2):
            line.exchange(HttpRequest(method="GET", target="/api"))
        line.close()
    assert len(server.heads) == 2
    assert b"cookie" not in server.heads[1].lower()


def test_no_scheme_but_http_is_spoken() -> None:
    with client() as opened, pytest.raises(httpx.UnsupportedProtocol):
        opened.get("ftp://127.0.0.1/x")


def test_a_name_that_nobody_knows_cannot_be_reached() -> None:
    with client() as opened, pytest.raises(httpx.ConnectError):
        opened.get("http://127.0.0.1:1/")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Make a certificate of localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)  # noqa: TID251 - certificates are checked against the real time
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert_file, key_file


@contextmanager
def line_over_tls(certificate: tuple[Path, Path], *, host: str, is_trusted: bool) -> Iterator[HttpClient]:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    trusting = httpx.create_ssl_context()
    if is_trusted:
        trusting.load_verify_locations(certificate[0])
    server = Canned([TO_THE_END], served)
    line = HttpClient(
        "ScaleOps", server.url.replace("http:", "https:").replace("127.0.0.1", host), HttpOptions(attempts=1), sleep=Sleeps()
    )
    line._tls = trusting
    try:
        yield line
    finally:
        line.close()
        server.close()


def test_a_server_with_a_good_certificate_is_heard(certificate: tuple[Path, Path]) -> None:
    with line_over_tls(certificate, host="localhost", is_trusted=True) as line:
        assert line.exchange(HttpRequest(method="GET", target="/")).body == b"{}"


@pytest.mark.parametrize(("host", "is_trusted"), [("127.0.0.1", True), ("localhost", False)])
def test_a_server_must_prove_its_name(certificate: tuple[Path, Path], host: str, *, is_trusted: bool) -> None:
    with (
        line_over_tls(certificate, host=host, is_trusted=is_trusted) as line,
        pytest.raises(ServiceError, match=r"it cannot be reached .*CERTIFICATE_VERIFY_FAILED"),
    ):
        line.exchange(HttpRequest(method="GET", target="/"))
