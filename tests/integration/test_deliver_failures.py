"""The deliver stage against a Slack and a PagerDuty that misbehave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients.http.errors import ErrorKind, ServiceError
from clients.slack.client import SlackClient
from domain.component import RoutingKey
from domain.messages import Channel, DeliveryStatus, EventAction, Json, Message, Rendering, Variant
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_BOT_TOKEN
from simulator.serving import Simulator
from store import Store
from store.queries.outbox_rows import OutboxRecord
from tasks.context import StageContext
from tasks.deliver.stage import LEASE, DeliverResult, deliver
from tests.integration.delivery_factories import (
    ARCHIVED,
    CHANNELS,
    KEY,
    NOW,
    OTHER_TEAM,
    PLATFORM,
    TEAM,
    DeliveryServices,
    LinkedClock,
    delivery_services,
    misbehave,
    page,
    post,
    stage_context,
    text,
    texts,
    too_big,
)

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock(simulator: Simulator) -> LinkedClock:
    simulator.state.clock.set(NOW)
    simulator.state.slack.channels = CHANNELS
    return LinkedClock(simulator=simulator)


@pytest.fixture
def services(simulator: Simulator) -> DeliveryServices:
    return delivery_services(simulator)


@pytest.fixture
def context(sqlite_store: Store, services: DeliveryServices, clock: LinkedClock) -> StageContext:
    return stage_context(sqlite_store, services, clock)


def put(context: StageContext, *messages: Message) -> None:
    with context.store.transaction() as t:
        t.outbox.put(messages)


def entry(context: StageContext, key: str) -> OutboxRecord:
    with context.store.reading() as t:
        found = t.outbox.get(key)
    assert found is not None
    return found


def wait_and_deliver(context: StageContext, clock: LinkedClock, passing: timedelta) -> DeliverResult:
    clock.advance(passing)
    return deliver(context)


def incidents(simulator: Simulator) -> list[tuple[str, str]]:
    return [(incident["dedup_key"], incident["status"]) for incident in simulator.state.pagerduty.incidents]


# What goes well -------------------------------------------------------------------------------------------------------------


def test_a_report_with_its_thread_goes_out_at_once_in_order(context: StageContext, simulator: Simulator) -> None:
    replies = [post(f"r{number}", stream="r", number=number, thread_of="r1") for number in range(2, 6)]
    put(context, *replies, post("r1", stream="r", number=1))
    delivered = deliver(context)
    assert (delivered.sent, delivered.rescheduled, delivered.problems, delivered.next_due) == (5, 0, (), None)
    root, *rest = simulator.state.slack.messages
    assert texts(simulator, TEAM) == [f"content of r{number}" for number in range(1, 6)]
    assert {reply["thread_ts"] for reply in rest} == {root["ts"]}


def test_nothing_is_sent_twice_by_a_second_run(context: StageContext, simulator: Simulator) -> None:
    put(context, post("k1"), page(EventAction.TRIGGER))
    deliver(context)
    assert deliver(context) == DeliverResult()
    assert len(simulator.state.slack.messages) == len(simulator.state.pagerduty.events) == 1


def test_a_page_opens_an_incident_and_its_resolve_closes_it(context: StageContext, simulator: Simulator) -> None:
    trigger, resolve = page(EventAction.TRIGGER, 1, dedup_key="d1"), page(EventAction.RESOLVE, 2, dedup_key="d1")
    put(context, trigger)
    deliver(context)
    assert incidents(simulator) == [("d1", "triggered")]
    put(context, resolve)
    deliver(context)
    assert incidents(simulator) == [("d1", "resolved")]


def test_progress_is_reported_per_message(context: StageContext) -> None:
    put(context, post("k1"), post("k2"))
    notice: list[int] = []
    deliver(context, progress=notice.append)
    assert notice == [1, 2]


def test_a_trigger_superseded_by_its_resolve_is_never_sent(context: StageContext, simulator: Simulator) -> None:
    put(context, page(EventAction.TRIGGER, 1), page(EventAction.RESOLVE, 2))
    assert deliver(context).cancelled == 2
    assert simulator.state.pagerduty.events == []


def test_many_messages_for_one_channel_are_spread_without_sleeping(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    put(context, *[post(f"k{number:02}") for number in range(15)], post("elsewhere", target=OTHER_TEAM))
    first = deliver(context)
    assert len(texts(simulator, TEAM)) == 10
    assert texts(simulator, OTHER_TEAM) == ["content of elsewhere"]
    assert first.next_due == NOW + 10 * SECOND
    wait_and_deliver(context, clock, 10 * SECOND)
    assert texts(simulator, TEAM) == [f"content of k{number:02}" for number in range(15)]


# Formats --------------------------------------------------------------------------------------------------------------------


def test_after_a_rejected_rendering_the_next_is_sent(context: StageContext, simulator: Simulator) -> None:
    put(context, post("k1", renderings=(too_big("native"), text("in plain words"))))
    deliver(context)
    assert texts(simulator, TEAM) == ["in plain words"]
    with context.store.reading() as t:
        (delivery,) = t.outbox.deliveries_of("k1")
    assert delivery.variant is Variant.TEXT


def test_a_temporary_failure_never_uses_the_next_rendering(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    misbehave(simulator, "slack", status=500, times=1)
    put(context, post("k1", renderings=(text("native"), text("in plain words"))))
    deliver(context)
    wait_and_deliver(context, clock, MINUTE)
    assert texts(simulator, TEAM) == ["native"]


def test_a_message_without_an_accepted_rendering_is_reported(context: StageContext, simulator: Simulator) -> None:
    put(context, post("k1", renderings=(too_big("a"), too_big("b"))))
    delivered = deliver(context)
    assert (delivered.failed, delivered.sent) == (1, 1)
    (notice,) = texts(simulator, PLATFORM)
    assert TEAM in notice
    assert "invalid_blocks" in notice
    assert entry(context, "k1").status is DeliveryStatus.FAILED


# Passing failures -----------------------------------------------------------------------------------------------------------


def test_slack_retry_after_is_honoured(context: StageContext, simulator: Simulator, clock: LinkedClock) -> None:
    misbehave(simulator, "slack", status=429, headers={"Retry-After": "45"}, times=1)
    put(context, post("k1"), post("k2"))
    first = deliver(context)
    assert (first.rescheduled, first.sent, first.next_due) == (1, 0, NOW + 45 * SECOND)
    assert wait_and_deliver(context, clock, 44 * SECOND) == DeliverResult(next_due=NOW + 45 * SECOND)
    wait_and_deliver(context, clock, SECOND)
    assert texts(simulator, TEAM) == ["content of k1", "content of k2"]


def test_a_throttled_channel_delays_no_other(context: StageContext, simulator: Simulator) -> None:
    misbehave(simulator, "slack", status=429, headers={"Retry-After": "45"}, times=1)
    put(context, post("k1"), post("k2", target=OTHER_TEAM))
    deliver(context)
    assert texts(simulator, OTHER_TEAM) == ["content of k2"]


def test_a_strict_slack_gets_everything_in_the_end(context: StageContext, simulator: Simulator, clock: LinkedClock) -> None:
    simulator.state.slack.is_rate_limit_strict = True
    put(context, *[post(f"k{number}") for number in range(4)])
    for _ in range(8):
        deliver(context)
        clock.advance(SECOND)
    assert texts(simulator, TEAM) == [f"content of k{number}" for number in range(4)]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"mode": "redirect"}])
def test_a_failing_slack_is_retried_later(
    context: StageContext, simulator: Simulator, clock: LinkedClock, fault: dict[str, object]
) -> None:
    misbehave(simulator, "slack", times=2, **fault)
    put(context, post("k1"))
    first = deliver(context)
    assert (first.rescheduled, first.sent) == (1, 0)
    assert first.next_due is not None
    assert NOW + 30 * SECOND <= first.next_due <= NOW + 38 * SECOND
    clock.advance(first.next_due - NOW)
    second = deliver(context)
    assert second.next_due is not None
    assert second.next_due - clock() > first.next_due - NOW
    clock.advance(second.next_due - clock())
    assert deliver(context).sent == 1
    assert texts(simulator, TEAM) == ["content of k1"]


def test_a_service_that_is_down_is_not_called_for_every_message(context: StageContext, simulator: Simulator) -> None:
    misbehave(simulator, "slack", status=503)
    put(context, *[post(f"k{number}", target=f"C0TEAM{number}") for number in range(9)], page(EventAction.TRIGGER))
    delivered = deliver(context)
    assert simulator.state.calls["slack"].total() == 3
    assert (delivered.rescheduled, delivered.sent) == (3, 1)
    assert delivered.next_due is not None
    assert delivered.next_due > NOW


def test_wrong_credentials_lose_no_report(
    context: StageContext, services: DeliveryServices, simulator: Simulator, clock: LinkedClock
) -> None:
    right = services.slack
    services.slack = SlackClient(token="xoxb-revoked", instance="test", base_url=simulator.slack_url)
    put(context, post("k1"), post("k2"))
    delivered = deliver(context)
    assert (delivered.rescheduled, delivered.failed) == (1, 0)
    assert "invalid_auth" in delivered.problems[0]
    assert simulator.state.calls["slack"].total() == 1
    services.slack = right
    wait_and_deliver(context, clock, 5 * MINUTE)
    assert texts(simulator, TEAM) == ["content of k1", "content of k2"]


def test_an_expired_message_is_reported_once(context: StageContext, simulator: Simulator, clock: LinkedClock) -> None:
    misbehave(simulator, "slack", status=503)
    put(context, post("k1"), post("k2", target=OTHER_TEAM))
    deliver(context)
    simulator.state.faults = []
    late = wait_and_deliver(context, clock, timedelta(days=3))
    assert (late.expired, late.sent) == (2, 1)
    wait_and_deliver(context, clock, MINUTE)
    (notice,) = texts(simulator, PLATFORM)
    assert "2 messages expired before being sent" in notice
    assert TEAM in notice
    assert OTHER_TEAM in notice
    assert texts(simulator, TEAM) == []
    assert entry(context, "k1").status is DeliveryStatus.EXPIRED


# Lost responses ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"mode": "accept-then-drop"},
        {"mode": "truncated"},
        {"mode": "cut"},
    ],
)
def test_a_message_that_arrived_without_a_response_is_found(
    context: StageContext, simulator: Simulator, clock: LinkedClock, fault: dict[str, object]
) -> None:
    misbehave(simulator, "slack", times=1, **fault)
    put(context, post("k1", stream="r", number=1), post("k2", stream="r", number=2, thread_of="k1"))
    first = deliver(context)
    assert (first.unknown, first.sent) == (1, 0)
    assert entry(context, "k1").status is DeliveryStatus.UNKNOWN
    assert wait_and_deliver(context, clock, 59 * SECOND).sent == 0
    assert wait_and_deliver(context, clock, SECOND).sent == 2
    root, reply = simulator.state.slack.messages
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
    ],
)
def test_a_message_that_did_not_arrive_is_sent_again(
    context: StageContext, simulator: Simulator, clock: LinkedClock, fault: dict[str, object]
) -> None:
    misbehave(simulator, "slack", times=1, **fault)
    put(context, post("k1"))
    assert deliver(context).unknown == 1
    assert wait_and_deliver(context, clock, MINUTE).sent == 1
    assert texts(simulator, TEAM) == ["content of k1"]
    assert texts(simulator, PLATFORM) == []


def test_a_message_is_found_though_slacks_clock_is_behind(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    misbehave(simulator, "slack", mode="accept-then-drop", times=1)
    simulator.state.clock.set(NOW - 2 * MINUTE)
    put(context, post("k1"))
    deliver(context)
    wait_and_deliver(context, clock, MINUTE)
    assert texts(simulator, TEAM) == ["content of k1"]


def test_an_expired_lost_message_is_not_sent_but_reported(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    put(context, post("k1"))
    with context.store.transaction() as t:
        assert t.outbox.claim_due(NOW, channel=Channel.SLACK, lease=LEASE, owner="a process that died")
    wait_and_deliver(context, clock, timedelta(days=4))
    assert wait_and_deliver(context, clock, MINUTE).expired == 1
    assert texts(simulator, TEAM) == []
    assert len(texts(simulator, PLATFORM)) == 1


def test_a_failed_look_up_is_repeated(context: StageContext, simulator: Simulator, clock: LinkedClock) -> None:
    misbehave(simulator, "slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    misbehave(simulator, "slack", route="conversations.history", status=500, times=1)
    put(context, post("k1"))
    deliver(context)
    second = wait_and_deliver(context, clock, MINUTE)
    assert (second.unknown, second.sent) == (1, 0)
    assert second.next_due is not None
    wait_and_deliver(context, clock, second.next_due - clock())
    assert entry(context, "k1").status is DeliveryStatus.SENT
    assert texts(simulator, TEAM) == ["content of k1"]


def test_what_cannot_be_looked_up_stays_unknown_and_is_reported_once(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    misbehave(simulator, "slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    misbehave(simulator, "slack", route="conversations.history", status=200, body={"ok": False, "error": "missing_scope"})
    put(context, post("k1"))
    deliver(context)
    for _ in range(3):
        wait_and_deliver(context, clock, MINUTE)
    assert entry(context, "k1").status is DeliveryStatus.UNKNOWN
    assert texts(simulator, TEAM) == ["content of k1"]
    (notice,) = texts(simulator, PLATFORM)
    assert "may or may not have arrived" in notice
    assert "missing_scope" in notice


def test_what_could_not_be_looked_up_before_it_expired_is_reported_once(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    misbehave(simulator, "slack", route="chat.postMessage", mode="drop", times=1)
    misbehave(simulator, "slack", route="conversations.history", status=500)
    put(context, post("k1"))
    deliver(context)
    for _ in range(3):
        wait_and_deliver(context, clock, timedelta(days=2))
    assert len(texts(simulator, PLATFORM)) == 1
    assert texts(simulator, TEAM) == []


# Targets --------------------------------------------------------------------------------------------------------------------


def test_messages_of_an_archived_channel_go_to_the_platform_channel(context: StageContext, simulator: Simulator) -> None:
    put(
        context,
        post("r1", target=ARCHIVED, stream="r", number=1),
        post("r2", target=ARCHIVED, stream="r", number=2, thread_of="r1"),
    )
    delivered = deliver(context)
    assert (delivered.failed, delivered.sent) == (1, 2)
    root, reply = simulator.state.slack.messages
    assert (root["channel"], reply["channel"], reply["thread_ts"]) == (PLATFORM, PLATFORM, root["ts"])
    assert "is_archived" in root["text"]
    assert root["text"].endswith("content of r1")
    assert entry(context, "r1").status is DeliveryStatus.FAILED


def test_a_fallback_shows_the_reason_above_its_blocks(context: StageContext, simulator: Simulator) -> None:
    block: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
    native = Rendering(variant=Variant.NATIVE, payload={"text": "hello", "blocks": [block]})
    put(context, post("k1", target=ARCHIVED, renderings=(native,)))
    deliver(context)
    (shown,) = simulator.state.slack.messages
    assert "is_archived" in shown["blocks"][0]["elements"][0]["text"]
    assert shown["blocks"][1:] == [block]


def test_an_archived_platform_channel_gets_no_fallback(context: StageContext, simulator: Simulator) -> None:
    simulator.state.slack.channels = {PLATFORM: {"is_archived": True}, ARCHIVED: {"is_archived": True}}
    put(context, post("k1", target=ARCHIVED), post("k2", target=PLATFORM))
    delivered = deliver(context)
    assert delivered.failed == 3
    assert simulator.state.slack.messages == []
    with context.store.reading() as t:
        assert t.outbox.counts() == {DeliveryStatus.FAILED: 3}


def test_a_rejected_notice_is_not_reported(context: StageContext, simulator: Simulator) -> None:
    misbehave(simulator, "slack", contains=PLATFORM, status=200, body={"ok": False, "error": "msg_too_long"})
    put(context, post("k1", renderings=(too_big("a"),)))
    assert deliver(context).failed == 2
    with context.store.reading() as t:
        assert t.outbox.counts() == {DeliveryStatus.FAILED: 2}


def test_without_a_platform_channel_the_problem_is_only_returned(
    sqlite_store: Store, services: DeliveryServices, clock: LinkedClock, simulator: Simulator
) -> None:
    context = stage_context(sqlite_store, services, clock, platform_channel=None)
    put(context, post("k1", target=ARCHIVED))
    delivered = deliver(context)
    assert delivered.failed == 1
    assert "is_archived" in delivered.problems[0]
    assert simulator.state.slack.messages == []


# PagerDuty ------------------------------------------------------------------------------------------------------------------


def test_an_event_without_a_response_is_sent_again_with_the_same_key(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    misbehave(simulator, "pagerduty", mode="accept-then-drop", times=2)
    put(context, page(EventAction.TRIGGER, dedup_key="d1"))
    assert deliver(context).rescheduled == 1
    assert wait_and_deliver(context, clock, MINUTE).sent == 1
    assert incidents(simulator) == [("d1", "triggered")]


def test_pagerduty_retry_after_is_honoured(context: StageContext, simulator: Simulator, clock: LinkedClock) -> None:
    misbehave(simulator, "pagerduty", status=429, headers={"Retry-After": "30"}, times=1)
    put(context, page(EventAction.TRIGGER, dedup_key="d1"), page(EventAction.TRIGGER, dedup_key="d2"))
    assert deliver(context).next_due == NOW + 30 * SECOND
    assert simulator.state.calls["pagerduty"].total() == 1
    assert wait_and_deliver(context, clock, 30 * SECOND).sent == 2


def test_a_trigger_that_may_have_arrived_is_not_repeated_after_its_resolve(
    context: StageContext, simulator: Simulator, clock: LinkedClock
) -> None:
    misbehave(simulator, "pagerduty", mode="accept-then-drop", times=2)
    put(context, page(EventAction.TRIGGER, 1, dedup_key="d1"))
    deliver(context)
    put(context, page(EventAction.RESOLVE, 2, dedup_key="d1"))
    assert wait_and_deliver(context, clock, MINUTE).cancelled == 1
    assert incidents(simulator) == [("d1", "resolved")]


def test_a_lost_routing_key_is_reported_with_the_incident_to_close(
    context: StageContext, services: DeliveryServices, simulator: Simulator
) -> None:
    services.known_keys = {}
    put(context, page(EventAction.TRIGGER, 1, dedup_key="d1"), page(EventAction.RESOLVE, 1, dedup_key="d2"))
    delivered = deliver(context)
    assert (delivered.failed, delivered.sent) == (2, 2)
    notice = "\n".join(texts(simulator, PLATFORM))
    assert "call the person on call: dedup key `d1`" in notice
    assert "resolve it by hand: dedup key `d2`" in notice
    assert PAGERDUTY_ROUTING_KEY not in notice


def test_a_rejected_routing_key_is_reported(context: StageContext, simulator: Simulator) -> None:
    simulator.state.pagerduty.known_keys = frozenset()
    put(context, page(EventAction.RESOLVE, dedup_key="d1"))
    assert deliver(context).failed == 1
    (notice,) = texts(simulator, PLATFORM)
    assert "d1" in notice
    assert "Invalid routing key" in notice
    assert PAGERDUTY_ROUTING_KEY not in notice


def test_a_rejected_event_is_reported(context: StageContext, simulator: Simulator) -> None:
    put(context, page(EventAction.TRIGGER, severity="catastrophic"))
    assert deliver(context).failed == 1
    assert "payload.severity" in texts(simulator, PLATFORM)[0]


def test_a_catalog_that_is_down_only_delays_a_page(
    context: StageContext, services: DeliveryServices, simulator: Simulator, clock: LinkedClock
) -> None:
    services.catalog_is_down = ServiceError("Backstage did not respond", kind=ErrorKind.CONNECTION, permanent=False)
    put(context, page(EventAction.TRIGGER, dedup_key="d1"))
    assert deliver(context).rescheduled == 1
    services.catalog_is_down = None
    assert wait_and_deliver(context, clock, MINUTE).sent == 1
    assert incidents(simulator) == [("d1", "triggered")]


class PlainSealer:
    """Encrypts nothing: these tests check only where a key is looked up."""

    def seal(self, key: RoutingKey) -> bytes:
        return key.reveal().encode()

    def open(self, sealed: bytes) -> RoutingKey | None:
        return None if sealed == b"under another secret" else RoutingKey(sealed.decode())


def test_a_sealed_key_needs_neither_settings_nor_catalog(
    context: StageContext, services: DeliveryServices, simulator: Simulator
) -> None:
    services.known_keys, services.sealer = {}, PlainSealer()
    with context.store.transaction() as t:
        t.sealed_keys.put(KEY.fingerprint, PlainSealer().seal(KEY))
    put(context, page(EventAction.TRIGGER, dedup_key="d1"))
    deliver(context)
    assert incidents(simulator) == [("d1", "triggered")]


def test_a_key_sealed_with_another_secret_is_looked_up_elsewhere(
    context: StageContext, services: DeliveryServices, simulator: Simulator
) -> None:
    services.sealer = PlainSealer()
    with context.store.transaction() as t:
        t.sealed_keys.put(KEY.fingerprint, b"under another secret")
    put(context, page(EventAction.TRIGGER, dedup_key="d1"))
    deliver(context)
    assert incidents(simulator) == [("d1", "triggered")]


def test_no_secret_is_in_any_problem_or_row(context: StageContext, simulator: Simulator) -> None:
    for service in ("slack", "pagerduty"):
        misbehave(simulator, service, status=403, body=f"you sent {SLACK_BOT_TOKEN} and {PAGERDUTY_ROUTING_KEY}")
    put(context, post("k1"), page(EventAction.TRIGGER))
    delivered = deliver(context)
    with context.store.reading() as t:
        rows = repr(t.outbox.listing())
    for secret in (SLACK_BOT_TOKEN, PAGERDUTY_ROUTING_KEY, PAGERDUTY_ROUTING_KEY[-6:]):
        assert secret not in repr(delivered)
        assert secret not in rows
