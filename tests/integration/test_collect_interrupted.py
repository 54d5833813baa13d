"""A collect that is killed, interrupted, concurrent or out of time leaves a sweep that the next one finishes."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.snapshots import SET_WHEN_CLOSED, Measurement, Outcome
from simulator.serving import Simulator
from store import Store
from tasks.collect.measuring import SweepProgress
from tasks.collect.stage import CollectResult, collect
from tests.factories import NEXT_SLOT, SLOT
from tests.stage_factories import CollectBench, open_collect_bench

BY_NAMESPACE = "POST /api/v1/dashboard/byNamespace"


@pytest.fixture
def bench(simulator: Simulator, sqlite_store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, sqlite_store) as made:
        yield made


class InterruptingProgress(SweepProgress):
    def __init__(self) -> None:
        self.stored = 0

    def measured(self, *, known: int, unknown: int) -> None:
        self.stored += known + unknown
        raise KeyboardInterrupt


def test_a_killed_collect_is_continued_with_the_rest_only(simulator: Simulator, database_url: str) -> None:
    store = Store.open(database_url)
    world = simulator.state.world()
    simulator.state.clock.set(SLOT)
    simulator.state.latency_s = 0.02
    addresses = [database_url, simulator.scaleops_url, simulator.backstage_url, world.scaleops_user, world.scaleops_password]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.collect_child", *addresses], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() != ""
        child.kill()
        child.wait()
    simulator.state.latency_s = 0
    with open_collect_bench(simulator, store) as bench:
        standing = bench.measurements(SLOT)
        open_sweep = bench.sweep(SLOT)
        assert open_sweep is not None
        assert open_sweep.closed_at is None
        assert 0 < len(standing) < open_sweep.expected
        measured = {ref for ref, one in standing.items() if one.snapshot.outcome is Outcome.MEASURED}

        bench.simulator.state.calls.clear()
        collected = collect(bench.context)
        assert collected.attempted == collected.sweep.expected - len(measured)
        assert bench.calls()[BY_NAMESPACE] <= collected.attempted
        assert simulator.state.calls["backstage"] == {}, "the listing was complete before"
        assert collected.sweep.measured + collected.sweep.unknown == collected.sweep.expected
        after = bench.measurements(SLOT)
        assert {ref: as_measured(after[ref]) for ref in measured} == {ref: as_measured(standing[ref]) for ref in measured}
    store.close()


def as_measured(measurement: Measurement) -> Measurement:
    """Leave out what closing the sweep adds."""
    nothing: dict[str, Any] = dict.fromkeys(SET_WHEN_CLOSED)
    points = (replace(point, **nothing) for point in measurement.points)
    return replace(measurement, points=tuple(points))


def test_ctrl_c_leaves_an_open_sweep_that_the_next_collect_finishes(bench: CollectBench) -> None:
    pressing = InterruptingProgress()
    with pytest.raises(KeyboardInterrupt):
        collect(bench.context, progress=pressing)
    assert len(bench.measurements(SLOT)) == pressing.stored
    collected = collect(bench.context)
    assert collected.sweep.closed_at is not None
    assert collected.sweep.measured + collected.sweep.unknown == collected.sweep.expected == len(bench.measurements(SLOT))


def test_a_sweep_out_of_time_records_what_it_did_not_reach(simulator: Simulator, sqlite_store: Store) -> None:
    simulator.state.latency_s = 0.1  # so that the first batch is stored long before the last component is fetched
    with open_collect_bench(simulator, sqlite_store, max_in_flight=1) as bench:

        class SlowProgress(InterruptingProgress):
            def measured(self, *, known: int, unknown: int) -> None:
                self.stored += known + unknown
                bench.clock.now = SLOT + timedelta(hours=1)

        collected = collect(bench.context, progress=SlowProgress())
        reasons = [one.snapshot.reason for one in bench.measurements(SLOT).values() if one.snapshot.outcome is Outcome.UNKNOWN]
        assert collected.sweep.closed_at == SLOT + timedelta(hours=1)
        assert collected.sweep.measured > 0
        assert any("ran out of time before this component was measured" in reason for reason in reasons)
        assert collected.sweep.measured + len(reasons) == collected.sweep.expected


def test_unknown_components_of_a_closed_sweep_are_not_measured_again(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route="byNamespace", status=500, times=3)
    first = collect(bench.context)
    assert first.sweep.unknown > 0
    bench.simulator.state.faults.clear()
    bench.simulator.state.calls.clear()
    assert collect(bench.context).attempted == 0
    assert bench.calls() == {}


def test_unknown_components_of_an_open_sweep_are_measured_again(bench: CollectBench) -> None:
    components = sum(1 for entity in bench.simulator.state.world().entities if entity["kind"] == "Component")

    class LateProgress(InterruptingProgress):
        def measured(self, *, known: int, unknown: int) -> None:
            self.stored += known + unknown
            if self.stored == components:
                raise KeyboardInterrupt

    bench.simulator.add_fault("scaleops", route="byNamespace", status=500)
    with pytest.raises(KeyboardInterrupt):
        collect(bench.context, progress=LateProgress())
    assert {one.snapshot.outcome for one in bench.measurements(SLOT).values()} == {Outcome.UNKNOWN}
    bench.simulator.state.faults.clear()
    collected = collect(bench.context)
    assert collected.attempted == components
    assert collected.sweep.measured > 0


def test_two_concurrent_collects_store_every_component_once(simulator: Simulator, store: Store) -> None:
    simulator.state.latency_s = 0.005
    results: list[CollectResult] = []
    with open_collect_bench(simulator, store) as one, open_collect_bench(simulator, store) as other:
        threads = [threading.Thread(target=lambda bench=bench: results.append(collect(bench.context))) for bench in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = results
        assert first.sweep == second.sweep
        assert first.sweep.measured + first.sweep.unknown == first.sweep.expected == len(one.measurements(SLOT))


def test_a_missed_slot_stays_missing(bench: CollectBench) -> None:
    collect(bench.context)
    bench.clock.now = SLOT + timedelta(hours=18)
    collect(bench.context)
    with bench.store.reading() as transaction:
        closed = transaction.sweeps.closed_between(SLOT, SLOT + timedelta(days=1))
    assert [sweep.as_of for sweep in closed] == [SLOT + timedelta(hours=18), SLOT]
    assert bench.sweep(NEXT_SLOT) is None


def test_the_slot_of_an_instant_is_its_floor(bench: CollectBench) -> None:
    late = SLOT + timedelta(hours=5, minutes=59, seconds=59)
    bench.clock.now = late
    collected = collect(bench.context)
    assert collected.sweep.as_of == SLOT
    assert isinstance(collected.sweep.closed_at, datetime)
