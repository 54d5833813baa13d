"""Messages that may or may not have arrived: the deliver stage looks them up before it sends them again."""

from datetime import timedelta

import pytest

from domain.messages import Channel, DeliveryStatus
from tasks.deliver.stage import LEASE, deliver
from tests.factories import NOW, TEAM_CHANNEL, make_message
from tests.integration.delivery_bench import MINUTE, SECOND, DeliveryBench
from tests.stage_factories import PLATFORM_CHANNEL


@pytest.mark.parametrize(
    "fault",
    [
        *[{"mode": mode} for mode in ("accept-then-drop", "truncated", "cut")],
        *[{"mode": "accept-then-status", "status": status} for status in (302, 404, 500, 502, 503, 504)],
        {"mode": "accept-then-status", "status": 429, "headers": {"Retry-After": "60"}},
        {"mode": "accept-then-status", "status": 200, "body": {"ok": False, "error": "something_new"}},
    ],
)
def test_a_message_that_arrived_without_a_response_is_found(bench: DeliveryBench, fault: dict[str, object]) -> None:
    bench.simulator.add_fault("slack", times=1, **fault)
    bench.put(make_message("k1", stream="r", number=1), make_message("k2", stream="r", number=2, thread_of="k1"))
    first = bench.deliver()
    assert (first.unknown, first.sent) == (1, 0)
    assert bench.entry("k1").status is DeliveryStatus.UNKNOWN
    assert bench.deliver(59 * SECOND).sent == 0
    assert bench.deliver(SECOND).sent == 2
    root, reply = bench.simulator.state.slack.messages
    assert root["text"] == "content of k1"
    assert reply["thread_ts"] == root["ts"]


@pytest.mark.parametrize(
    "fault",
    [
        {"mode": "drop"},
        {"mode": "html"},
        {"mode": "huge", "megabytes": 9},
        {"mode": "empty"},
        {"status": 504},
        {"status": 200, "body": {"ok": False, "error": "internal_error"}},
        {"status": 200, "body": {"ok": False, "error": "something_new"}},
        *[{"status": status} for status in (404, 429, 500, 503)],
        {"mode": "redirect"},
    ],
)
def test_a_message_that_did_not_arrive_is_sent_again(bench: DeliveryBench, fault: dict[str, object]) -> None:
    bench.simulator.add_fault("slack", times=1, **fault)
    assert bench.send(make_message("k1")).unknown == 1
    assert bench.deliver(MINUTE).sent == 1
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]
    assert bench.texts(PLATFORM_CHANNEL) == []


@pytest.mark.parametrize("difference", [timedelta(hours=-25), -2 * MINUTE, timedelta(hours=1), timedelta(days=3)])
def test_a_message_is_found_whatever_slacks_clock_shows(bench: DeliveryBench, difference: timedelta) -> None:
    bench.simulator.add_fault("slack", mode="accept-then-drop", times=1)
    bench.put(make_message("k1"))
    for _ in range(2):
        bench.simulator.state.clock.set(bench.clock() + difference)
        deliver(bench.context)
        bench.clock.now += MINUTE
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]


def test_an_expired_lost_message_is_not_sent_but_reported(bench: DeliveryBench) -> None:
    bench.put(make_message("k1"))
    with bench.store.transaction() as t:
        assert t.outbox.claim_due(NOW, channel=Channel.SLACK, lease=LEASE, owner="a process that died")
    bench.deliver(timedelta(days=4))
    assert bench.deliver(MINUTE).expired == 1
    assert bench.texts(TEAM_CHANNEL) == []
    assert len(bench.texts(PLATFORM_CHANNEL)) == 1


def test_a_failed_look_up_is_repeated(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    bench.simulator.add_fault("slack", route="conversations.history", status=500, times=1)
    bench.send(make_message("k1"))
    second = bench.deliver(MINUTE)
    assert (second.unknown, second.sent) == (1, 0)
    assert second.next_due is not None
    bench.deliver(second.next_due - bench.clock())
    assert bench.entry("k1").status is DeliveryStatus.SENT
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]


def test_what_cannot_be_looked_up_stays_unknown_and_is_reported_once(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    bench.simulator.add_fault("slack", route="conversations.history", status=200, body={"ok": False, "error": "missing_scope"})
    bench.send(make_message("k1"))
    for _ in range(3):
        bench.deliver(MINUTE)
    assert bench.entry("k1").status is DeliveryStatus.UNKNOWN
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]
    (notice,) = bench.texts(PLATFORM_CHANNEL)
    assert "may or may not have arrived" in notice
    assert "missing_scope" in notice


def test_what_could_not_be_looked_up_before_it_expired_is_reported_once(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", mode="drop", times=1)
    bench.simulator.add_fault("slack", route="conversations.history", status=500)
    bench.send(make_message("k1"))
    for _ in range(3):
        bench.deliver(timedelta(days=2))
    assert len(bench.texts(PLATFORM_CHANNEL)) == 1
    assert bench.texts(TEAM_CHANNEL) == []
