"""Concurrent deliver stages, and one that is killed: every message arrives once."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial

import pytest

from domain.messages import Channel, DeliveryStatus, EventAction, Message
from simulator.serving import Simulator
from store import Store
from tasks.context import StageContext
from tasks.deliver.stage import LEASE, deliver
from tests.factories import NOW, make_event, make_message
from tests.services.waiting import run_together
from tests.stage_factories import (
    CHANNELS,
    PLATFORM_CHANNEL,
    ManualClock,
    make_delivery_services,
    make_stage_context,
    posted_texts,
)


@pytest.fixture
def clock(simulator: Simulator) -> ManualClock:
    simulator.state.clock.set(NOW)
    simulator.state.slack.channels = CHANNELS
    return ManualClock(NOW, simulator)


def context_of(store: Store, clock: ManualClock, simulator: Simulator) -> StageContext:
    services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
    return make_stage_context(store, clock, services)


def put(store: Store, *messages: Message) -> None:
    with store.transaction() as t:
        t.outbox.put(messages)


def many_messages() -> list[Message]:
    reports = [make_message(f"report:{number:02}", target=f"C0TEAM{number:02}") for number in range(12)]
    return [*reports, *(make_event(EventAction.TRIGGER, dedup_key=f"d{number}") for number in range(3))]


def child(simulator: Simulator, database_url: str, *, dies: str = "never", now: datetime = NOW) -> subprocess.Popen[str]:
    options = {
        "database": database_url,
        "slack": simulator.slack_url,
        "pagerduty": simulator.pagerduty_url,
        "now": now.isoformat(),
        "dies": dies,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.deliver_child", json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(*children: subprocess.Popen[str]) -> list[str]:
    """Start all when all are ready; return the last line of each."""
    for one in children:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in children:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return [one.communicate(timeout=60)[0].strip() for one in children]


def arrived(simulator: Simulator) -> list[str]:
    return sorted(message["metadata"]["event_payload"]["key"] for message in simulator.state.slack.messages)


def test_two_threads_send_every_message_once(store: Store, simulator: Simulator, clock: ManualClock) -> None:
    simulator.state.slack.channels = {}
    put(store, *many_messages())
    parts = [context_of(store, clock, simulator) for _ in range(2)]
    rounds = run_together(*(partial(deliver, one) for one in parts))
    assert arrived(simulator) == sorted(message.key for message in many_messages() if message.channel is Channel.SLACK)
    assert len(simulator.state.pagerduty.events) == 3
    assert sum(one.sent for one in rounds) == 15


def test_two_processes_send_every_message_once(store: Store, database_url: str, simulator: Simulator, clock: ManualClock) -> None:
    simulator.state.slack.channels = {}
    put(store, *many_messages())
    said = run(child(simulator, database_url), child(simulator, database_url))
    assert arrived(simulator) == sorted(message.key for message in many_messages() if message.channel is Channel.SLACK)
    assert len(simulator.state.pagerduty.events) == 3
    assert sum(map(int, said)) == 15
    assert clock() == NOW


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_sender_killed_around_the_call_leaves_one_message(
    store: Store, database_url: str, simulator: Simulator, clock: ManualClock, dies: str
) -> None:
    put(store, make_message("k1"))
    killed = child(simulator, database_url, dies=dies)
    run(killed)
    assert killed.returncode == -9
    assert len(posted_texts(simulator)) == (1 if dies == "after" else 0)
    parts = context_of(store, clock, simulator)
    clock.advance(LEASE - timedelta(seconds=1))
    assert deliver(parts).sent == 0
    clock.advance(timedelta(seconds=1))
    assert deliver(parts).sent == 1

    assert posted_texts(simulator) == ["content of k1"]
    assert posted_texts(simulator, PLATFORM_CHANNEL) == []
    with store.reading() as t:
        entry = t.outbox.get("k1")
        place = t.outbox.location_of("k1")
    assert entry is not None
    assert entry.status is DeliveryStatus.SENT
    assert place is not None
    assert place.ts == simulator.state.slack.messages[0]["ts"]
