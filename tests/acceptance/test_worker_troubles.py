"""What an installation stands on goes away: beat, the queue, the database, ScaleOps, Slack, PagerDuty. And messages that come wrongly."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from actions.history.costs import get_cost_trend
from actions.history.models import TrendInput
from actions.history.view import read_history
from alerts.policy import Rule
from alerts.states import OPEN_PHASES
from alerts.storm import OUTAGE
from domain.messages import Channel, DeliveryStatus, Message
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome
from reports.notices import stream_of
from simulator.credentials import SLACK_DEFAULT_CHANNEL, SLACK_PLATFORM_CHANNEL
from simulator.serving import Simulator
from tests.acceptance.faults import (
    in_the_middle_of_a_sweep,
    kill_beats,
    kill_workers,
    misbehave,
    put_something_to_say,
    restart_database,
    restart_queues,
    stop_workers,
)
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.promises import broken_promises
from tests.integration.test_report_stage import parts_at
from tests.services.databases import PostgresServer
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
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
            lambda: kill_beats(fleet),
            fleet.queues.flush,
            lambda: restart_queues(fleet),
            lambda: restart_queues(fleet, away_s=8),
            lambda: restart_database(postgres_server),
            lambda: kill_workers(fleet),
            lambda: stop_workers(fleet),
        ):
            in_the_middle_of_a_sweep(fleet, happen)
            assert broken_promises(fleet) == []


def test_messages_that_come_twice_late_and_out_of_order_change_nothing(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        fleet.next_slot()
        fleet.live()
        put_something_to_say(fleet)
        fleet.live()
        posts, before = fleet.posts(), rows_of(fleet)
        refs = [str(ref) for ref in before]
        for as_of in (fleet.slot - fleet.every, fleet.slot, fleet.slot + fleet.every):
            for task in ("deliver", "report", "evaluate", "sweep.advance", "evaluate", "deliver"):
                fleet.ring(task)
                fleet.ring("sweep.measure", as_of.isoformat(), refs[:4])
        fleet.step()
        fleet.live()
        assert fleet.posts() == posts
        assert rows_of(fleet) == before
        assert broken_promises(fleet) == []


def test_scaleops_down_resolves_nothing_stores_no_zero_and_is_told_once(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        for _ in range(3):  # until checkout is killed for want of memory, and its page is open
            fleet.next_slot()
            fleet.live()
        incidents, alerts, cost = open_incidents(fleet), open_alerts(fleet), cost_this_week(fleet)
        assert incidents
        assert cost is not None
        assert cost > 0
        misbehave(fleet, service="scaleops", status=503)
        fleet.next_slot()
        fleet.live(most=timedelta(minutes=45))
        with fleet.store.reading() as transaction:
            sweep = transaction.sweeps.get(fleet.slot)
        assert sweep is not None
        assert sweep.unknown == sweep.expected > 0
        assert {known_costs(row) for row in rows_of(fleet).values()} == {0}
        assert {row.snapshot.outcome for row in rows_of(fleet).values()} == {Outcome.UNKNOWN}
        assert cost_this_week(fleet) is None
        assert open_incidents(fleet) == incidents
        assert open_alerts(fleet) == alerts | {str(OUTAGE)}
        (notice,) = told_in_this_slot(fleet)
        assert notice.stream == stream_of(OUTAGE, Channel.SLACK)
        assert fleet.posts()[notice.key] == 1
        fleet.heal()
        fleet.minute_s = 1.0  # the workers leave a service alone for seconds of real time
        fleet.next_slot()
        fleet.live()
        with fleet.store.reading() as transaction:
            sweep = transaction.sweeps.get(fleet.slot)
        assert sweep is not None
        assert sweep.measured == sweep.expected
        assert alerts <= open_alerts(fleet)
        assert cost_this_week(fleet) is not None
        assert broken_promises(fleet) == []


@pytest.mark.parametrize("mode", ["status", "accept-then-drop", "drop"])
def test_slack_in_trouble_gets_each_message_once(fleet: Fleet, mode: str) -> None:
    with fleet:
        fleet.live()
        misbehave(fleet, service="slack", route="chat.postMessage", mode=mode, status=500, times=3)
        put_something_to_say(fleet)
        fleet.live()
        assert broken_promises(fleet) == []


def test_an_archived_channel_falls_back_to_the_platform_channel_once(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        others: dict[str, dict[str, object]] = {name: {} for name in (SLACK_PLATFORM_CHANNEL, SLACK_DEFAULT_CHANNEL)}
        fleet.simulator.state.slack.channels = {"C0TESTING1": {"is_archived": True}, **others}
        put_something_to_say(fleet, channel="C0TESTING1")
        fleet.live()
        stood_in = [key for key in fleet.posts() if key.startswith("by-hand:") and key.endswith(":fallback")]
        assert len(stood_in) == 1
        assert fleet.posts()[stood_in[0]] == 1


def refused_of(fleet: Fleet) -> list[tuple[str, bool]]:
    """Answer the channels of what waits, and whether it was refused."""
    with fleet.store.reading() as transaction:
        waiting = transaction.outbox.listing([DeliveryStatus.PENDING])
    return [(one.message.channel, "429" in str(one.last_error)) for one in waiting]


def test_pagerduty_refusing_for_ten_minutes_gets_its_event_afterwards(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        misbehave(fleet, service="pagerduty", status=429)
        put_something_to_say(fleet)
        for _ in range(10):
            fleet.step()
        # The minutes are over, the last attempt may not be.
        wait_until("the event waits, refused", lambda: refused_of(fleet) == [("pagerduty", True)], explain=fleet.story)
        fleet.heal()
        fleet.live(most=timedelta(minutes=45))
        assert broken_promises(fleet) == []


def test_a_worker_told_to_stop_hands_its_work_back(fleet: Fleet) -> None:
    with fleet:
        fleet.live()
        fleet.simulator.state.latency_s = 0.2
        fleet.next_slot()
        wait_until("a sweep under way", lambda: bool(rows_of(fleet)), explain=fleet.story)
        stop_workers(fleet)
        assert [worker.running.returncode for worker in fleet.of_kind("worker") if worker.running] == [0]
        fleet.simulator.state.latency_s = 0.0
        fleet.live()
        assert broken_promises(fleet) == []


def rows_of(fleet: Fleet) -> dict[EntityRef, Measurement]:
    with fleet.store.reading() as transaction:
        return {one.snapshot.ref: one for one in transaction.snapshots.of_sweep(fleet.slot)}


def known_costs(row: Measurement) -> int:
    """How many costs stand in a component's rows, its own and its workloads': a zero would be one."""
    costs = [row.snapshot.cost_7d.amount, *(point.cost_7d for point in row.points)]
    return sum(isinstance(cost, Decimal) for cost in costs)


def cost_this_week(fleet: Fleet) -> float | None:
    """What the trend shows of the running week for the component whose incident opened first."""
    about = fleet.simulator.state.pagerduty.incidents[0]["dedup_key"].rpartition(f"{Rule.UNDER_PROVISIONED}:")[2]
    context = parts_at(fleet.store, fleet.now)
    with read_history(history_context(context.store, context.policy, clock=context.clock)) as view:
        week = get_cost_trend(view, TrendInput(entity_ref=about, weeks=1)).weeks[-1]
    assert week.running
    return week.cost


def told_in_this_slot(fleet: Fleet) -> list[Message]:
    with fleet.store.reading() as transaction:
        written = [one.message for one in transaction.outbox.listing(limit=1000)]
    return [one for one in written if one.created_at >= fleet.slot]


def open_alerts(fleet: Fleet) -> set[str]:
    with fleet.store.reading() as transaction:
        return {row.alert for row in transaction.alerts.states(statuses=OPEN_PHASES)}


def open_incidents(fleet: Fleet) -> set[str]:
    return {one["dedup_key"] for one in fleet.simulator.state.pagerduty.incidents if one["resolved_at"] is None}
