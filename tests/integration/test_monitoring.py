"""Self-monitoring: problems that last are reported in one notice, once a day for the same kinds of problems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.messages import Message
from domain.routes import RoutePolicy
from simulator.serving import Simulator
from store import HeartbeatKind, Store
from tasks.collect.stage import collect
from tasks.maintenance.monitoring import NOTIFY_AFTER, monitor
from tasks.pipeline import record_heartbeat
from tests.integration.collect_factories import Bench, bench_of


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[Bench]:
    with bench_of(simulator, store, routes=RoutePolicy(platform_channel="C0PLATFORM")) as made:
        yield made


def notices(bench: Bench) -> list[Message]:
    with bench.store.reading() as transaction:
        return [entry.message for entry in transaction.outbox.listing() if entry.message.key.startswith("watch:")]


def test_without_problems_no_notice_is_sent(bench: Bench) -> None:
    collect(bench.context)
    for _ in range(3):
        assert monitor(bench.context).problems == ()
        bench.advance(NOTIFY_AFTER)
    assert notices(bench) == []


def test_a_problem_that_ends_soon_is_not_reported(bench: Bench) -> None:
    assert monitor(bench.context).problems  # nothing has been collected yet
    bench.advance(NOTIFY_AFTER - timedelta(minutes=1))
    collect(bench.context)
    monitor(bench.context)
    bench.advance(NOTIFY_AFTER)
    assert not monitor(bench.context).is_notified
    assert notices(bench) == []


def test_a_problem_that_lasts_is_reported_once_a_day(bench: Bench) -> None:
    monitor(bench.context)
    bench.advance(NOTIFY_AFTER)
    assert monitor(bench.context).is_notified
    bench.advance(NOTIFY_AFTER)
    assert not monitor(bench.context).is_notified
    assert len(notices(bench)) == 1
    bench.advance(timedelta(days=1))
    assert monitor(bench.context).is_notified
    assert len(notices(bench)) == 2


def test_a_new_kind_of_problem_is_reported_the_same_day_with_all_others(bench: Bench) -> None:
    record_heartbeat(bench.context, "deliver", HeartbeatKind.CANARY)
    monitor(bench.context)
    bench.advance(NOTIFY_AFTER)
    monitor(bench.context)
    record_heartbeat(bench.context, "collect", HeartbeatKind.FAILED, reason="ScaleOps answered with 503 <!here>")
    assert monitor(bench.context).is_notified
    newest = str(notices(bench)[0].renderings)
    for part in ("no worker has served the queue deliver", "nothing has been collected yet", "collect failed"):
        assert part in newest
    assert "<!here>" not in newest


def test_without_a_platform_channel_problems_are_still_returned(simulator: Simulator, store: Store) -> None:
    with bench_of(simulator, store) as bench:
        monitor(bench.context)
        bench.advance(NOTIFY_AFTER)
        result = monitor(bench.context)
        assert result.problems
        assert not result.is_notified
