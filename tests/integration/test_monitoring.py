"""Self-monitoring: problems that last are reported in one notice, once a day for the same kinds of problems."""

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
from tests.stage_factories import PLATFORM_CHANNEL, CollectBench, open_collect_bench


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store, routes=RoutePolicy(platform_channel=PLATFORM_CHANNEL)) as made:
        yield made


def notices(bench: CollectBench) -> list[Message]:
    with bench.store.reading() as transaction:
        return [entry.message for entry in transaction.outbox.listing() if entry.message.key.startswith("watch:")]


def test_without_problems_no_notice_is_sent(bench: CollectBench) -> None:
    collect(bench.context)
    for _ in range(3):
        assert monitor(bench.context).problems == ()
        bench.clock.advance(NOTIFY_AFTER)
    assert notices(bench) == []


def test_a_problem_that_ends_soon_is_not_reported(bench: CollectBench) -> None:
    assert monitor(bench.context).problems  # nothing has been collected yet
    bench.clock.advance(NOTIFY_AFTER - timedelta(minutes=1))
    collect(bench.context)
    monitor(bench.context)
    bench.clock.advance(NOTIFY_AFTER)
    assert not monitor(bench.context).is_notified
    assert notices(bench) == []


def test_a_problem_that_lasts_is_reported_once_a_day(bench: CollectBench) -> None:
    monitor(bench.context)
    bench.clock.advance(NOTIFY_AFTER)
    assert monitor(bench.context).is_notified
    bench.clock.advance(NOTIFY_AFTER)
    assert not monitor(bench.context).is_notified
    assert len(notices(bench)) == 1
    bench.clock.advance(timedelta(days=1))
    assert monitor(bench.context).is_notified
    assert len(notices(bench)) == 2


def test_a_new_kind_of_problem_is_reported_the_same_day_with_all_others(bench: CollectBench) -> None:
    record_heartbeat(bench.context, "deliver", HeartbeatKind.CANARY)
    monitor(bench.context)
    bench.clock.advance(NOTIFY_AFTER)
    monitor(bench.context)
    record_heartbeat(bench.context, "collect", HeartbeatKind.FAILED, reason="ScaleOps answered with 503 <!here>")
    assert monitor(bench.context).is_notified
    newest = str(notices(bench)[0].renderings)
    for part in ("no worker has served the queue deliver", "nothing has been collected yet", "collect failed"):
        assert part in newest
    native, text = notices(bench)[0].renderings
    assert "503 &lt;!here&gt;" in str(text.payload["text"]), "escaped, and only once"
    assert "mrkdwn'" not in str(native.payload["blocks"]), "the blocks are plain text, which is not escaped"


def test_without_a_platform_channel_problems_are_still_returned(simulator: Simulator, store: Store) -> None:
    with open_collect_bench(simulator, store) as bench:
        monitor(bench.context)
        bench.clock.advance(NOTIFY_AFTER)
        result = monitor(bench.context)
        assert result.problems
        assert not result.is_notified
