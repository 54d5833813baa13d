"""The network of a workload is fetched once a day, and carried with its own as-of in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.network_schedule import is_network_due
from domain.snapshots import NetworkUse, WorkloadPoint
from domain.workload import WorkloadKey
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tests.factories import SLOT
from tests.stage_factories import CollectBench, open_collect_bench

EVERY = timedelta(hours=6)
NETWORK = "GET /api/v1/workload-network"


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store) as made:
        yield made


def points_of(bench: CollectBench, slot: int) -> dict[WorkloadKey, WorkloadPoint]:
    return {point.key: point for one in bench.measurements(SLOT + slot * EVERY).values() for point in one.points}


def collect_slot(bench: CollectBench, slot: int) -> int:
    """Collect a slot, and return how many network calls that took."""
    before = bench.calls().get(NETWORK, 0)
    bench.clock.now = SLOT + slot * EVERY + timedelta(minutes=1)
    collect(bench.context)
    return bench.calls().get(NETWORK, 0) - before


def test_a_day_after_the_first_sweep_fetches_each_network_about_once(bench: CollectBench) -> None:
    first = collect_slot(bench, 0)
    following = [collect_slot(bench, slot) for slot in range(1, 5)]
    watched = sum(isinstance(point.network, NetworkUse) for point in points_of(bench, 0).values())
    assert 0 < watched <= first
    assert 0 < sum(following) <= 1.5 * first  # a component may be due again in less than a day after its first sweep
    assert max(following) < first
    for point in points_of(bench, 4).values():
        assert point.network == points_of(bench, 0)[point.key].network
        assert point.network_as_of is not None
        assert timedelta() <= point.as_of - point.network_as_of < timedelta(days=1)


def test_figures_that_failed_are_fetched_again_in_the_next_sweep(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route="workload-network", status=500)
    collect_slot(bench, 0)
    assert not any(isinstance(point.network, NetworkUse) for point in points_of(bench, 0).values())
    bench.simulator.state.faults = []
    collect_slot(bench, 1)
    assert {point.network_as_of for point in points_of(bench, 1).values()} == {SLOT + EVERY}
    assert any(isinstance(point.network, NetworkUse) for point in points_of(bench, 1).values())


def test_workloads_are_spread_evenly_over_the_slots_of_a_day() -> None:
    keys = [WorkloadKey(cluster="east", namespace="shop", type="Deployment", name=f"web-{number}") for number in range(4000)]
    chosen = Counter(slot for key in keys for slot in range(4) if is_network_due(key, SLOT + slot * EVERY, every=EVERY))
    assert chosen.total() == 4000
    assert all(900 < count < 1100 for count in chosen.values())
    assert all(is_network_due(key, SLOT, every=timedelta(days=1)) for key in keys)
