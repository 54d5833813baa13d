"""The order of watch sweeps and full sweeps, what each leaves to the other, and watch sweeps that are late, long or dead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from actions.ports import SweepScaleOps
from clients.http.errors import ServiceError
from domain.snapshots import WorkloadPoint
from domain.sweeps import WatchSource
from domain.workload import Workload, WorkloadKey
from simulator.company.story import OOM_FROM
from store import Store
from store.schema import metadata
from tasks.collect.watch import DEAD_AFTER, MAX_DURATION, MAX_WAIT_FOR_FULL_SWEEP, watch
from tasks.evaluate.stage import evaluate
from tasks.maintenance.status import read_status
from tests.integration.watch_steps import EVERY, FULL, OpenBench, move_to, pages, platform_keys, watch_sweep
from tests.stage_factories import CollectBench, make_service_error

SIX = OOM_FROM.replace(hour=6, minute=0)
WRITTEN = {"watch_sweeps", "watch_points", "alert_states", "alert_events", "outbox"}
"""The tables that a watch sweep and its evaluation may change."""


def claim(bench: CollectBench, as_of: datetime) -> datetime:
    """Claim a watch sweep as a worker does that then takes long, or dies."""
    move_to(bench, as_of)
    with bench.store.transaction() as transaction:
        assert transaction.watch_sweeps.claim(as_of, now=bench.clock.now, dead_before=bench.clock.now - DEAD_AFTER)
    return bench.clock.now


def close(bench: CollectBench, as_of: datetime, opened_at: datetime, *found: WorkloadPoint) -> None:
    with bench.store.transaction() as transaction:
        assert transaction.watch_sweeps.close(
            as_of, opened_at=opened_at, closed_at=bench.clock.now, source=WatchSource.INVENTORY, failure="", found=found
        )


def danger_of(bench: CollectBench, at: datetime) -> Mapping[WorkloadKey, WorkloadPoint]:
    """Return what a watch sweep at an instant stores, and delete it."""
    move_to(bench, at)
    assert watch(bench.context).in_danger
    with bench.store.transaction() as transaction:
        found = transaction.watch_sweeps.points(at)
        transaction.purge.drop_watch_sweep(before=at + EVERY)
    return found


def test_a_watch_sweep_that_is_late_shows_nothing_after_a_newer_sweep_was_evaluated(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(SIX - FULL, SIX)
    found, late = danger_of(bench, SIX + 6 * EVERY), SIX - EVERY
    close(bench, late, claim(bench, late), *(replace(point, as_of=late) for point in found.values()))
    assert evaluate(bench.context).sweeps == [late]
    assert pages(bench) == []


def test_sweeps_of_both_kinds_are_evaluated_by_as_of_whenever_they_were_closed(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(SIX - FULL)
    opened_at = claim(bench, SIX - EVERY)
    with bench.store.transaction() as transaction:
        transaction.sweeps.open(SIX, opened_at=SIX)
        transaction.sweeps.close(SIX, closed_at=SIX)
    close(bench, SIX - EVERY, opened_at)
    assert evaluate(bench.context).sweeps == [SIX - EVERY, SIX]


def test_a_watch_sweep_that_outlasts_its_slot_skips_the_next_ones_and_status_shows_the_interval(
    open_watch_bench: OpenBench,
) -> None:
    bench = open_watch_bench(SIX)
    watch_sweep(bench, SIX + EVERY)
    opened_at = claim(bench, SIX + 2 * EVERY)
    move_to(bench, SIX + 3 * EVERY)
    with bench.store.transaction() as transaction:
        transaction.watch_sweeps.touch(SIX + 2 * EVERY, opened_at=opened_at, now=bench.clock.now)
    assert watch(bench.context).reason == "the watch sweep of 06:30 UTC is still running"
    close(bench, SIX + 2 * EVERY, opened_at)
    assert watch_sweep(bench, SIX + 4 * EVERY).sweep is not None
    status = read_status(bench.context).watch
    assert status is not None
    assert (status.cadence, status.failing_since) == (2 * EVERY, None)


class KilledScaleOps:
    def all_workloads(self) -> Iterator[Workload]:
        raise KeyboardInterrupt


def test_dead_watch_sweeps_block_no_slot_and_are_reported_after_an_hour(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(SIX)
    real, bench.services.scaleops = bench.services.scaleops, KilledScaleOps()  # type: ignore[assignment]
    for number in range(1, 7):
        assert platform_keys(bench) == []
        with pytest.raises(KeyboardInterrupt):
            watch_sweep(bench, SIX + number * EVERY)
    assert [key.split(":")[1] for key in platform_keys(bench)] == ["failing"]
    with bench.store.reading() as transaction:
        closed = transaction.watch_sweeps.closed(limit=9)
    assert [one.failure for one in closed] == ["its worker stopped before it was done"] * 5
    bench.services.scaleops = real
    watch_sweep(bench, SIX + 7 * EVERY)
    assert sorted(key.split(":")[1] for key in platform_keys(bench)) == ["failing", "succeeding"]
    assert [action for action, _ in pages(bench)] == ["trigger"]


def test_without_the_inventory_a_watch_sweep_does_not_begin_while_a_full_sweep_is_open(open_watch_bench: OpenBench) -> None:
    twelve = SIX + FULL
    bench = open_watch_bench(SIX, uses_bulk=False)
    with bench.store.transaction() as transaction:
        transaction.sweeps.open(twelve, opened_at=twelve)
    calls = bench.calls()
    assert "12:00 UTC makes the same requests" in watch_sweep(bench, twelve + EVERY).reason
    assert bench.calls() == calls
    assert watch_sweep(bench, twelve + MAX_WAIT_FOR_FULL_SWEEP + EVERY).sweep is not None


def test_the_inventory_is_watched_while_a_full_sweep_is_open(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(SIX - FULL, SIX)
    with bench.store.transaction() as transaction:
        transaction.sweeps.open(SIX + FULL, opened_at=SIX + FULL)
    assert watch_sweep(bench, SIX + FULL + EVERY).in_danger
    assert [action for action, _ in pages(bench)] == ["trigger"]


@dataclass
class DelayedScaleOps:
    """Moves the clock, or fails, at each call for the workloads of a component."""

    bench: CollectBench
    scaleops: SweepScaleOps
    moves_to: datetime | None = None
    fails_for: str = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scaleops, name)

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        if self.fails_for and any(self.fails_for in label for label in labels):
            error: ServiceError = make_service_error()
            raise error
        if self.moves_to is not None:
            self.bench.clock.now = self.moves_to
        return self.scaleops.workloads(labels)


@pytest.mark.parametrize(
    ("begins", "until", "reason"),
    [
        (SIX + EVERY, MAX_DURATION + timedelta(minutes=1), "it took longer than 25 minutes"),
        (SIX + FULL - EVERY, EVERY, "it was not done when the full sweep of 12:00 UTC was due"),
    ],
)
def test_without_the_inventory_a_watch_sweep_ends_before_it_delays_anything(
    open_watch_bench: OpenBench, begins: datetime, until: timedelta, reason: str
) -> None:
    bench = open_watch_bench(SIX, uses_bulk=False)
    bench.services.scaleops = DelayedScaleOps(bench, bench.services.scaleops, moves_to=begins + timedelta(minutes=1) + until)
    watched = watch_sweep(bench, begins)
    assert watched.sweep is not None
    assert watched.sweep.failure == reason
    assert pages(bench) == []


def test_a_component_whose_request_fails_is_unknown_in_this_watch_sweep_only(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(SIX, uses_bulk=False)
    watch_sweep(bench, OOM_FROM + EVERY)
    real = bench.services.scaleops
    bench.services.scaleops = DelayedScaleOps(bench, real, fails_for="checkout")
    failed = [watch_sweep(bench, OOM_FROM + number * EVERY).sweep for number in (2, 3, 4)]
    assert [one.failure for one in failed if one] == [""] * 3
    assert [action for action, _ in pages(bench)] == ["trigger"]
    bench.services.scaleops = real
    assert watch_sweep(bench, OOM_FROM + 5 * EVERY).in_danger


def contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store._engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
            if table.name not in WRITTEN
        }


def test_a_watch_sweep_and_its_evaluation_change_watch_and_alert_tables_only(open_watch_bench: OpenBench) -> None:
    bench = open_watch_bench(SIX)
    before = contents(bench.store)
    watch_sweep(bench, OOM_FROM + EVERY)
    assert pages(bench)
    assert contents(bench.store) == before
