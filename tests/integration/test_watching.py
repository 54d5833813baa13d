"""The installation looks at itself: what lasts is told, in one notice, once a day for the same kinds of trouble."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.messages import Message
from domain.routes import RoutePolicy
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tasks.maintenance.monitoring import CANARY, PATIENCE, watch
from tasks.pipeline import record_heartbeat
from tests.integration.collecting import Bench, bench_of


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[Bench]:
    with bench_of(simulator, store, routes=RoutePolicy(platform_channel="C0PLATFORM")) as made:
        yield made


def later(bench: Bench, by: timedelta) -> None:
    bench.clock.move_to(bench.clock.now + by)


def notices(bench: Bench) -> list[Message]:
    with bench.store.reading() as transaction:
        return [entry.message for entry in transaction.outbox.listing() if entry.message.key.startswith("watch:")]


def test_when_all_is_well_nobody_hears_of_it(bench: Bench) -> None:
    collect(bench.context)
    for _ in range(3):
        assert watch(bench.context).troubles == ()
        later(bench, PATIENCE)
    assert notices(bench) == []


def test_a_trouble_that_passes_is_nobodys_business(bench: Bench) -> None:
    assert watch(bench.context).troubles  # nothing was ever collected
    later(bench, PATIENCE - timedelta(minutes=1))
    collect(bench.context)
    watch(bench.context)
    later(bench, PATIENCE)
    assert not watch(bench.context).is_told
    assert notices(bench) == []


def test_a_trouble_that_lasts_is_told_once_a_day(bench: Bench) -> None:
    watch(bench.context)
    later(bench, PATIENCE)
    assert watch(bench.context).is_told
    later(bench, PATIENCE)
    assert not watch(bench.context).is_told
    assert len(notices(bench)) == 1
    later(bench, timedelta(days=1))
    assert watch(bench.context).is_told
    assert len(notices(bench)) == 2


def test_a_new_kind_of_trouble_is_told_the_same_day_with_all_others(bench: Bench) -> None:
    record_heartbeat(bench.context, f"{CANARY}deliver", {})
    watch(bench.context)
    later(bench, PATIENCE)
    watch(bench.context)
    record_heartbeat(bench.context, "collect failed", {"why": "ScaleOps answered with 503 <!here>"})
    assert watch(bench.context).is_told
    newest = str(notices(bench)[0].renderings)
    for part in ("nobody serves the queue deliver", "nothing was ever collected", "collect failed"):
        assert part in newest
    assert "<!here>" not in newest


def test_without_a_platform_channel_it_is_still_seen(simulator: Simulator, store: Store) -> None:
    with bench_of(simulator, store) as bench:
        watch(bench.context)
        later(bench, PATIENCE)
        watched = watch(bench.context)
        assert watched.troubles
        assert not watched.is_told
