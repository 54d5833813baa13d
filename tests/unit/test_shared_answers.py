"""What all workers of a sweep share is asked of ScaleOps once, and only that goes through the shared memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from actions.live.redis_memo import RedisMemoizedScaleOps
from domain.workload import WorkloadKey
from tests.unit.test_asked_once import CountingScaleOps

AS_OF = datetime(2026, 11, 23, tzinfo=timezone.utc)


class Memory:
    """A shared memory that nobody else uses at the same time."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get_or_compute(self, name: str, compute: Callable[[], bytes], *, ttl: timedelta) -> bytes:
        assert ttl > timedelta(minutes=30)
        if name not in self.kept:
            self.kept[name] = compute()
        return self.kept[name]


def test_what_every_component_needs_is_asked_once_for_all_workers() -> None:
    scaleops, memory = CountingScaleOps(), Memory()
    one, other = (RedisMemoizedScaleOps(scaleops, memory, as_of=AS_OF) for _ in range(2))
    assert one.network_flags() == other.network_flags()
    assert one.policies("east") == other.policies("east")
    assert scaleops.calls == {"flags": 1, "policies east": 1}


def test_another_sweep_asks_anew() -> None:
    scaleops, memory = CountingScaleOps(), Memory()
    for as_of in (AS_OF, AS_OF + timedelta(hours=6)):
        RedisMemoizedScaleOps(scaleops, memory, as_of=as_of).network_flags()
    assert scaleops.calls == {"flags": 2}


def test_the_network_of_a_workload_does_not_go_through_the_shared_memory() -> None:
    memory = Memory()
    key = WorkloadKey(cluster="east", namespace="shop", type="Deployment", name="web")
    shared = RedisMemoizedScaleOps(CountingScaleOps(), memory, as_of=AS_OF)
    assert shared.network(key, start=AS_OF - timedelta(hours=168), end=AS_OF) != ()
    assert memory.kept == {}
