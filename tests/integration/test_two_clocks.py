"""Workers whose machines have different clocks, and what a clock that was wrong leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest

from domain.messages import Channel
from domain.snapshots import Measurement
from domain.sweeps import slot_of
from simulator.serving import Simulator
from store import HeartbeatKind, Store
from tasks.collect.stage import open_sweep
from tasks.context import StageContext
from tasks.deliver.stage import LEASE, deliver
from tasks.maintenance.status import read_status
from tests.factories import NOW, make_message
from tests.services.simulated import settings_of
from tests.stage_factories import ManualClock, make_stage_context, posted_texts, record_sweep
from wiring.clock import utc_now
from wiring.contexts import build_stage_context
from wiring.loaded_config import load_config

SKEW = timedelta(minutes=5)
DAY = timedelta(days=1)


@contextmanager
def worker_on(database_url: str, simulator: Simulator, *, ahead: timedelta) -> Iterator[StageContext]:
    """Open the context of a worker on a machine whose clock is wrong."""
    loaded = load_config({**settings_of(simulator), "DATABASE_URL": database_url}, None)
    with build_stage_context(loaded, local_clock=lambda: utc_now() + ahead) as context:
        yield context


@pytest.fixture
def now(simulator: Simulator) -> None:
    simulator.state.clock.set(None)


@pytest.mark.parametrize("ahead", [SKEW, DAY, -DAY])
@pytest.mark.usefixtures("now")
def test_a_worker_with_another_clock_does_not_take_over_a_lease(
    store: Store, database_url: str, simulator: Simulator, ahead: timedelta
) -> None:
    with ExitStack() as workers:
        right = workers.enter_context(worker_on(database_url, simulator, ahead=timedelta()))
        wrong = workers.enter_context(worker_on(database_url, simulator, ahead=ahead))
        for sender, other in ((right, wrong), (wrong, right)):
            message = make_message(f"by {sender is right}", created_at=utc_now(), expires_at=utc_now() + DAY)
            with store.transaction() as t:
                t.outbox.put([message])
                assert t.outbox.claim_due(sender.clock(), channel=Channel.SLACK, lease=LEASE, owner="a sender")
            assert deliver(other).sent == 0
        assert simulator.state.slack.messages == []


@pytest.mark.parametrize("ahead", [DAY, -DAY])
@pytest.mark.usefixtures("now")
def test_a_worker_with_a_wrong_clock_expires_nothing_and_says_so(
    store: Store, database_url: str, simulator: Simulator, ahead: timedelta
) -> None:
    with worker_on(database_url, simulator, ahead=ahead) as wrong:
        with store.transaction() as t:
            t.outbox.put([make_message("k1", created_at=utc_now(), expires_at=utc_now() + timedelta(hours=1))])
        done = deliver(wrong)
        assert (done.sent, done.expired) == (1, 0)
        assert posted_texts(simulator) == ["content of k1"]
        assert any("the clock of this machine is 1440 minutes" in problem.sentence for problem in read_status(wrong).problems)


@pytest.mark.parametrize("ahead", [DAY, -DAY])
@pytest.mark.usefixtures("now")
def test_a_worker_with_a_wrong_clock_opens_the_slot_of_the_database(
    database_url: str, simulator: Simulator, ahead: timedelta
) -> None:
    with worker_on(database_url, simulator, ahead=ahead) as wrong:
        slots = [slot_of(utc_now(), wrong.policy.collect_every)]
        opened = open_sweep(wrong).sweep.as_of
        assert opened in [*slots, slot_of(utc_now(), wrong.policy.collect_every)]


def test_what_is_dated_in_the_future_is_a_problem(sqlite_store: Store) -> None:
    record_sweep(sqlite_store, NOW + DAY, *list[Measurement]())
    with sqlite_store.transaction() as t:
        t.heartbeats.record("deliver", HeartbeatKind.OK, at=NOW + DAY)
        t.heartbeats.record("evaluate", HeartbeatKind.CANARY, at=NOW + DAY)
    problems = read_status(make_stage_context(sqlite_store, ManualClock(NOW))).problems
    assert any("newest closed sweep is dated" in problem.sentence for problem in problems)
    assert any("last run of deliver, evaluate is dated in the future" in problem.sentence for problem in problems)
