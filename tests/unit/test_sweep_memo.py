"""The memo of a sweep: one call per key, and a bounded number of repeats after failures."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from actions.live.sweep_memo import MAX_FAILURES, MemoizedScaleOps, SweepCache
from clients.http.errors import ErrorKind, ServiceError
from domain.workload import CostRow, Destination, Flow, PolicyDefinition, Workload, WorkloadKey
from tests.factories import make_key
from tests.services.waiting import run_together

NOW = datetime(2026, 11, 16, 6, tzinfo=timezone.utc)
KEY = make_key("web")
FLOW = Flow(total=Decimal("0.30"), egress=Decimal("0.1"), ingress=None)
PEER = Destination(
    name="x",
    namespace=None,
    workload_type="External",
    replicas=3,
    total_cost=FLOW,
    intra_az_cost=None,
    cross_az_cost=FLOW,
    total_traffic=FLOW,
    intra_az_traffic=None,
    cross_az_traffic=None,
)


class CountingScaleOps:
    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.failures = 0
        self.flags = {"c": True}
        self.hold = threading.Event()
        self.hold.set()

    def _count(self, what: str) -> None:
        self.calls[what] += 1
        assert self.hold.wait(20)
        if self.failures:
            self.failures -= 1
            message = f"no {what}"
            raise ServiceError(message, kind=ErrorKind.SERVER_ERROR, permanent=False, status=500)

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        self._count(f"workloads {labels}")
        return ()

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        self._count(f"costs {cluster} {namespaces} {types} {labels} {cost_range}")
        return ()

    def network_flags(self) -> Mapping[str, bool]:
        self._count("flags")
        return self.flags

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        self._count(f"network {key} {end - start}")
        return (PEER,)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        self._count(f"policies {cluster}")
        return (PolicyDefinition(name="cost", definition={"kind": "Policy"}),)


def test_shared_responses_are_fetched_once() -> None:
    scaleops = CountingScaleOps()
    memo = MemoizedScaleOps(scaleops)
    window = timedelta(hours=168)
    for _ in range(3):
        assert memo.network_flags() == {"c": True}
        assert [policy.name for policy in memo.policies("a")] == ["cost"]
        assert memo.policies("b")
        assert memo.network(KEY, start=NOW - window, end=NOW) == (PEER,)
    assert scaleops.calls == {"flags": 1, "policies a": 1, "policies b": 1, "network east/shop/Deployment/web 7 days, 0:00:00": 1}


def test_what_belongs_to_one_component_passes_through() -> None:
    scaleops = CountingScaleOps()
    memo = MemoizedScaleOps(scaleops)
    for _ in range(2):
        memo.workloads(("a=b",))
        memo.costs(cluster="c", namespaces=("n",), types=("t",), labels=("a=b",), cost_range="7d")
    assert set(scaleops.calls.values()) == {2}


def test_an_empty_response_is_memoized() -> None:
    scaleops = CountingScaleOps()
    scaleops.flags = {}
    memo = MemoizedScaleOps(scaleops)
    assert [memo.network_flags(), memo.network_flags()] == [{}, {}]
    assert scaleops.calls["flags"] == 1


def test_concurrent_threads_wait_for_one_call() -> None:
    scaleops = CountingScaleOps()
    scaleops.hold.clear()
    memo = MemoizedScaleOps(scaleops)
    *answers, _ = run_together(*[memo.network_flags] * 16, scaleops.hold.set)
    assert answers == [{"c": True}] * 16
    assert scaleops.calls["flags"] == 1


def test_different_keys_do_not_wait_for_each_other() -> None:
    class Stuck(CountingScaleOps):
        def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
            if cluster == "slow":
                assert self.hold.wait(20)
            return ()

    scaleops = Stuck()
    scaleops.hold.clear()
    memo = MemoizedScaleOps(scaleops)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(memo.policies, "slow")
        assert memo.policies("fast") == ()
        assert not slow.done()
        scaleops.hold.set()
        assert slow.result(timeout=20) == ()


def test_a_single_failure_does_not_affect_the_sweep() -> None:
    scaleops = CountingScaleOps()
    scaleops.failures = 1
    memo = MemoizedScaleOps(scaleops)
    with pytest.raises(ServiceError, match="no flags"):
        memo.network_flags()
    assert memo.network_flags() == {"c": True}
    assert scaleops.calls["flags"] == 2


def test_a_failed_network_call_is_not_repeated_for_another_component() -> None:
    scaleops = CountingScaleOps()
    scaleops.failures = 1
    memo = MemoizedScaleOps(scaleops)
    for _ in range(3):
        with pytest.raises(ServiceError, match="no network"):
            memo.network(KEY, start=NOW - timedelta(days=7), end=NOW)
    assert scaleops.calls.total() == 1


def test_an_outage_limits_the_number_of_calls() -> None:
    scaleops = CountingScaleOps()
    scaleops.failures = 1000
    memo = MemoizedScaleOps(scaleops)
    raised = []
    for _ in range(20):
        with pytest.raises(ServiceError, match="no flags") as failed:
            memo.network_flags()
        raised.append(failed.value)
    assert scaleops.calls["flags"] == MAX_FAILURES
    assert {(failure.kind, failure.status) for failure in raised} == {(ErrorKind.SERVER_ERROR, 500)}


AS_OF = datetime(2026, 11, 23, tzinfo=timezone.utc)


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get_or_compute(self, name: str, compute: Callable[[], bytes], *, ttl: timedelta) -> bytes:
        assert ttl > timedelta(minutes=30)
        if name not in self.kept:
            self.kept[name] = compute()
        return self.kept[name]


def test_flags_and_policies_are_fetched_once_for_all_workers() -> None:
    scaleops, memory = CountingScaleOps(), Memory()
    one, other = (MemoizedScaleOps(scaleops, shared=SweepCache(memory, as_of=AS_OF)) for _ in range(2))
    assert one.network_flags() == other.network_flags()
    assert one.policies("east") == other.policies("east")
    assert scaleops.calls == {"flags": 1, "policies east": 1}


def test_another_sweep_fetches_again() -> None:
    scaleops, memory = CountingScaleOps(), Memory()
    for as_of in (AS_OF, AS_OF + timedelta(hours=6)):
        MemoizedScaleOps(scaleops, shared=SweepCache(memory, as_of=as_of)).network_flags()
    assert scaleops.calls == {"flags": 2}


def test_the_network_of_a_workload_is_not_shared() -> None:
    memory = Memory()
    shared = MemoizedScaleOps(CountingScaleOps(), shared=SweepCache(memory, as_of=AS_OF))
    assert shared.network(KEY, start=AS_OF - timedelta(hours=168), end=AS_OF) != ()
    assert memory.kept == {}
