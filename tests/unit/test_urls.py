"""Hosts that only Kubernetes or compose resolves."""

import pytest

from domain.urls import is_cluster_internal_host


@pytest.mark.parametrize(
    ("host", "is_internal"),
    [
        ("valkey", True),
        ("Valkey", True),
        ("valkey.scaleops.svc", True),
        ("valkey.scaleops.svc.cluster.local", True),
        ("valkey.scaleops.svc.cluster.local.", True),
        ("valkey.example.com", False),
        ("10.0.0.7", False),
        ("12", False),
        ("", False),
        (None, False),
    ],
)
def test_a_host_is_internal_to_the_cluster_by_its_name(host: str | None, *, is_internal: bool) -> None:
    assert is_cluster_internal_host(host) is is_internal
