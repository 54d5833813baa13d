"""A cluster missing from the responses is lost, not removed, until it is back or counts as removed."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome
from domain.sweeps import ClusterState, Sweep
from domain.workload import WorkloadKey
from simulator.serving import Simulator
from simulator.world import Scenario, World
from store import Store
from tasks.collect.stage import collect
from tests.factories import SLOT
from tests.services.databases import content_of, make_sqlite
from tests.stage_factories import CollectBench, open_collect_bench


@dataclass
class ChangingWorld:
    """The parity world, in which clusters can be missing from the responses."""

    world: World
    silent: set[str] = field(default_factory=set)

    def at(self, _: datetime) -> World:
        return replace(self.world, silent_clusters=frozenset(self.silent))


@pytest.fixture
def world(simulator: Simulator) -> ChangingWorld:
    changing = ChangingWorld(simulator.state.world())
    simulator.load(Scenario(name="changing", world_at=changing.at))
    return changing


@pytest.fixture(scope="module")
def first_sweep(simulator_server: Simulator, parity_scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a database with the sweep before anything is lost."""
    simulator_server.load(parity_scenario)
    file = tmp_path_factory.mktemp("first") / "worker.db"
    with closing(Store.open(make_sqlite(file))) as store, open_collect_bench(simulator_server, store) as made:
        collect_at(made, 0)
    return content_of(file)


@pytest.fixture
def bench(first_sweep: bytes, simulator: Simulator, world: ChangingWorld, tmp_path: Path) -> Iterator[CollectBench]:
    """A bench after the first sweep, which saw every cluster."""
    assert world.silent == set()
    url = make_sqlite(tmp_path / "worker.db", first_sweep)
    with closing(Store.open(url)) as store, open_collect_bench(simulator, store) as made:
        assert lost(made) == []
        yield made


@pytest.fixture
def cluster(world: ChangingWorld) -> str:
    return world.world.clusters[1]


def collect_at(bench: CollectBench, hours: int) -> Sweep:
    bench.clock.now = SLOT + timedelta(hours=hours)
    bench.simulator.state.clock.set(bench.clock.now)
    return collect(bench.context).sweep


def on(cluster: str, measurement: Measurement) -> set[WorkloadKey]:
    return {point.key for point in measurement.points if point.key.cluster == cluster}


def everything_on(cluster: str, bench: CollectBench, hours: int) -> dict[EntityRef, set[WorkloadKey]]:
    found = bench.measurements(SLOT + timedelta(hours=hours))
    return {ref: on(cluster, one) for ref, one in found.items() if on(cluster, one)}


def state_of(cluster: str, bench: CollectBench) -> ClusterState:
    with bench.store.reading() as transaction:
        return next(state for state in transaction.clusters.all() if state.name == cluster)


def lost(bench: CollectBench) -> list[str]:
    with bench.store.reading() as transaction:
        return [state.name for state in transaction.clusters.lost()]


def test_the_workloads_of_a_lost_cluster_are_unknown_and_not_removed(
    bench: CollectBench, world: ChangingWorld, cluster: str
) -> None:
    before = everything_on(cluster, bench, 0)
    assert before
    world.silent = {cluster}
    collect_at(bench, 6)

    assert everything_on(cluster, bench, 6) == before
    for ref, one in bench.measurements(SLOT + timedelta(hours=6)).items():
        there = [point for point in one.points if point.key.cluster == cluster]
        assert all(isinstance(point.cost_7d, Unknown) and cluster in point.cost_7d.reason for point in there)
        assert all(isinstance(point.under_provisioned, Unknown) for point in there)
        if ref in before:
            assert one.snapshot.outcome is Outcome.MEASURED
            assert one.snapshot.cost_7d.parts == len(one.points)
            assert one.snapshot.cost_7d.known <= len(one.points) - len(there)
    assert lost(bench) == [cluster]
    assert state_of(cluster, bench).lost_since == SLOT + timedelta(hours=6)


def test_a_lost_cluster_stays_lost_from_sweep_to_sweep_and_comes_back(
    bench: CollectBench, world: ChangingWorld, cluster: str
) -> None:
    before = everything_on(cluster, bench, 0)
    world.silent = {cluster}
    for hours in (6, 12, 18):
        collect_at(bench, hours)
        assert everything_on(cluster, bench, hours) == before
    assert state_of(cluster, bench).lost_since == SLOT + timedelta(hours=6)
    world.silent = set()
    collect_at(bench, 24)
    assert lost(bench) == []
    back = bench.measurements(SLOT + timedelta(hours=24))
    assert any(
        not isinstance(point.cost_7d, Unknown) for one in back.values() for point in one.points if point.key.cluster == cluster
    )


def test_a_cluster_that_is_lost_for_seven_days_counts_as_removed(bench: CollectBench, world: ChangingWorld, cluster: str) -> None:
    world.silent = {cluster}
    for hours in range(6, 6 + 24 * 7, 24):
        collect_at(bench, hours)
    assert lost(bench) == [cluster]
    collect_at(bench, 6 + 24 * 7)
    assert lost(bench) == []
    assert state_of(cluster, bench).removed_at == SLOT + timedelta(hours=6 + 24 * 7)
    assert everything_on(cluster, bench, 6 + 24 * 7) == {}
    collect_at(bench, 12 + 24 * 7)
    assert everything_on(cluster, bench, 12 + 24 * 7) == {}


def test_a_cluster_that_the_settings_name_as_removed_is_not_lost(bench: CollectBench, world: ChangingWorld, cluster: str) -> None:
    world.silent = {cluster}
    removed = replace(bench.context, policy=replace(bench.context.policy, removed_clusters=frozenset({cluster})))
    collect_at(replace(bench, context=removed), 6)
    assert lost(bench) == []
    assert everything_on(cluster, bench, 6) == {}


def test_a_component_that_left_one_cluster_for_good_loses_nothing(
    bench: CollectBench, world: ChangingWorld, cluster: str
) -> None:
    """Other components are still in that cluster, so it is not lost, and what is absent is removed."""
    mover = min(everything_on(cluster, bench, 0))
    going = {str(key.name) for key in everything_on(cluster, bench, 0)[mover]}
    kept = tuple(
        workload
        for workload in world.world.workloads
        if workload.cluster != cluster or str(workload.dash["workloadName"]) not in going
    )
    world.world = replace(world.world, workloads=kept)
    collect_at(bench, 6)
    assert lost(bench) == []
    assert mover not in everything_on(cluster, bench, 6)
    assert everything_on(cluster, bench, 6)


def test_an_outage_of_all_calls_loses_no_cluster(bench: CollectBench, world: ChangingWorld, cluster: str) -> None:
    """Without a successful response no cluster is known to be missing."""
    before = everything_on(cluster, bench, 0)
    bench.simulator.add_fault("scaleops", route="byNamespace", status=500)
    outage = collect_at(bench, 6)
    assert outage.measured == 0
    assert lost(bench) == []
    bench.simulator.state.faults.clear()
    world.silent = {cluster}
    collect_at(bench, 12)
    assert lost(bench) == [cluster]
    assert everything_on(cluster, bench, 12) == before


def test_a_component_that_was_unknown_when_its_cluster_was_lost_still_has_its_workloads_later(
    bench: CollectBench, world: ChangingWorld, cluster: str
) -> None:
    before = everything_on(cluster, bench, 0)
    world.silent = {cluster}
    selector = min(before)
    bench.simulator.add_fault("scaleops", route="byNamespace", contains=selector.name, status=500)
    collect_at(bench, 6)
    assert bench.measurements(SLOT + timedelta(hours=6))[selector].snapshot.outcome is Outcome.UNKNOWN
    bench.simulator.state.faults.clear()
    collect_at(bench, 12)
    assert everything_on(cluster, bench, 12) == before


def test_a_sweep_without_workloads_anywhere_is_a_loss_of_all_clusters(bench: CollectBench, world: ChangingWorld) -> None:
    clusters = {point.key.cluster for one in bench.measurements(SLOT).values() for point in one.points}
    world.silent = set(clusters)
    collect_at(bench, 6)
    assert set(lost(bench)) == clusters
