"""How many calls to ScaleOps a day of full and watch sweeps makes: what the formula allows, and no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.bulk_trust import is_compared
from domain.measures import Unknown
from simulator.crowd import build_scenario
from simulator.serving import Simulator
from simulator.world import Record, Scenario
from store import Store
from tasks.collect.stage import collect
from tests.factories import SLOT
from tests.services.sweep_day import (
    FULL_EVERY,
    FULL_SWEEPS,
    WATCH_EVERY,
    WATCH_SWEEPS,
    allowed_calls,
    count_selectors,
    count_watched,
    sweep_day,
)
from tests.stage_factories import open_collect_bench

COSTS = "POST /detailedCostReport/getWorkloads"
NETWORK = "GET /api/v1/workload-network"
LOGIN = "POST /auth/callback"
COMPONENTS = 120


def crowd_with_shared_workloads() -> Scenario:
    """Return a world in which some components share workloads, some have selectors of two queries, and a cluster is not monitored."""
    world = build_scenario(COMPONENTS).world_at(SLOT)

    def claiming(name: str, selector: str) -> Record:
        annotations = {"backstage.io/kubernetes-label-selector": selector}
        return {"kind": "Resource", "metadata": {"name": name, "annotations": annotations}, "spec": {"owner": "team-0000"}}

    label = "app.kubernetes.io/name"
    shared = [claiming(f"shared-{number}", f"{label}=service-{number:05}") for number in range(0, COMPONENTS, 6)]
    unions = [
        claiming(f"union-{number}", f"{label} in (service-{number:05},service-{number + 1:05})") for number in range(0, 40, 4)
    ]
    networks = {**world.network_enabled, world.clusters[0]: False}
    changed = replace(world, entities=(*world.entities, *shared, *unions), network_enabled=networks)
    return Scenario(name="shared", world_at=lambda _: changed)


@pytest.mark.parametrize("is_generated", [False, True], ids=["parity", "generated"])
def test_a_day_makes_no_more_calls_than_the_formula_allows(
    simulator: Simulator, sqlite_store: Store, *, is_generated: bool
) -> None:
    if is_generated:
        simulator.load(crowd_with_shared_workloads())
    day = SLOT.replace(hour=0) + timedelta(days=1)
    with open_collect_bench(simulator, sqlite_store, watch_every=WATCH_EVERY) as bench:
        bench.clock.simulator = simulator
        bench.clock.advance(day - FULL_EVERY + timedelta(minutes=1) - bench.clock.now)
        collect(bench.context)  # fetches every network
        simulator.state.calls.clear()
        sweep_day(bench.context, bench.clock, day)
        calls, bulk = Counter(bench.calls()), simulator.state.calls["bulk"]
        with sqlite_store.reading() as transaction:
            selectors = count_selectors(transaction.components.all())
        measured = bench.measurements(day)
    points = {point.key: point for one in measured.values() for point in one.points}
    repeated = (FULL_SWEEPS - 1) * sum(isinstance(point.network, Unknown) for point in points.values())  # it failed each time
    clusters = {ref: {key.cluster for key in one.snapshot.workloads} for ref, one in measured.items()}
    all_clusters = set().union(*clusters.values())
    watched = count_watched(sqlite_store, day)
    compared = sum(
        len(clusters[ref]) for number in range(FULL_SWEEPS) for ref in clusters if is_compared(ref, day + number * FULL_EVERY)
    )
    individual = calls[COSTS] - bulk["getWorkloads"]
    allowed = allowed_calls(
        full_sweeps=FULL_SWEEPS, watch_sweeps=WATCH_SWEEPS, clusters=len(all_clusters), selectors=selectors, watched=watched
    )
    assert calls.total() - calls[LOGIN] - individual - repeated <= allowed
    assert individual <= FULL_SWEEPS * len(all_clusters) + compared  # the first component of each cluster, and one in 64
    assert bulk == {"byNamespace": FULL_SWEEPS + WATCH_SWEEPS, "getWorkloads": FULL_SWEEPS * len(all_clusters)}
    assert calls[NETWORK] == watched + repeated
