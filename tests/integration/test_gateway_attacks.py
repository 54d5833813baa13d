"""Attacks on the connection: targets no client library sends, smuggled headers, endless heads and bodies, clients that do not read."""

import json
import socket
import threading
from contextlib import suppress
from http.client import HTTPResponse
from typing import Final

import pytest

from gateway.timeout_protocol import TimeoutHttpProtocol
from tests.services.gateways import STATIC_TOKEN, ServedGateway, ServeGateway

FLAGS: Final = "/api/scaleops/api/api/v1/networkCost/networkCostEnabled"
WORKLOADS: Final = "/api/scaleops/api/api/v1/dashboard/byNamespace"
AUTHORIZATION: Final = f"Authorization: Bearer {STATIC_TOKEN}\r\n"
AUTHORIZED: Final = f"Host: 127.0.0.1\r\n{AUTHORIZATION}"
POST: Final = f"POST {WORKLOADS} HTTP/1.1\r\n{AUTHORIZED}Content-Type: application/json\r\n"
CHUNKED: Final = POST.replace(AUTHORIZATION, "") + "Transfer-Encoding: chunked\r\n"
LIST_WORKLOADS: Final = f'{POST}Content-Length: 20\r\n\r\n{{"label":["a=b"]}}   '.encode()
TIMEOUT_S: Final = 20


class ImpatientProtocol(TimeoutHttpProtocol):
    read_timeout_s = 0.5
    request_timeout_s = 0.5


def connect(gateway: ServedGateway, *, receive_buffer: int | None = None) -> socket.socket:
    opened = socket.socket()
    if receive_buffer is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    opened.settimeout(TIMEOUT_S)
    opened.connect(("127.0.0.1", gateway.port))
    return opened


def flood(opened: socket.socket, piece: bytes, *, max_bytes: int) -> int:
    """Send a piece again and again until the gateway closes the connection. Return the bytes sent."""
    sent = 0
    with suppress(BrokenPipeError, ConnectionResetError):
        while sent < max_bytes:
            opened.sendall(piece)
            sent += len(piece)
    return sent


def read_to_end(opened: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while piece := opened.recv(65536):
            received += piece
    return received


def exchange(gateway: ServedGateway, request: bytes) -> bytes:
    with connect(gateway) as opened:
        opened.sendall(request)
        opened.shutdown(socket.SHUT_WR)
        return read_to_end(opened)


def get(gateway: ServedGateway, target: str, headers: str = AUTHORIZED) -> tuple[int, bytes]:
    response = exchange(gateway, f"GET {target} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n".encode("latin-1"))
    return int(response.split(b" ", 2)[1]), response


@pytest.mark.parametrize(
    "target",
    [
        f"{FLAGS}#/../../admin",
        f"{FLAGS}%23",
        "/api/scaleops/api/%2e%2e/%2e%2e/admin",
        "/api/scaleops/api/../../admin",
        "/api/scaleops/api/..%2fadmin",
        "/api/scaleops/api/%252e%252e/admin",
        "/api/scaleops/api//evil.example/x",
        "/api/scaleops/api/\\evil.example/x",
        "/api/scaleops/api/@evil.example/x",
        "/api/scaleops/api/api/v1%2FnetworkCost/networkCostEnabled",
        "/api/scaleops/api/api/v1/./networkCost/networkCostEnabled",
        f"{FLAGS};x=1",
    ],
)
def test_an_ambiguous_target_is_rejected(gateway: ServedGateway, target: str) -> None:
    assert get(gateway, target)[0] == 400
    assert gateway.calls("scaleops") == {}


@pytest.mark.parametrize(
    "target",
    [
        f"http://127.0.0.1{FLAGS}",
        f"http://evil.example{FLAGS}",
        f"/healthz/../..{FLAGS}",
        f"//evil.example{FLAGS}",
        "/healthz/",
        "/healthz%2f",
        "/%68ealthz",
        "/healthz;/api",
        "/api/scaleops/api",
        "/api/scaleops",
        "/API/scaleops/api/api/v1/networkCost/networkCostEnabled",
        "*",
    ],
)
def test_an_unknown_target_is_not_found(gateway: ServedGateway, target: str) -> None:
    assert get(gateway, target)[0] in {400, 404}
    assert gateway.calls("scaleops") == {}


@pytest.mark.parametrize("target", ["/healthz/../metrics", "/healthz?x=/metrics", "/readyz#", "/healthz/x", "/healthz.json"])
def test_a_public_route_is_public_by_its_exact_path_only(gateway: ServedGateway, target: str) -> None:
    status, response = get(gateway, target, "Host: 127.0.0.1\r\nUser-Agent: kube-probe/1.30\r\n")
    assert status == (200 if target.startswith("/healthz?") else 401)
    assert b"scaleops_worker_" not in response


@pytest.mark.parametrize(
    "more",
    [
        "X_Scaleops_Cluster: prod-us-east-1\r\n",
        "X.Scaleops.Cluster: prod-us-east-1\r\n",
        "X-Scaleops-Cluster: a\r\nX-Scaleops-Cluster: b\r\n",
        "Host: evil.example\r\n",
        f"Authorization: Bearer {STATIC_TOKEN}\r\n",
        "Content_Length: 10\r\n",
        "Transfer_Encoding: chunked\r\n",
    ],
)
def test_an_ambiguous_header_is_rejected(gateway: ServedGateway, more: str) -> None:
    assert get(gateway, FLAGS, AUTHORIZED + more)[0] == 400
    assert gateway.calls("scaleops") == {}


@pytest.mark.parametrize(
    "more",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "X-A: b\r\n folded: c\r\n",
        "X A: b\r\n",
        "X-A\x00: b\r\n",
    ],
)
def test_a_smuggled_request_is_never_served_as_a_second_one(gateway: ServedGateway, more: str) -> None:
    smuggled = f"0\r\n\r\nGET {FLAGS} HTTP/1.1\r\n{AUTHORIZED}\r\n"
    response = exchange(gateway, f"{POST}{more}\r\n{smuggled}".encode("latin-1"))
    assert int(response.split(b" ", 2)[1]) in {400, 413, 415, 501}
    assert "GET /api/v1/networkCost/networkCostEnabled" not in gateway.calls("scaleops")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""])
@pytest.mark.parametrize(
    "target", ["/healthz", "/readyz", "/metrics", "/api/scaleops/health", "/api/scaleops/.backstage/auth/v1/jwks.json", FLAGS]
)
def test_the_host_is_checked_on_every_route(gateway: ServedGateway, target: str, host: str) -> None:
    assert get(gateway, target, f"Host: {host}\r\nX-Forwarded-Host: 127.0.0.1\r\n")[0] == 421


def test_a_request_without_a_host_is_refused(gateway: ServedGateway) -> None:
    assert exchange(gateway, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize(
    "more",
    [
        "X-Forwarded-For: 127.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "X-Real-IP: 127.0.0.1\r\n",
        "X-Original-URL: /healthz\r\n",
    ],
)
def test_forwarded_headers_are_not_trusted(gateway: ServedGateway, more: str) -> None:
    assert get(gateway, FLAGS, f"Host: 127.0.0.1\r\nX-Forwarded-Uri: /healthz\r\n{more}")[0] == 401


def test_a_get_takes_no_body(gateway: ServedGateway) -> None:
    head = f"GET {FLAGS} HTTP/1.1\r\n{AUTHORIZED}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    assert exchange(gateway, head.encode()).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("how", ["Content-Length: 104857600", "Transfer-Encoding: chunked"])
def test_a_body_of_a_hundred_megabytes_is_rejected_with_a_readable_error(gateway: ServedGateway, how: str) -> None:
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n" if "chunked" in how else b" " * 65536
    with connect(gateway) as opened:
        opened.sendall(f"{POST}{how}\r\n\r\n".encode())
        sent = flood(opened, piece, max_bytes=100 * 1024 * 1024)
        response = read_to_end(opened)
    assert response.startswith(b"HTTP/1.1 413"), response[:200]
    assert b"larger than 64 KiB" in response
    assert sent < 50 * 1024 * 1024
    assert gateway.calls("scaleops") == {}


def test_a_body_announced_as_too_large_is_not_requested(gateway: ServedGateway) -> None:
    with connect(gateway) as opened:
        opened.sendall(f"{POST}Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n".encode())
        assert opened.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(gateway: ServedGateway) -> None:
    body = b'{"label":["app.kubernetes.io/name=orders-000"]}'
    headers = {**gateway.as_ci(), "Content-Type": "application/json"}
    assert gateway.client.post(WORKLOADS, content=body.ljust(65536), headers=headers).status_code == 200
    assert gateway.client.post(WORKLOADS, content=body.ljust(65537), headers=headers).status_code == 413


def test_a_compressed_body_is_rejected(gateway: ServedGateway) -> None:
    headers = {**gateway.as_ci(), "Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert gateway.client.post(WORKLOADS, content=b"x", headers=headers).status_code == 415


def test_an_endless_head_is_rejected(gateway: ServedGateway) -> None:
    with connect(gateway) as opened:
        opened.sendall(f"GET {FLAGS} HTTP/1.1\r\n{AUTHORIZED}".encode())
        flood(opened, f"X-A: {'a' * 1000}\r\n".encode(), max_bytes=2_000_000)
        response = read_to_end(opened)
    assert response.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("begun", [b"", b"G", f"GET {FLAGS} HTTP/1.1\r\nHost: 127".encode()])
def test_a_silent_connection_or_an_incomplete_head_times_out(serve_gateway: ServeGateway, begun: bytes) -> None:
    gateway = serve_gateway(protocol=ImpatientProtocol)
    with connect(gateway) as opened:
        opened.sendall(begun)
        assert read_to_end(opened) == b""


def test_an_incomplete_body_times_out(serve_gateway: ServeGateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway = serve_gateway(protocol=ImpatientProtocol)
    with connect(gateway) as opened:
        opened.sendall(f"{POST}Content-Length: 100\r\n\r\n{{".encode())
        assert read_to_end(opened) == b""
    gateway.close()
    assert [json.loads(line)["status"] for line in gateway.audit] == [400]
    assert not caplog.records, "a client that disconnects is not an error of the gateway"


def test_a_client_that_does_not_read_is_disconnected_and_others_are_served(serve_gateway: ServeGateway) -> None:
    gone = threading.Event()

    class WatchedProtocol(ImpatientProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            gone.set()

    gateway = serve_gateway(protocol=WatchedProtocol)
    gateway.simulator.plan_fault("scaleops", route="byNamespace", mode="huge", megabytes=12)
    with connect(gateway, receive_buffer=4096) as opened:
        opened.sendall(LIST_WORKLOADS)
        assert opened.recv(1024).startswith(b"HTTP/1.1 200")
        assert gateway.client.get("/healthz").status_code == 200
        assert gone.wait(TIMEOUT_S), "the connection is closed although the client did not read"
        received = read_to_end(opened)
    assert len(received) < 10 * 1024 * 1024


def test_a_slow_client_that_does_read_receives_everything(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(protocol=ImpatientProtocol)
    gateway.simulator.plan_fault("scaleops", route="byNamespace", mode="huge", megabytes=8)
    pause = threading.Event()
    with connect(gateway, receive_buffer=65536) as opened:
        opened.sendall(LIST_WORKLOADS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = len(opened.recv(1024))
        while piece := opened.recv(256 * 1024):
            received += len(piece)
            pause.wait(0.02)
    assert received > 8 * 1024 * 1024


def test_pipelined_requests_are_served_in_order(gateway: ServedGateway) -> None:
    one = f"GET {FLAGS} HTTP/1.1\r\n{AUTHORIZED}\r\n"
    last = f"GET /healthz HTTP/1.1\r\n{AUTHORIZED}Connection: close\r\n\r\n"
    with connect(gateway) as opened:
        opened.sendall((one * 20 + last).encode())
        responses = read_to_end(opened)
    assert responses.count(b"HTTP/1.1 200 OK\r\n") == 21
    assert responses.count(b"networkCostEnabled") == 20
    assert responses.lower().count(b"connection: close") == 1
    assert responses.lower().count(b"\r\ndate: ") == 21


def test_an_http_1_0_client_gets_a_response_and_the_connection_is_closed(gateway: ServedGateway) -> None:
    with connect(gateway) as opened:
        opened.sendall(f"GET {FLAGS} HTTP/1.0\r\n{AUTHORIZED}\r\n".encode())
        response = read_to_end(opened)
    head, _, body = response.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"content-length: %d" % len(body) in head


@pytest.mark.parametrize("waste", [b"\r\n", b"\r\n\r\n", b"G"])
def test_a_connection_that_sends_stray_bytes_is_closed(serve_gateway: ServeGateway, waste: bytes) -> None:
    gateway = serve_gateway(protocol=ImpatientProtocol)
    with connect(gateway) as opened:
        opened.sendall(f"GET /healthz HTTP/1.1\r\n{AUTHORIZED}\r\n".encode())
        with HTTPResponse(opened) as response:
            response.begin()
            assert response.read()
        opened.sendall(waste)
        assert not opened.recv(65536)


@pytest.mark.parametrize(
    ("head", "trailers", "status"),
    [
        ("", AUTHORIZATION, 401),
        (AUTHORIZATION, "Origin: https://evil.example\r\nHost: evil.example\r\nAuthorization: Bearer bad\r\n", 400),
    ],
)
def test_trailers_are_not_headers(gateway: ServedGateway, head: str, trailers: str, status: int) -> None:
    with connect(gateway) as opened:
        opened.sendall(f"{CHUNKED}{head}Connection: close\r\n\r\n2\r\n{{}}\r\n0\r\n{trailers}\r\n".encode())
        assert read_to_end(opened).startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.parametrize("head", ["", AUTHORIZATION])
@pytest.mark.parametrize(
    ("begun", "more"),
    [
        ("0\r\n", f"X-T: {'a' * 60_000}\r\n"),
        ("0\r\n", "X-T: a\r\n" * 6_000),
        ("0\r\nX-T: ", "a" * 60_000),
        ("1;a=", "a" * 60_000),
    ],
    ids=["trailers", "short trailers", "a trailer", "an extension"],
)
def test_endless_framing_of_a_body_is_cut_off(gateway: ServedGateway, head: str, begun: str, more: str) -> None:
    with connect(gateway) as opened:
        opened.sendall(f"{CHUNKED}{head}\r\n{begun}".encode())
        sent = flood(opened, more.encode(), max_bytes=64 * 1024 * 1024)
    assert sent < 16 * 1024 * 1024, "no more than the buffers of the sockets hold"


def test_a_body_in_very_small_pieces_is_read(gateway: ServedGateway) -> None:
    body = b'{"logicalLabel":[' + b" " * 20_000 + b"]}"
    pieces = b"".join(b"1\r\n%c\r\n" % sign for sign in body)
    with connect(gateway) as opened:
        opened.sendall(f"{CHUNKED}{AUTHORIZATION}Connection: close\r\n\r\n".encode() + pieces + b"0\r\n\r\n")
        response = read_to_end(opened)
    assert response.startswith(b"HTTP/1.1 400")
    assert b"logicalLabel" in response


@pytest.mark.parametrize("withheld", [1, 2, 3])
def test_a_large_body_that_arrives_with_the_end_of_the_head_does_not_count_as_head(gateway: ServedGateway, withheld: int) -> None:
    body = b"{" + b" " * 200_000
    head = f"{POST}Content-Length: {len(body)}\r\n\r\n".encode()
    with connect(gateway) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.sendall(head[:-withheld])
        threading.Event().wait(0.1)
        opened.sendall(head[-withheld:] + body)
        assert opened.recv(1024).startswith(b"HTTP/1.1 413")
