"""Watch sweeps over the simulated company, whose checkoutservice is OOM-killed from 3 November 07:05 to 4 November 11:00."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.bulk_trust import clusters_without_inventory
from domain.sweeps import WatchSource
from simulator.company.story import OOM_FROM, OOM_UNTIL
from simulator.serving import Simulator
from store import Store
from tasks.collect.watch import DEAD_AFTER, watch
from tasks.evaluate.stage import evaluate
from tasks.maintenance.purging import purge_expired
from tasks.maintenance.status import read_status
from tests.integration.watch_steps import (
    EVERY,
    SCENARIO,
    OpenBench,
    full_sweep,
    move_to,
    pages,
    platform_keys,
    watch_settings,
    watch_sweep,
)
from tests.stage_factories import open_collect_bench

LISTING = "POST /api/v1/dashboard/byNamespace"


@pytest.fixture
def company(simulator: Simulator) -> Simulator:
    simulator.load(SCENARIO)
    return simulator


@pytest.mark.parametrize("uses_bulk", [True, False], ids=["inventory", "components"])
def test_an_oom_kill_between_full_sweeps_pages_once_within_a_watch_slot_and_resolves_after_two_clear_ones(
    open_watch_bench: OpenBench, *, uses_bulk: bool
) -> None:
    bench = open_watch_bench(OOM_FROM.replace(hour=0), OOM_FROM.replace(hour=6), uses_bulk=uses_bulk)
    watched = [watch_sweep(bench, OOM_FROM + number * EVERY) for number in range(1, 4)]
    source = WatchSource.INVENTORY if bench.context.policy.uses_bulk else WatchSource.COMPONENTS
    assert [(one.sweep.source, one.sweep.failure) for one in watched if one.sweep] == [(source, "")] * 3
    assert pages(bench) == [("trigger", OOM_FROM + EVERY + timedelta(minutes=1))]
    full_sweep(bench, OOM_UNTIL.replace(hour=6))
    before = len(pages(bench))
    for number in range(1, 4):
        watch_sweep(bench, OOM_UNTIL + number * EVERY)
    assert pages(bench)[before:] == [("resolve", OOM_UNTIL + 2 * EVERY + timedelta(minutes=1))]


def test_what_is_not_a_watch_slot_or_is_done_makes_no_call(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench()
    assert watch_sweep(bench, OOM_FROM).reason == "no full sweep has been closed yet"
    full_sweep(bench, OOM_FROM.replace(hour=6))
    assert watch_sweep(bench, OOM_FROM.replace(hour=6)).reason == "this slot is a full sweep's"
    assert watch_sweep(bench, OOM_FROM).sweep is not None
    calls = bench.calls()
    assert watch_sweep(bench, OOM_FROM).reason == "this slot is done"
    assert bench.calls() == calls
    off = replace(bench.context, policy=replace(bench.context.policy, watch_every=timedelta(0)))
    assert "switched off" in watch(off).reason


def test_a_claimed_slot_is_left_to_its_worker_and_taken_over_when_that_died(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(OOM_FROM.replace(hour=6))
    move_to(bench, OOM_FROM)
    with bench.store.transaction() as transaction:
        assert transaction.watch_sweeps.claim(OOM_FROM, now=bench.clock.now, dead_before=bench.clock.now - DEAD_AFTER)
        assert not transaction.watch_sweeps.claim(OOM_FROM, now=bench.clock.now, dead_before=bench.clock.now - DEAD_AFTER)
    assert watch(bench.context).sweep is None
    bench.clock.advance(DEAD_AFTER + timedelta(seconds=1))
    assert watch(bench.context).sweep is not None
    with bench.store.transaction() as transaction:
        opened_at = OOM_FROM + timedelta(minutes=1)
        assert not transaction.watch_sweeps.close(
            OOM_FROM, opened_at=opened_at, closed_at=bench.clock.now, source=WatchSource.INVENTORY, failure="", found=()
        )


def test_of_two_workers_at_once_one_does_the_watch_sweep(company: Simulator, store: Store) -> None:
    with open_collect_bench(company, store, **watch_settings()) as bench:
        full_sweep(bench, OOM_FROM.replace(hour=6))
        move_to(bench, OOM_FROM + EVERY)
        with ThreadPoolExecutor(max_workers=4) as pool:
            done = list(pool.map(lambda _: watch(bench.context), range(4)))
        assert [one.in_danger > 0 for one in done if one.sweep is not None] == [True]
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda _: evaluate(bench.context), range(4)))
        assert [action for action, _ in pages(bench)] == ["trigger"]


def test_a_failed_watch_sweep_changes_no_alert_and_is_reported_once_after_an_hour_and_once_when_it_ends(
    open_watch_bench: OpenBench,
) -> None:
    bench = open_watch_bench(OOM_FROM.replace(hour=12))
    watch_sweep(bench, OOM_FROM.replace(hour=12, minute=15))
    before = pages(bench)
    bench.simulator.set_modes(bulk="empty")
    begin = OOM_FROM.replace(hour=12, minute=30)
    for number in range(7):
        failed = watch_sweep(bench, begin + number * EVERY)
        assert failed.sweep is not None
        assert "missing in it" in failed.sweep.failure
        assert len(platform_keys(bench)) == (number >= 4)
    assert pages(bench) == before
    status = read_status(bench.context).watch
    assert status is not None
    assert status.failing_since == begin
    bench.simulator.set_modes(bulk="complete")
    watch_sweep(bench, begin + 7 * EVERY)
    watch_sweep(bench, begin + 8 * EVERY)
    assert sorted(key.split(":")[1] for key in platform_keys(bench)) == ["failing", "succeeding"]
    status = read_status(bench.context).watch
    assert status is not None
    assert (status.cadence, status.failing_since) == (EVERY, None)


def test_an_inventory_that_no_full_sweep_proved_is_not_used(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench()
    bench.simulator.set_modes(bulk="first-rows", bulk_rows=3)
    full_sweep(bench, OOM_FROM.replace(hour=6))
    watched = watch_sweep(bench, OOM_FROM + EVERY)
    assert watched.sweep is not None
    assert (watched.sweep.source, watched.sweep.failure) == (WatchSource.COMPONENTS, "")
    assert [action for action, _ in pages(bench)] == ["trigger"]


def test_of_clusters_without_a_proven_inventory_only_their_components_are_asked(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench()
    bench.simulator.set_modes(bulk="parent-only")
    full_sweep(bench, OOM_FROM.replace(hour=6))
    full = OOM_FROM.replace(hour=6)
    with bench.store.reading() as transaction:
        unlisted = clusters_without_inventory(transaction.bulk_checks.of_sweep(full))
        owned = transaction.watch_sweeps.owned_keys(full)
    assert unlisted
    assert {key.cluster for key in owned} > unlisted
    asked = [ref for ref, one in bench.measurements(full).items() if any(point.key.cluster in unlisted for point in one.points)]
    calls_of_full_sweep = bench.calls()[LISTING]
    watched = watch_sweep(bench, OOM_FROM + EVERY)
    assert watched.sweep is not None
    assert (watched.sweep.source, watched.sweep.failure) == (WatchSource.COMPONENTS, "")
    assert len(asked) < bench.calls()[LISTING] - calls_of_full_sweep < calls_of_full_sweep
    assert [action for action, _ in pages(bench)] == ["trigger"]


def test_what_was_created_since_the_full_sweep_has_no_owner_and_pages_no_one(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(OOM_FROM.replace(hour=6))
    with bench.store.reading() as transaction:
        owned = transaction.watch_sweeps.owned_keys(OOM_FROM.replace(hour=6))
    listed = {workload.key for workload in bench.services.scaleops.all_workloads()}
    assert listed - owned, "some workloads belong to no component"
    watch_sweep(bench, OOM_FROM + EVERY)
    with bench.store.reading() as transaction:
        assert transaction.watch_sweeps.points(OOM_FROM + EVERY).keys() <= owned


def test_two_days_of_watch_sweeps_are_kept(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(OOM_FROM.replace(hour=6))
    watch_sweep(bench, OOM_FROM + EVERY)
    for days, purged in ((1, 0), (2, 0), (3, 1)):
        move_to(bench, OOM_FROM + timedelta(days=days))
        assert purge_expired(bench.context).watch_sweeps == purged
    with bench.store.reading() as transaction:
        assert transaction.watch_sweeps.points(OOM_FROM + EVERY) == {}
