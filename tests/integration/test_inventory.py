"""The inventory of a sweep: compared with the components' own calls, and the cost that no component claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from actions.errors import NotAllowedError
from actions.live.bulk_costs import BulkCosts
from domain.bulk_trust import BulkSubject, clusters_without_inventory
from domain.inventory import InventoryCosts, InventoryWorkload, NamespaceCost
from domain.measures import Total, Unknown
from domain.workload import WorkloadKey
from simulator.serving import Simulator
from simulator.world import Scenario
from store import Store, Transaction
from tasks.collect.inventory import take_inventory
from tasks.collect.stage import collect
from tests.factories import NEXT_SLOT, SLOT, make_component, make_key, make_measurement, make_point
from tests.stage_factories import (
    CollectBench,
    PartialViewer,
    make_history_context,
    make_request_context,
    open_collect_bench,
    record_sweep,
    run_action,
)


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store) as made:
        yield made


def checks_of(bench: CollectBench) -> dict[str, tuple[bool, str]]:
    with bench.store.reading() as transaction:
        found = transaction.bulk_checks.of_sweep(SLOT)
    return {check.cluster: (check.trusted, check.reason) for check in found if check.subject is BulkSubject.INVENTORY}


def costs_of(bench: CollectBench) -> tuple[NamespaceCost, ...]:
    with bench.store.reading() as transaction:
        return transaction.unallocated.namespaces(SLOT)


def test_what_no_component_claims_is_unallocated_to_the_cent(bench: CollectBench) -> None:
    world = bench.simulator.state.world()
    fewer = replace(world, entities=(*world.entities[:10], *world.entities[40:]))
    bench.simulator.load(Scenario(name="fewer components", world_at=lambda _: fewer))
    collect(bench.context)
    claimed = {point.key for one in bench.measurements(SLOT).values() for point in one.points}
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for workload in bench.simulator.state.world().workloads:
        row: Any = workload.dash
        key = WorkloadKey(cluster=row["clusterName"], namespace=row["namespace"], type=row["type"], name=row["workloadName"])
        cost = workload.cost_of(168)["totalCost"]
        if key not in claimed and cost is not None and key.cluster in {one.cluster for one in claimed}:
            expected[key.cluster, key.namespace] += Decimal(repr(cost))
    found = {(one.cluster, one.namespace): one.unallocated.amount for one in costs_of(bench) if one.unallocated.known}
    assert expected
    assert found == expected
    assert all(trusted for trusted, _ in checks_of(bench).values())
    assert bench.simulator.state.calls["bulk"]["byNamespace"] == 1


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("400", "with 400"), ("empty", "it is empty"), ("first-rows", "missing in it"), ("parent-only", "missing in it")],
)
def test_an_incomplete_inventory_is_not_trusted_and_nothing_is_unallocated(bench: CollectBench, mode: str, reason: str) -> None:
    bench.simulator.set_modes(bulk=mode, bulk_rows=3)
    swept = collect(bench.context).sweep
    assert swept.measured == swept.expected
    assert any(reason in why for trusted, why in checks_of(bench).values() if not trusted)
    assert costs_of(bench) == ()


def test_a_workload_that_is_new_since_the_last_sweep_may_be_missing(store: Store) -> None:
    web = make_component("web")
    old, new = make_point("old"), make_point("new")
    record_sweep(store, SLOT, make_measurement("web", old), components=[web])
    points = [replace(point, as_of=NEXT_SLOT) for point in (old, new)]
    record_sweep(store, NEXT_SLOT, make_measurement("web", *points, as_of=NEXT_SLOT), close=False)
    with store.transaction() as transaction:
        transaction.inventory.add(NEXT_SLOT, [InventoryWorkload(key=old.key, cost_7d=Decimal(1))])
        assert transaction.inventory.missing(NEXT_SLOT, known_at=SLOT) == {old.key.cluster: 0}
        assert transaction.inventory.missing(NEXT_SLOT, known_at=None) == {old.key.cluster: 1}


def test_costs_by_namespace_read_back_as_written(store: Store) -> None:
    unknown = Total(amount=Unknown("the costs of the whole cluster are not trusted"), known=0, parts=2)
    cost = NamespaceCost(
        cluster="east", namespace="shop", unallocated=unknown, allocated=Total(amount=Decimal("12.34"), known=1, parts=2)
    )
    largest = tuple(InventoryWorkload(key=make_key(name), cost_7d=Decimal(cost)) for name, cost in (("api", "9.5"), ("db", "10")))
    for _ in range(2):
        with store.transaction() as transaction:
            transaction.unallocated.put(SLOT, InventoryCosts(namespaces=(cost,), largest=largest))
    with store.reading() as transaction:
        assert transaction.unallocated.namespaces(SLOT) == (cost,)
        assert transaction.unallocated.closing_sweep([SLOT, NEXT_SLOT]) == SLOT
        assert transaction.unallocated.closing_sweep([NEXT_SLOT]) is None
        assert transaction.unallocated.largest(SLOT, limit=1, shared=()) == largest[1:]
        assert transaction.unallocated.largest(SLOT, limit=2, shared={largest[1].key.namespace}) == ()


def test_untrusted_costs_leave_the_unallocated_cost_unknown(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route="getWorkloads", status=500)
    collect(bench.context)
    assert costs_of(bench)
    for one in costs_of(bench):
        assert not one.unallocated.known
        assert one.unallocated.parts == 0 or isinstance(one.unallocated.amount, Unknown)


def test_the_action_names_namespaces_share_and_largest_workloads(bench: CollectBench) -> None:
    world = bench.simulator.state.world()
    fewer = replace(world, entities=(*world.entities[:10], *world.entities[40:]))
    bench.simulator.load(Scenario(name="fewer components", world_at=lambda _: fewer))
    collect(bench.context)
    history = make_history_context(bench.store, bench.clock.now)
    everything = run_action("get_unallocated_cost", make_request_context(history=history), limit=200)
    rows = everything["namespaces"]
    assert everything["unknownReason"] is None
    assert everything["cost"] == pytest.approx(sum(row["cost"] for row in rows if row["cost"] is not None))
    assert [row["cost"] for row in rows] == sorted((row["cost"] for row in rows), reverse=True)
    assert 0 < everything["sharePercent"] < 100
    assert everything["largest"][0]["cost"] == max(row["cost"] for row in everything["largest"])
    apart = replace(history, shared_namespaces=frozenset({rows[0]["namespace"]}))
    without = run_action("get_unallocated_cost", make_request_context(history=apart), limit=200)
    assert without["sharedCost"] + without["cost"] == pytest.approx(everything["cost"])
    assert rows[0]["namespace"] not in {row["namespace"] for row in without["namespaces"]}


def test_without_a_trusted_inventory_the_action_gives_the_reason_and_no_number(bench: CollectBench) -> None:
    bench.simulator.set_modes(bulk="first-rows", bulk_rows=3)
    collect(bench.context)
    history = make_history_context(bench.store, bench.clock.now)
    found = run_action("get_unallocated_cost", make_request_context(history=history))
    assert "missing in it" in found["unknownReason"]
    assert (found["cost"], found["sharePercent"], found["namespaces"]) == (None, None, [])


def test_a_caller_who_does_not_see_everything_is_refused(sqlite_store: Store) -> None:
    history = make_history_context(sqlite_store, SLOT)
    with pytest.raises(NotAllowedError, match="every component"):
        run_action("get_unallocated_cost", make_request_context(history=history, viewer=PartialViewer(make_component().ref)))


def test_an_inventory_that_arrived_after_its_sweep_closed_is_not_trusted(bench: CollectBench) -> None:
    collect(replace(bench.context, policy=replace(bench.context.policy, uses_bulk=False)))
    take_inventory(bench.context, SLOT, BulkCosts(SLOT))
    with bench.store.reading() as transaction:
        checks = transaction.bulk_checks.of_sweep(SLOT)
    assert [check.trusted for check in checks] == [True]
    assert clusters_without_inventory(checks) is None
    history = make_history_context(bench.store, bench.clock.now)
    found = run_action("get_unallocated_cost", make_request_context(history=history))
    assert (found["unknownReason"], found["cost"]) == ("the inventory was not compared", None)


def test_a_compared_inventory_is_trusted(bench: CollectBench) -> None:
    collect(bench.context)
    with bench.store.reading() as transaction:
        assert clusters_without_inventory(transaction.bulk_checks.of_sweep(SLOT)) == frozenset()


def test_the_sums_of_one_cluster_are_those_of_its_namespaces(bench: CollectBench) -> None:
    world = bench.simulator.state.world()
    fewer = replace(world, entities=(*world.entities[:10], *world.entities[40:]))
    bench.simulator.load(Scenario(name="fewer components", world_at=lambda _: fewer))
    collect(bench.context)
    history = make_history_context(bench.store, bench.clock.now)
    everything = run_action("get_unallocated_cost", make_request_context(history=history), limit=200)
    clusters = {row["cluster"] for row in everything["namespaces"]}
    assert len(clusters) > 1
    for cluster in clusters:
        one = run_action("get_unallocated_cost", make_request_context(history=history), limit=200, cluster=cluster)
        rows = [row for row in everything["namespaces"] if row["cluster"] == cluster]
        assert one["namespaces"] == rows
        assert one["cost"] == pytest.approx(sum(row["cost"] or 0 for row in rows))
        assert one["workloads"] == sum(row["workloads"] for row in rows)


def test_postgresql_compares_an_inventory_without_nested_loops(postgres_url: str) -> None:
    """Of a sweep newer than its statistics it expects one row, and would read thousands for each of thousands."""
    with closing(Store.open(postgres_url)) as store:
        for compare in (lambda rows: list(rows.unclaimed(SLOT)), lambda rows: rows.missing(SLOT, known_at=None)):
            with store.reading() as transaction:
                compare(transaction.inventory)
                assert nested_loops(transaction) == "off"
        with store.reading() as transaction:
            assert nested_loops(transaction) == "on", "it is for one transaction"


def nested_loops(transaction: Transaction) -> str:
    return str(transaction.inventory._connection.execute(text("SHOW enable_nestloop")).scalar_one())
