"""Connections that ask for another protocol, that come over IPv6 sockets, or that are too many."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import pytest

from gateway.connection_limit import ConnectionLimit
from gateway.request import parse_request
from gateway.server import bind
from gateway.timeout_protocol import TimeoutHttpProtocol
from tests.integration.test_gateway_attacks import AUTHORIZED, FLAGS, POST, connect, exchange, read_to_end
from tests.services.gateways import ServedGateway, ServeGateway

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
BODY = b'{"label":["a=b"]}'


def statuses(response: bytes) -> list[int]:
    return [int(part[:3]) for part in response.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 17\r\n", BODY),
        ("Transfer-Encoding: chunked\r\n", b"5\r\n" + BODY[:5] + b"\r\nc\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("pause", [False, True])
def test_a_request_that_offers_h2c_keeps_its_body(gateway: ServedGateway, framing: str, body: bytes, *, pause: bool) -> None:
    head = f"{POST}{H2C}{framing}\r\n".encode()
    following = f"GET {FLAGS} HTTP/1.1\r\n{AUTHORIZED}{H2C.replace('Upgrade,', 'Upgrade, close,')}\r\n".encode()
    with connect(gateway) as opened:
        if pause:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in head + body:
                opened.send(bytes([byte]))
            opened.sendall(following)
        else:
            opened.sendall(head + body + following)
        received = read_to_end(opened)

    assert statuses(received) == [200, 200]
    assert gateway.calls("scaleops")


@pytest.mark.parametrize("protocol", ["websocket", "h2c, websocket", "TLS/1.0"])
def test_any_other_protocol_is_ignored(gateway: ServedGateway, protocol: str) -> None:
    offer = f"Connection: upgrade\r\nUpgrade: {protocol}\r\n"

    assert statuses(exchange(gateway, f"GET /healthz HTTP/1.1\r\n{AUTHORIZED}{offer}\r\n".encode())) == [200]


def test_a_tunnel_is_refused(gateway: ServedGateway) -> None:
    assert statuses(exchange(gateway, f"CONNECT evil.example:443 HTTP/1.1\r\n{AUTHORIZED}\r\n".encode())) == [400]


def test_many_pipelined_offers_are_served(gateway: ServedGateway) -> None:
    one = f"GET /healthz HTTP/1.1\r\n{AUTHORIZED}{H2C}\r\n".encode()
    with connect(gateway) as opened:
        opened.sendall(one * 300 + one.replace(b"Upgrade,", b"Upgrade, close,"))
        received = read_to_end(opened)

    assert statuses(received) == [200] * 301


def test_a_server_on_all_ipv6_addresses_serves_ipv4_by_its_address(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_host="::")
    metrics = gateway.client.get("/metrics")

    assert gateway.client.get("/healthz", headers={"Host": f"127.0.0.1:{gateway.port}"}).status_code == 200
    assert metrics.status_code == 200, "a mapped loopback address is local"
    with bind(gateway.settings) as bound:
        assert bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0


def test_the_peer_of_a_mapped_address_is_the_ipv4_address() -> None:
    async def receive() -> dict[str, object]:
        return {}

    scope = {"method": "GET", "raw_path": b"/x", "query_string": b"", "headers": [], "client": ("::ffff:10.1.2.3", 1)}

    assert parse_request(scope, receive).peer == "10.1.2.3"


def test_connections_over_the_limit_get_503_and_others_are_served(serve_gateway: ServeGateway) -> None:
    limit = ConnectionLimit(total=4, per_peer=2)

    class Limited(TimeoutHttpProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"connection_limit": limit})

    gateway = serve_gateway(protocol=Limited)
    request = f"GET /healthz HTTP/1.1\r\n{AUTHORIZED}\r\n".encode()
    idle = [connect(gateway) for _ in range(2)]
    for opened in idle:
        opened.sendall(request)
        assert statuses(opened.recv(4096)) == [200]
    with connect(gateway) as refused:
        assert statuses(read_to_end(refused)) == [503]
    idle.pop().close()
    received = b""
    while not received.startswith(b"HTTP/1.1 200"):  # the gateway learns of the end of a connection a moment later
        with connect(gateway) as served, suppress(OSError):
            served.sendall(request)
            received = served.recv(4096)
    idle.pop().close()
