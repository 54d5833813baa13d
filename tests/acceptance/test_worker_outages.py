"""Outages of beat, the queue, the database, ScaleOps, Slack and PagerDuty; and repeated, late and unordered messages."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from actions.history.costs import get_cost_trend
from actions.history.models import TrendInput
from actions.history.view import read_history
from alerts.outage import OUTAGE
from alerts.policy import Rule
from alerts.states import OPEN_PHASES
from domain.messages import Channel, DeliveryStatus, Message
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome
from reports.notices import stream_of
from simulator.credentials import SLACK_DEFAULT_CHANNEL, SLACK_PLATFORM_CHANNEL
from simulator.serving import Simulator
from tests.acceptance import faults
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import violations
from tests.services.databases import PostgresServer
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from tests.stage_factories import make_stage_context
from wiring.contexts import history_context
from worker.schedule import QUEUES

TUESDAY = datetime(2026, 11, 3, tzinfo=timezone.utc)


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str) -> Fleet:
    simulator.load("demo")
    return Fleet(tmp_path, simulator, queues, postgres_url, TUESDAY + MINUTE, workers=(QUEUES,), concurrency=3)


def test_machines_fail_in_the_middle_of_a_sweep(fleet: Fleet, postgres_server: PostgresServer) -> None:
    with fleet:
        fleet.live()
        for happen in (
            lambda: faults.kill_all(fleet, "beat"),
            fleet.queues.flush,
            lambda: faults.restart_queues(fleet),
            lambda: faults.restart_queues(fleet, down_s=5),
            lambda: faults.restart_database(postgres_server),
            lambda: faults.kill_all(fleet, "worker"),
            lambda: faults.stop_workers(fleet),
        ):
            faults.in_the_middle_of_a_sweep(fleet, happen)
            assert violations(fleet) == []


def test_repeated_late_and_unordered_messages_change_nothing(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        fleet.next_slot()
        fleet.live()
        faults.put_test_messages(fleet)
        fleet.live()
        posts, before = fleet.posts(), rows_of(fleet)
        refs = [str(ref) for ref in before]
        for as_of in (fleet.slot - fleet.every, fleet.slot, fleet.slot + fleet.every):
            for task in ("deliver", "report", "evaluate", "sweep.advance", "evaluate", "deliver"):
                fleet.enqueue(task)
                fleet.enqueue("sweep.measure", as_of.isoformat(), refs[:4])
        fleet.step()
        fleet.live()
        assert fleet.posts() == posts
        assert rows_of(fleet) == before
        assert violations(fleet) == []


def test_while_scaleops_is_down_nothing_resolves_no_zero_is_stored_and_one_notice_is_sent(fleet: Fleet) -> None:
    fleet.waits_for_tasks = True
    with fleet:
        fleet.live()
        for _ in range(3):  # until checkout runs out of memory, and its incident is open
            fleet.next_slot()
            fleet.live()
        incidents, alerts, cost = open_incidents(fleet), open_alerts(fleet), cost_this_week(fleet)
        assert incidents
        assert cost is not None
        assert cost > 0
        faults.misbehave(fleet, service="scaleops", status=503)
        fleet.next_slot()
        for _ in range(5):
            fleet.step()
        fleet.step(24 * MINUTE)  # the chunks of every minute fail alike, until the sweep is closed at its deadline
        fleet.live(most=timedelta(minutes=45))
        with fleet.store.reading() as transaction:
            sweep = transaction.sweeps.get(fleet.slot)
        assert sweep is not None
        assert sweep.unknown == sweep.expected > 0
        assert {known_costs(row) for row in rows_of(fleet).values()} == {0}
        assert {row.snapshot.outcome for row in rows_of(fleet).values()} == {Outcome.UNKNOWN}
        assert cost_this_week(fleet) == cost, "that of the newest measured sweep, and no zero"
        assert open_incidents(fleet) == incidents
        assert open_alerts(fleet) == alerts | {str(OUTAGE)}
        (notice,) = messages_of_this_slot(fleet)
        assert notice.stream == stream_of(OUTAGE, Channel.SLACK)
        assert fleet.posts()[notice.key] == 1
        fleet.heal()
        fleet.minute_s = 1.0  # the workers skip an unavailable service for seconds of real time
        fleet.next_slot()
        fleet.live()
        with fleet.store.reading() as transaction:
            sweep = transaction.sweeps.get(fleet.slot)
        assert sweep is not None
        assert sweep.measured == sweep.expected
        assert alerts <= open_alerts(fleet)
        assert cost_this_week(fleet) is not None
        assert violations(fleet) == []


def test_a_failing_slack_gets_each_message_once(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        for mode in ("status", "accept-then-drop", "drop"):
            faults.misbehave(fleet, service="slack", route="chat.postMessage", mode=mode, status=500, times=3)
            faults.put_test_messages(fleet)
            fleet.live()
            fleet.heal()
            assert violations(fleet) == [], mode


def test_an_archived_channel_falls_back_to_the_platform_channel_once(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        others: dict[str, dict[str, object]] = {name: {} for name in (SLACK_PLATFORM_CHANNEL, SLACK_DEFAULT_CHANNEL)}
        fleet.simulator.state.slack.channels = {"C0TESTING1": {"is_archived": True}, **others}
        faults.put_test_messages(fleet, channel="C0TESTING1")
        fleet.live()
        fallbacks = [key for key in fleet.posts() if key.startswith("by-hand:") and key.endswith(":fallback")]
        assert len(fallbacks) == 1
        assert fleet.posts()[fallbacks[0]] == 1


def pending_of(fleet: Fleet) -> list[tuple[str, bool]]:
    with fleet.store.reading() as transaction:
        waiting = transaction.outbox.listing([DeliveryStatus.PENDING])
    return [(one.message.channel, "429" in str(one.last_error)) for one in waiting]


def test_pagerduty_throttling_for_ten_minutes_gets_its_event_afterwards(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        faults.misbehave(fleet, service="pagerduty", status=429)
        faults.put_test_messages(fleet)
        for _ in range(10):
            fleet.step()
        # The minutes are over, but the last attempt may still run.
        wait_until("the event to be pending, throttled", lambda: pending_of(fleet) == [("pagerduty", True)], explain=fleet.story)
        fleet.heal()
        fleet.live(most=timedelta(minutes=45))
        assert violations(fleet) == []


def test_a_stopped_worker_hands_its_work_back(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        fleet.simulator.state.latency_s = 0.2
        fleet.next_slot()
        wait_until("a running sweep", lambda: bool(rows_of(fleet)), explain=fleet.story)
        faults.stop_workers(fleet)
        assert [worker.running.exitcode for worker in fleet.of_kind("worker") if worker.running] == [0]
        fleet.simulator.state.latency_s = 0.0
        fleet.live()
        assert violations(fleet) == []


def rows_of(fleet: Fleet) -> dict[EntityRef, Measurement]:
    with fleet.store.reading() as transaction:
        return {one.snapshot.ref: one for one in transaction.snapshots.of_sweep(fleet.slot)}


def known_costs(row: Measurement) -> int:
    costs = [row.snapshot.cost_7d.amount, *(point.cost_7d for point in row.points)]
    return sum(isinstance(cost, Decimal) for cost in costs)


def cost_this_week(fleet: Fleet) -> float | None:
    """Return the cost of the current week in the trend of the component whose incident opened first."""
    about = fleet.simulator.state.pagerduty.incidents[0]["dedup_key"].rpartition(f"{Rule.UNDER_PROVISIONED}:")[2]
    context = make_stage_context(fleet.store, fleet.now)
    with read_history(history_context(context.store, context.policy, clock=context.clock)) as view:
        week = get_cost_trend(view, TrendInput(entity_ref=about, weeks=1)).weeks[-1]
    assert week.running
    return week.cost


def messages_of_this_slot(fleet: Fleet) -> list[Message]:
    with fleet.store.reading() as transaction:
        messages = [one.message for one in transaction.outbox.listing(limit=1000)]
    return [one for one in messages if one.created_at >= fleet.slot]


def open_alerts(fleet: Fleet) -> set[str]:
    with fleet.store.reading() as transaction:
        return {row.alert for row in transaction.alerts.states(statuses=OPEN_PHASES)}


def open_incidents(fleet: Fleet) -> set[str]:
    return {one["dedup_key"] for one in fleet.simulator.state.pagerduty.incidents if one["resolved_at"] is None}
