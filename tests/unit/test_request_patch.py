"""The patch to copy: Kubernetes quantities, a command only where it works, and no less memory where a workload may have been OOM-killed."""

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reports.request_patch import LIMITS, RequestChange, format_changes, format_quantity, patch_requests, request_changes
from tests.factories import make_key

MI = 2**20
API = make_key("api", namespace="shop")
CPU = RequestChange(resource="cpu", now=2000, recommended=475)
SIZES = st.none() | st.floats(0, 1e9)


@pytest.mark.parametrize(
    ("resource", "size", "text"),
    [
        ("cpu", 475, "475m"), ("cpu", 474.2, "475m"), ("cpu", 475.0000001, "475m"), ("cpu", 2000, "2000m"), ("cpu", 0, "0m"),
        ("memory", 1228.8 * MI, "1229Mi"), ("memory", 4096 * MI, "4096Mi"), ("memory", 512 * 1024, "512Ki"), ("memory", None, "unknown"),
    ],
)  # fmt: skip
def test_sizes_are_kubernetes_quantities_rounded_up(resource: str, size: float | None, text: str) -> None:
    assert format_quantity(resource, size) == text


def test_the_patch_is_yaml_and_a_kubectl_command() -> None:
    changes = request_changes(cpu=(2000, 475), memory=(1024 * MI, 1228.8 * MI), oom_kills=4)
    patch = patch_requests(API, changes)
    assert patch is not None
    assert yaml.safe_load(patch.yaml) == {"resources": {"requests": {"cpu": "475m", "memory": "1229Mi"}}}
    assert patch.command == "kubectl -n shop set resources deployment/api --requests=cpu=475m,memory=1229Mi"
    assert patch.note == LIMITS
    assert format_changes(changes) == "CPU 2000m → 475m, memory 1024Mi → 1229Mi"
    assert format_changes(changes, pods=10) == "CPU 20000m → 4750m, memory 10240Mi → 12290Mi"


@pytest.mark.parametrize(("kind", "settable"), [("CronJob", True), ("statefulset", True), ("DaemonSet", True), ("Rollout", False),
                                                ("Job", False), ("ReplicaSet", False), ("Pod", False), ("", False)])  # fmt: skip
def test_kinds_that_kubectl_cannot_set_get_yaml_only(kind: str, *, settable: bool) -> None:
    patch = patch_requests(replace(API, type=kind), [CPU])
    assert patch is not None
    assert "cpu: 475m" in patch.yaml
    assert bool(patch.command) is settable
    assert bool(patch.no_command_reason) is not settable


@pytest.mark.parametrize(
    "change", [{"name": "a; rm -rf /"}, {"namespace": "$(id)"}, {"name": "-x"}, {"namespace": "a.b"}, {"name": "a`b"}]
)
def test_a_name_that_is_not_of_kubernetes_gets_no_command(change: dict[str, str]) -> None:
    patch = patch_requests(replace(API, **change), [CPU])
    assert patch is not None
    assert patch.command == ""
    assert "not a valid Kubernetes name" in patch.no_command_reason


@given(st.tuples(SIZES, SIZES), st.tuples(SIZES, SIZES), st.none() | st.integers(0, 5))
def test_no_memory_is_taken_where_kills_happened_or_may_have(
    cpu: tuple[float | None, float | None], memory: tuple[float | None, float | None], oom_kills: int | None
) -> None:
    changes = request_changes(cpu=cpu, memory=memory, oom_kills=oom_kills)
    for one in changes:
        if one.resource == "memory" and oom_kills != 0 and one.recommended is not None:
            assert one.is_rise
    patch = patch_requests(API, changes)
    if patch is not None:
        requests = yaml.safe_load(patch.yaml)["resources"]["requests"]
        assert requests.keys() == {one.resource for one in changes if one.is_known}
        assert not {"0m", "0Ki", "unknown"} & set(requests.values())


def test_what_is_not_known_is_named_and_not_patched() -> None:
    changes = request_changes(cpu=(None, 500), memory=(None, None), oom_kills=0)
    assert format_changes(changes) == "CPU unknown → 500m, memory unknown"
    assert patch_requests(API, changes) is None
    assert request_changes(cpu=(500, 500.0001), memory=(MI, MI), oom_kills=0) == ()
