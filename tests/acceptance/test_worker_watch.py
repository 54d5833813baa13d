"""Watch sweeps of real workers: a danger between two full sweeps is paged once, whatever is killed or restarted meanwhile."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis

from simulator.company.story import OOM_FROM, OOM_KILLS, OOM_UNTIL
from simulator.serving import Simulator
from tests.acceptance import faults
from tests.acceptance.crash_points import WATCHING, CrashPoint, TaskStep, crash_points, crash_states
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import violations
from tests.services.databases import PostgresServer
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from worker.schedule import COLLECT, DELIVER, EVALUATE, QUEUES, WATCH

FULL = OOM_FROM.replace(hour=6, minute=0)
KILLED = "component:default/checkoutservice"


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str) -> Fleet:
    simulator.load("demo")
    return Fleet(tmp_path, simulator, queues, postgres_url, FULL + MINUTE, beats=2, workers=(QUEUES, QUEUES))


def incidents_of(fleet: Fleet) -> list[bool]:
    """Return for each incident about the component whether it is resolved."""
    found = fleet.simulator.state.pagerduty.incidents
    return [one["resolved_at"] is not None for one in found if one["dedup_key"].endswith(KILLED)]


def test_a_crash_between_any_two_steps_of_watch_sweeps_pages_a_danger_once_and_resolves_it_once(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        fleet.set_clock(OOM_FROM + 10 * MINUTE)
        for number, point in enumerate(crash_states(*WATCHING)):
            crash_at(fleet, point, "worker" if number % 3 == 0 else "child")
        assert fleet.now < FULL + fleet.every, "the full sweep must not be what pages"
        fleet.live()
        assert incidents_of(fleet) == [False]
        fleet.set_clock(OOM_UNTIL - timedelta(hours=5))
        fleet.live()
        assert incidents_of(fleet) == [False]
        fleet.set_clock(OOM_UNTIL + MINUTE)
        for point in crash_states(*WATCHING):
            crash_at(fleet, point, "child")
        fleet.live()
        fleet.next_watch_slot()
        fleet.live()
        assert incidents_of(fleet) == [True]
        assert violations(fleet) == []


@pytest.mark.parametrize("point", crash_points(TaskStep.EVALUATE, TaskStep.SEND_TO_PAGERDUTY), ids=str)
def test_a_crash_while_the_page_of_a_watch_sweep_is_made_and_sent(fleet: Fleet, point: CrashPoint) -> None:
    with fleet:
        fleet.live()
        fleet.set_clock(OOM_FROM + 10 * MINUTE)
        crash_at(fleet, point, "child")
        fleet.live()
        assert fleet.now < FULL + fleet.every, "the full sweep must not be what pages"
        assert incidents_of(fleet) == [False]
        assert violations(fleet) == []


def crash_at(fleet: Fleet, point: CrashPoint, who: str) -> None:
    fleet.arm(point, who)
    while not fleet.has_crashed():
        assert fleet.now < OOM_UNTIL + timedelta(hours=12), fleet.story()
        fleet.step()


def test_machines_fail_in_the_middle_of_watch_sweeps(fleet: Fleet, postgres_server: PostgresServer) -> None:
    with fleet:
        fleet.live()
        fleet.set_clock(OOM_KILLS[0] + MINUTE)
        for happen in (
            fleet.queues.flush,
            lambda: faults.restart_queues(fleet),
            lambda: faults.restart_database(postgres_server),
            lambda: faults.kill_all(fleet, "worker"),
            lambda: faults.stop_workers(fleet),
        ):
            in_the_middle_of_a_watch_sweep(fleet, happen)
            assert incidents_of(fleet) == [False]
            assert violations(fleet) == []


def in_the_middle_of_a_watch_sweep(fleet: Fleet, happen: Callable[[], object]) -> None:
    fleet.next_watch_slot()
    fleet.simulator.state.latency_s = 3.0
    wait_until("a watch sweep to begin", lambda: claimed_at(fleet) is not None, explain=fleet.story)
    happen()
    fleet.simulator.state.latency_s = 0.0
    fleet.live()


def claimed_at(fleet: Fleet) -> datetime | None:
    with fleet.store.reading() as transaction:
        found = transaction.watch_sweeps.get(fleet.watch_slot)
    return found.opened_at if found is not None else None


def test_a_watch_sweep_runs_while_chunks_of_a_full_sweep_are_queued(
    tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str
) -> None:
    simulator.load("demo")
    workers = ((WATCH, COLLECT), (DELIVER, EVALUATE))
    fleet = Fleet(tmp_path, simulator, queues, postgres_url, FULL + MINUTE, workers=workers, concurrency=1, chunk=1)
    with fleet:
        fleet.live()
        fleet.next_slot()
        simulator.state.latency_s = 0.3
        wait_until("queued chunks", lambda: queued(fleet) > 5, explain=fleet.story)
        fleet.set_clock(fleet.now + fleet.watch_every)
        wait_until("the page of a watch sweep", lambda: incidents_of(fleet) == [False], explain=fleet.story)
        with fleet.store.reading() as transaction:
            full = transaction.sweeps.get(fleet.slot)
        assert full is not None
        assert full.closed_at is None
        assert queued(fleet) > 0
        simulator.state.latency_s = 0.0
        fleet.live()
        assert incidents_of(fleet) == [False]
        assert violations(fleet) == []


def queued(fleet: Fleet) -> int:
    with redis.Redis.from_url(fleet.queues.url) as client:
        return int(client.llen(f"scaleops-worker:test:queue:{COLLECT}"))
