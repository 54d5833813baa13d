"""Host names of a gateway in a cluster and on IPv6, and the connections that it serves at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from clients.http.loopback import bracket_ipv6, is_loopback_host
from gateway.auth.allowed_hosts import AllowedHosts, cluster_suffixes
from gateway.connection_limit import ConnectionLimit
from gateway.responses import HttpError

POD = "search tools.svc.corp.internal svc.corp.internal corp.internal eu.example.com\nnameserver 10.96.0.10\noptions ndots:5\n"


@pytest.fixture
def hosts(tmp_path: Path) -> AllowedHosts:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(POD, encoding="utf-8")
    return AllowedHosts(bound="::", public_url="https://gateway.example.com", cluster_suffixes=cluster_suffixes(resolver))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        *((host, "::ffff:10.1.2.3") for host in ("10.1.2.3:8080", "[::ffff:10.1.2.3]", "[::ffff:a01:203]:8080")),
        *((host, "fd00::7") for host in ("[fd00::7]", "[FD00:0::7]:8080")),
        *((host, "10.1.2.3") for host in ("scaleops-worker", "scaleops-worker.tools", "scaleops-worker.tools.:8080")),
        *(
            (host, "10.1.2.3")
            for host in ("w.tools.svc", "w.tools.svc.corp.internal", "w.tools.svc.cluster.local.", "localhost.")
        ),
        *((host, "10.1.2.3") for host in ("gateway.example.com.", "GATEWAY.example.com")),
    ],
)
def test_every_spelling_of_this_pod_and_service_is_allowed(hosts: AllowedHosts, host: str, address: str) -> None:
    hosts.check(host.encode(), address)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        *((host, "::ffff:10.1.2.3") for host in ("10.1.2.4", "[::ffff:10.1.2.4]", "[fd00::7]", "[::ffff:10.1.2.3].evil.example")),
        *((host, "10.1.2.3") for host in ("evil.example", "w.other")),
        *((host, "10.1.2.3") for host in ("svc.evil.example", "evil.eu.example.com", ".", "..", "w.tools.evil")),
    ],
)
def test_other_names_are_rejected(hosts: AllowedHosts, host: str, address: str) -> None:
    with pytest.raises(HttpError):
        hosts.check(host.encode(), address)


def test_without_a_resolver_the_usual_names_of_services_are_known(tmp_path: Path) -> None:
    assert cluster_suffixes(tmp_path / "nothing") == (".svc", ".svc.cluster.local")


def test_a_mapped_address_is_the_address() -> None:
    assert is_loopback_host("::ffff:127.0.0.1")
    assert not is_loopback_host("::ffff:10.1.2.3")
    assert [bracket_ipv6(host) for host in ("::", "[::1]", "0.0.0.0", "a.example")] == ["[::]", "[::1]", "0.0.0.0", "a.example"]  # noqa: S104 - text


def test_one_peer_cannot_have_all_connections_and_the_refusal_is_logged_once_a_minute() -> None:
    now = [0.0]
    limit = ConnectionLimit(total=4, per_peer=2, timer=lambda: now[0])
    with capture_logs() as logs:
        assert [limit.admit("a") for _ in range(4)] == [True, True, False, False]
        assert [limit.admit(peer) for peer in ("b", "c", "d")] == [True, True, False]
        limit.release("a")
        assert limit.admit("d")
        now[0] = 60.0
        assert not limit.admit("e")

    assert [(line["event"], line["count"], line["peer"]) for line in logs] == [
        ("connections refused", 1, "a"),
        ("connections refused", 3, "e"),
    ]
