"""Bulk costs that break in the middle of a sweep: what was measured with them is measured again without, by any worker."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest

from actions.live.bulk_costs import BulkCosts
from domain.bulk_trust import BulkCheck, BulkSubject
from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome
from simulator.serving import Simulator
from simulator.world import Scenario
from store import Store
from tasks.collect.chunks import STALLED_AFTER, Chunk, advance_sweep, measure_chunk
from tasks.collect.inventory import take_inventory
from tasks.collect.stage import collect
from tests.factories import NEXT_SLOT, SLOT, make_component, make_measurement, make_point
from tests.services.databases import make_sqlite
from tests.stage_factories import CollectBench, open_collect_bench, record_sweep

COSTS = "POST /detailedCostReport/getWorkloads"
CLUSTERS = ("prod-us-east-1", "prod-eu-west-1", "staging")
SIZE = 10


def as_measured(found: dict[EntityRef, Measurement]) -> dict[EntityRef, Measurement]:
    """Leave out the order of warnings, and what closing the sweep adds."""
    return {
        ref: Measurement(
            snapshot=replace(one.snapshot, warnings=tuple(sorted(one.snapshot.warnings))),
            points=tuple(replace(point, listed_since=None, appeared=False) for point in one.points),
        )
        for ref, one in found.items()
    }


@pytest.fixture(scope="module")
def without_bulk(
    simulator_server: Simulator, parity_scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> dict[EntityRef, Measurement]:
    """What is measured without bulk responses, which nothing that a test does can change."""
    simulator_server.load(parity_scenario)
    url = make_sqlite(tmp_path_factory.mktemp("off") / "off.db")
    with closing(Store.open(url)) as store, open_collect_bench(simulator_server, store, uses_bulk=False) as bench:
        collect(bench.context)
        return as_measured(bench.measurements(SLOT))


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store) as made:
        yield made


def distrust(bench: CollectBench, *clusters: str) -> None:
    """Do what another worker does that finds a difference."""
    reason = "the cost of 1 of 3 compared workloads differs from the response for its component"
    checks = [
        BulkCheck(as_of=SLOT, subject=BulkSubject.COSTS, cluster=cluster, trusted=False, reason=reason) for cluster in clusters
    ]
    with bench.store.transaction() as transaction:
        transaction.bulk_checks.record(checks)


def used_bulk(bench: CollectBench) -> set[str]:
    return {cluster for one in bench.measurements(SLOT).values() for cluster in one.snapshot.bulk_clusters}


def untrusted(bench: CollectBench) -> set[str]:
    with bench.store.reading() as transaction:
        return {check.cluster for check in transaction.bulk_checks.of_sweep(SLOT) if not check.trusted}


def measure(bench: CollectBench, chunks: Sequence[Chunk], worker: BulkCosts) -> None:
    for chunk in chunks:
        measure_chunk(bench.context, chunk, bulk_costs=worker)


@pytest.mark.parametrize(
    "breaks", [{"bulk": "500"}, {"bulk": "first-rows", "bulk_rows": 2}, {"bulk": "empty"}], ids=["500", "short", "empty"]
)
def test_a_second_worker_whose_response_breaks_costs_no_figure(
    bench: CollectBench, without_bulk: dict[EntityRef, Measurement], breaks: dict[str, object]
) -> None:
    chunks = advance_sweep(bench.context, size=SIZE).chunks
    measure(bench, chunks[:2], BulkCosts(SLOT))
    assert used_bulk(bench)
    bench.simulator.set_modes(**breaks)
    measure(bench, chunks[2:], BulkCosts(SLOT))
    sweep = bench.sweep(SLOT)
    assert sweep is not None
    assert sweep.closed_at is not None
    assert as_measured(bench.measurements(SLOT)) == without_bulk
    assert untrusted(bench)
    assert used_bulk(bench).isdisjoint(untrusted(bench))


def test_trust_that_another_worker_withdrew_is_not_used_again(
    bench: CollectBench, without_bulk: dict[EntityRef, Measurement]
) -> None:
    chunks, worker = advance_sweep(bench.context, size=SIZE).chunks, BulkCosts(SLOT)
    measure(bench, chunks[:2], worker)
    distrust(bench, *CLUSTERS)
    before = bench.calls()[COSTS]
    measure(bench, chunks[2:], worker)
    assert used_bulk(bench) == set()
    assert bench.calls()[COSTS] - before > len(without_bulk) / 2
    assert as_measured(bench.measurements(SLOT)) == without_bulk


def test_trust_withdrawn_after_the_last_chunk_keeps_the_sweep_open_until_it_is_measured_again(
    bench: CollectBench, without_bulk: dict[EntityRef, Measurement]
) -> None:
    chunks, worker = advance_sweep(bench.context, size=SIZE).chunks, BulkCosts(SLOT)
    measure(bench, chunks[:-1], worker)
    measured = set(bench.measurements(SLOT))
    distrust(bench, "prod-us-east-1")
    bench.clock.advance(STALLED_AFTER)
    advance_sweep(bench.context, size=SIZE)
    bench.clock.advance(STALLED_AFTER)
    again = advance_sweep(bench.context, size=SIZE).chunks
    assert {ref for chunk in again for ref in chunk.refs} & measured, "withdrawn components are enqueued again"
    measure(bench, again, BulkCosts(SLOT))
    assert as_measured(bench.measurements(SLOT)) == without_bulk
    assert used_bulk(bench) == {"prod-eu-west-1", "staging"}


def test_what_is_not_measured_again_before_the_deadline_is_unknown_and_never_the_untrusted_figure(bench: CollectBench) -> None:
    chunks = advance_sweep(bench.context, size=SIZE).chunks
    measure(bench, chunks[:-1], BulkCosts(SLOT))
    used = {ref for ref, one in bench.measurements(SLOT).items() if "staging" in one.snapshot.bulk_clusters}
    assert used
    distrust(bench, "staging")
    bench.clock.advance(timedelta(hours=1))
    [closed] = advance_sweep(bench.context).closed
    found = bench.measurements(SLOT)
    assert closed.unknown >= len(used)
    for ref in used:
        assert found[ref].snapshot.outcome is Outcome.UNKNOWN
        assert isinstance(found[ref].snapshot.cost_7d.amount, Unknown)


def test_a_withdrawn_figure_never_wins_over_one_that_is_unknown_now(store: Store) -> None:
    known = make_measurement("web", make_point("api"))
    known = replace(known, snapshot=replace(known.snapshot, bulk_clusters=(known.points[0].key.cluster,)))
    record_sweep(store, SLOT, known, components=[make_component("web")], close=False)
    unknown = make_measurement("web", make_point("api", cost_7d=Unknown("the cost report has no row for it")))
    with store.transaction() as transaction:
        assert transaction.snapshots.withdraw(SLOT, bulk_clusters=["another"]) == ()
        assert transaction.snapshots.withdraw(SLOT, bulk_clusters=[known.points[0].key.cluster]) == (known.snapshot.ref,)
        assert transaction.snapshots.outcomes(SLOT) == {}
        transaction.snapshots.put_all([unknown])
        [found] = transaction.snapshots.of_sweep(SLOT)
    assert found.points[0].cost_7d == Unknown("the cost report has no row for it")


def test_a_lost_cluster_keeps_its_share_of_the_unallocated_cost_as_unknown(bench: CollectBench) -> None:
    """Its workloads are in no response. A trend that drops, or a sum that looks complete, would say that they were removed."""
    world = bench.simulator.state.world()
    fewer = replace(world, entities=(*world.entities[:10], *world.entities[40:]))
    later = replace(fewer, silent_clusters=frozenset({"staging"}))
    bench.simulator.load(Scenario(name="lost", world_at=lambda now: fewer if now < NEXT_SLOT else later))
    bench.simulator.state.clock.set(bench.clock.now)
    bench.clock.simulator = bench.simulator
    collect(bench.context)
    bench.clock.advance(NEXT_SLOT - SLOT)
    collect(bench.context)
    with bench.store.reading() as transaction:
        before, after = (
            {(one.cluster, one.namespace): one for one in transaction.unallocated.namespaces(as_of)}
            for as_of in (SLOT, NEXT_SLOT)
        )
    assert before.keys() == after.keys()
    assert any(one.unallocated.parts for (cluster, _), one in before.items() if cluster == "staging")
    for key, one in before.items():
        assert (after[key].unallocated.parts, after[key].allocated.parts) == (one.unallocated.parts, one.allocated.parts)
        if key[0] == "staging":
            assert after[key].unallocated.known == after[key].allocated.known == 0


def test_two_inventories_at_once_are_as_one(bench: CollectBench) -> None:
    collect_first = advance_sweep(bench.context, size=1000).chunks
    threads = [Thread(target=take_inventory, args=(bench.context, SLOT, BulkCosts(SLOT))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    take_inventory(bench.context, SLOT, BulkCosts(SLOT))
    assert bench.simulator.state.calls["bulk"]["byNamespace"] <= len(threads)
    measure(bench, collect_first, BulkCosts(SLOT))
    assert untrusted(bench) == set()
    with bench.store.reading() as transaction:
        listed = {one.key for one in transaction.inventory.of_sweep(SLOT)}
    assert {point.key for one in bench.measurements(SLOT).values() for point in one.points} <= listed
