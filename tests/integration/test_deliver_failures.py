"""The deliver stage against a Slack and a PagerDuty that misbehave."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from clients.http.errors import ErrorKind, ServiceError
from clients.slack.client import SlackClient
from domain.component import RoutingKey
from domain.messages import Channel, DeliveryStatus, EventAction, Json, Message, Rendering, Variant
from domain.routes import RoutePolicy
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_BOT_TOKEN
from simulator.serving import Simulator
from store import Store
from store.queries.outbox_rows import OutboxRecord
from tasks.deliver.stage import LEASE, DeliverResult, deliver
from tests.factories import NOW, ROUTING_KEY, TEAM_CHANNEL, make_event, make_message, make_text, make_too_large
from tests.stage_factories import (
    ARCHIVED_CHANNEL,
    CHANNELS,
    OTHER_CHANNEL,
    PLATFORM_CHANNEL,
    ManualClock,
    make_delivery_services,
    make_stage_context,
    posted_texts,
)

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


class DeliveryBench:
    def __init__(self, simulator: Simulator, store: Store) -> None:
        simulator.state.clock.set(NOW)
        simulator.state.slack.channels = CHANNELS
        self.simulator, self.store = simulator, store
        self.clock = ManualClock(NOW, simulator)
        self.services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
        self.context = make_stage_context(store, self.clock, self.services)

    def put(self, *messages: Message) -> None:
        with self.store.transaction() as t:
            t.outbox.put(messages)

    def send(self, *messages: Message) -> DeliverResult:
        self.put(*messages)
        return self.deliver()

    def deliver(self, after: timedelta = timedelta()) -> DeliverResult:
        self.clock.advance(after)
        return deliver(self.context)

    def entry(self, key: str) -> OutboxRecord:
        with self.store.reading() as t:
            found = t.outbox.get(key)
        assert found is not None
        return found

    def counts(self) -> Mapping[DeliveryStatus, int]:
        with self.store.reading() as t:
            return t.outbox.counts()

    def texts(self, channel: str) -> list[str]:
        return posted_texts(self.simulator, channel)

    def incidents(self) -> list[tuple[str, str]]:
        return [(incident["dedup_key"], incident["status"]) for incident in self.simulator.state.pagerduty.incidents]


@pytest.fixture
def bench(simulator: Simulator, sqlite_store: Store) -> DeliveryBench:
    return DeliveryBench(simulator, sqlite_store)


def test_a_report_with_its_thread_goes_out_at_once_in_order(bench: DeliveryBench) -> None:
    replies = [make_message(f"r{number}", stream="r", number=number, thread_of="r1") for number in range(2, 6)]
    delivered = bench.send(*replies, make_message("r1", stream="r", number=1))
    assert (delivered.sent, delivered.rescheduled, delivered.problems, delivered.next_due) == (5, 0, (), None)
    root, *rest = bench.simulator.state.slack.messages
    assert bench.texts(TEAM_CHANNEL) == [f"content of r{number}" for number in range(1, 6)]
    assert {reply["thread_ts"] for reply in rest} == {root["ts"]}


def test_nothing_is_sent_twice_by_a_second_run(bench: DeliveryBench) -> None:
    bench.send(make_message("k1"), make_event(EventAction.TRIGGER))
    assert bench.deliver() == DeliverResult()
    assert len(bench.simulator.state.slack.messages) == len(bench.simulator.state.pagerduty.events) == 1


def test_a_page_opens_an_incident_and_its_resolve_closes_it(bench: DeliveryBench) -> None:
    trigger, resolve = make_event(EventAction.TRIGGER, 1, dedup_key="d1"), make_event(EventAction.RESOLVE, 2, dedup_key="d1")
    bench.send(trigger)
    assert bench.incidents() == [("d1", "triggered")]
    bench.send(resolve)
    assert bench.incidents() == [("d1", "resolved")]


def test_progress_is_reported_per_message(bench: DeliveryBench) -> None:
    bench.put(make_message("k1"), make_message("k2"))
    sent: list[int] = []
    deliver(bench.context, progress=sent.append)
    assert sent == [1, 2]


def test_a_trigger_superseded_by_its_resolve_is_never_sent(bench: DeliveryBench) -> None:
    assert bench.send(make_event(EventAction.TRIGGER, 1), make_event(EventAction.RESOLVE, 2)).cancelled == 2
    assert bench.simulator.state.pagerduty.events == []


def test_many_messages_for_one_channel_are_spread_without_sleeping(bench: DeliveryBench) -> None:
    first = bench.send(*[make_message(f"k{number:02}") for number in range(15)], make_message("elsewhere", target=OTHER_CHANNEL))
    assert len(bench.texts(TEAM_CHANNEL)) == 10
    assert bench.texts(OTHER_CHANNEL) == ["content of elsewhere"]
    assert first.next_due == NOW + 10 * SECOND
    bench.deliver(10 * SECOND)
    assert bench.texts(TEAM_CHANNEL) == [f"content of k{number:02}" for number in range(15)]


def test_after_a_rejected_rendering_the_next_is_sent(bench: DeliveryBench) -> None:
    bench.send(make_message("k1", renderings=(make_too_large("native"), make_text("in plain words"))))
    assert bench.texts(TEAM_CHANNEL) == ["in plain words"]
    with bench.store.reading() as t:
        (delivery,) = t.outbox.deliveries_of("k1")
    assert delivery.variant is Variant.TEXT


def test_a_temporary_failure_never_uses_the_next_rendering(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=500, times=1)
    bench.send(make_message("k1", renderings=(make_text("native"), make_text("in plain words"))))
    bench.deliver(MINUTE)
    assert bench.texts(TEAM_CHANNEL) == ["native"]


def test_a_message_without_an_accepted_rendering_is_reported(bench: DeliveryBench) -> None:
    delivered = bench.send(make_message("k1", renderings=(make_too_large("a"), make_too_large("b"))))
    assert (delivered.failed, delivered.sent) == (1, 1)
    (notice,) = bench.texts(PLATFORM_CHANNEL)
    assert TEAM_CHANNEL in notice
    assert "invalid_blocks" in notice
    assert bench.entry("k1").status is DeliveryStatus.FAILED


def test_slack_retry_after_is_honoured(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=429, headers={"Retry-After": "45"}, times=1)
    bench.put(make_message("k1"), make_message("k2"))
    first = bench.deliver()
    assert (first.unknown, first.sent, first.next_due) == (1, 0, NOW + 45 * SECOND)
    assert bench.deliver(44 * SECOND) == DeliverResult(next_due=NOW + 45 * SECOND)
    bench.deliver(SECOND)
    assert bench.texts(TEAM_CHANNEL) == ["content of k1", "content of k2"]


def test_a_throttled_channel_delays_no_other(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=429, headers={"Retry-After": "45"}, times=1)
    bench.send(make_message("k1"), make_message("k2", target=OTHER_CHANNEL))
    assert bench.texts(OTHER_CHANNEL) == ["content of k2"]


def test_a_strict_slack_gets_everything_in_the_end(bench: DeliveryBench) -> None:
    bench.simulator.state.slack.is_rate_limit_strict = True
    bench.put(*[make_message(f"k{number}") for number in range(4)])
    for _ in range(8):
        bench.deliver()
        bench.clock.advance(SECOND)
    assert bench.texts(TEAM_CHANNEL) == [f"content of k{number}" for number in range(4)]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"mode": "redirect"}])
def test_a_failing_slack_is_retried_ever_later(bench: DeliveryBench, fault: dict[str, object]) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", times=3, **fault)
    bench.put(make_message("k1"))
    waits = []
    for _ in range(3):
        failed = bench.deliver()
        assert (failed.unknown, failed.sent) == (1, 0)
        assert failed.next_due is not None
        waits.append(failed.next_due - bench.clock())
        bench.clock.advance(waits[-1])
    assert waits[0] == MINUTE
    assert MINUTE <= waits[1] < waits[2] <= 2.5 * MINUTE
    assert bench.deliver().sent == 1
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]


def test_a_service_that_is_down_is_not_called_for_every_message(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=503)
    delivered = bench.send(
        *[make_message(f"k{number}", target=f"C0TEAM{number}") for number in range(9)], make_event(EventAction.TRIGGER)
    )
    assert bench.simulator.state.calls["slack"].total() == 3
    assert (delivered.unknown, delivered.sent) == (3, 1)
    assert delivered.next_due is not None
    assert delivered.next_due > NOW


def test_wrong_credentials_lose_no_report(bench: DeliveryBench) -> None:
    right = bench.services.slack
    bench.services.slack = SlackClient(token="xoxb-revoked", instance="test", base_url=bench.simulator.slack_url)
    delivered = bench.send(make_message("k1"), make_message("k2"))
    assert (delivered.rescheduled, delivered.failed) == (1, 0)
    assert "invalid_auth" in delivered.problems[0]
    assert bench.simulator.state.calls["slack"].total() == 1
    bench.services.slack = right
    bench.deliver(5 * MINUTE)
    assert bench.texts(TEAM_CHANNEL) == ["content of k1", "content of k2"]


def test_an_expired_message_is_reported_once(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=503)
    bench.send(make_message("k1"), make_message("k2", target=OTHER_CHANNEL))
    bench.simulator.state.faults = []
    assert bench.deliver(timedelta(days=3)).rescheduled == 2  # they are looked up first
    assert bench.deliver(MINUTE).expired == 2
    bench.deliver(MINUTE)
    (notice,) = bench.texts(PLATFORM_CHANNEL)
    assert "2 messages expired before being sent" in notice
    assert TEAM_CHANNEL in notice
    assert OTHER_CHANNEL in notice
    assert bench.texts(TEAM_CHANNEL) == []
    assert bench.entry("k1").status is DeliveryStatus.EXPIRED


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


def test_messages_of_an_archived_channel_go_to_the_platform_channel(bench: DeliveryBench) -> None:
    delivered = bench.send(
        make_message("r1", target=ARCHIVED_CHANNEL, stream="r", number=1),
        make_message("r2", target=ARCHIVED_CHANNEL, stream="r", number=2, thread_of="r1"),
    )
    assert (delivered.failed, delivered.sent) == (1, 2)
    root, reply = bench.simulator.state.slack.messages
    assert (root["channel"], reply["channel"], reply["thread_ts"]) == (PLATFORM_CHANNEL, PLATFORM_CHANNEL, root["ts"])
    assert "is_archived" in root["text"]
    assert root["text"].endswith("content of r1")
    assert bench.entry("r1").status is DeliveryStatus.FAILED


@pytest.mark.parametrize("code", ["no_permission", "access_denied", "team_access_not_granted", "external_channel_migrating"])
def test_one_channels_refusal_is_that_channels(bench: DeliveryBench, code: str) -> None:
    bench.simulator.add_fault(
        "slack", route="chat.postMessage", contains=f'"channel": "{TEAM_CHANNEL}"', status=200, body={"ok": False, "error": code}
    )
    bench.put(*[make_message(f"k{number}") for number in range(6)], make_message("elsewhere", target=OTHER_CHANNEL))
    bench.deliver()
    assert bench.texts(OTHER_CHANNEL) == ["content of elsewhere"]
    fallbacks = bench.texts(PLATFORM_CHANNEL)
    assert len(fallbacks) == (0 if code == "external_channel_migrating" else 6)
    assert all(code in text for text in fallbacks)


def test_messages_that_always_fail_starve_no_other(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", contains=f'"channel": "{TEAM_CHANNEL}"', status=500)
    bench.put(*[make_message(f"k{number}") for number in range(4)], make_message("elsewhere", target=OTHER_CHANNEL))
    for _ in range(10):
        bench.deliver(MINUTE)
    assert bench.texts(OTHER_CHANNEL) == ["content of elsewhere"]


def test_a_fallback_shows_the_reason_above_its_blocks(bench: DeliveryBench) -> None:
    block: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
    native = Rendering(variant=Variant.NATIVE, payload={"text": "hello", "blocks": [block]})
    bench.send(make_message("k1", target=ARCHIVED_CHANNEL, renderings=(native,)))
    (shown,) = bench.simulator.state.slack.messages
    assert "is_archived" in shown["blocks"][0]["elements"][0]["text"]
    assert shown["blocks"][1:] == [block]


def test_an_archived_platform_channel_gets_no_fallback(bench: DeliveryBench) -> None:
    bench.simulator.state.slack.channels = {PLATFORM_CHANNEL: {"is_archived": True}, ARCHIVED_CHANNEL: {"is_archived": True}}
    delivered = bench.send(make_message("k1", target=ARCHIVED_CHANNEL), make_message("k2", target=PLATFORM_CHANNEL))
    assert delivered.failed == 3
    assert bench.simulator.state.slack.messages == []
    assert bench.counts() == {DeliveryStatus.FAILED: 3}


def test_a_rejected_notice_is_not_reported(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", contains=PLATFORM_CHANNEL, status=200, body={"ok": False, "error": "msg_too_long"})
    assert bench.send(make_message("k1", renderings=(make_too_large("a"),))).failed == 2
    assert bench.counts() == {DeliveryStatus.FAILED: 2}


def test_without_a_platform_channel_the_problem_is_only_returned(bench: DeliveryBench) -> None:
    bench.context = make_stage_context(bench.store, bench.clock, bench.services, routes=RoutePolicy())
    delivered = bench.send(make_message("k1", target=ARCHIVED_CHANNEL))
    assert delivered.failed == 1
    assert "is_archived" in delivered.problems[0]
    assert bench.simulator.state.slack.messages == []


def test_an_event_without_a_response_is_sent_again_with_the_same_key(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("pagerduty", mode="accept-then-drop", times=3)
    bench.put(make_event(EventAction.TRIGGER, dedup_key="d1"))
    assert bench.deliver().rescheduled == 1
    assert bench.deliver(MINUTE).sent == 1
    assert bench.incidents() == [("d1", "triggered")]


@pytest.mark.parametrize("value", ["inf", "nan", "1e12", "-5", "Fri, 31 Dec 9999 23:59:59 GMT", "x" * 5000])
@pytest.mark.parametrize("service", ["slack", "pagerduty"])
def test_no_retry_after_holds_anything_for_more_than_an_hour(bench: DeliveryBench, service: str, value: str) -> None:
    bench.simulator.add_fault(service, status=429, headers={"Retry-After": value}, times=1)
    bench.put(make_message("k1"), make_event(EventAction.TRIGGER, dedup_key="d1"))
    bench.deliver()
    bench.deliver(timedelta(hours=1))
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]
    assert bench.incidents() == [("d1", "triggered")]


def test_pagerduty_retry_after_is_honoured(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("pagerduty", status=429, headers={"Retry-After": "30"}, times=1)
    first = bench.send(make_event(EventAction.TRIGGER, dedup_key="d1"), make_event(EventAction.TRIGGER, dedup_key="d2"))
    assert first.next_due == NOW + 30 * SECOND
    assert bench.simulator.state.calls["pagerduty"].total() == 1
    assert bench.deliver(30 * SECOND).sent == 2


def test_a_trigger_that_may_have_arrived_is_not_repeated_after_its_resolve(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("pagerduty", mode="accept-then-drop", times=3)
    bench.put(make_event(EventAction.TRIGGER, 1, dedup_key="d1"))
    bench.deliver()
    bench.put(make_event(EventAction.RESOLVE, 2, dedup_key="d1"))
    assert bench.deliver(MINUTE).cancelled == 1
    assert bench.incidents() == [("d1", "resolved")]


def test_a_lost_routing_key_is_reported_with_the_incident_to_close(bench: DeliveryBench) -> None:
    bench.services.known_keys = {}
    delivered = bench.send(make_event(EventAction.TRIGGER, 1, dedup_key="d1"), make_event(EventAction.RESOLVE, 1, dedup_key="d2"))
    assert (delivered.failed, delivered.sent) == (2, 2)
    notice = "\n".join(bench.texts(PLATFORM_CHANNEL))
    assert "call the person on call: dedup key `d1`" in notice
    assert "resolve it by hand: dedup key `d2`" in notice
    assert PAGERDUTY_ROUTING_KEY not in notice


def test_a_rejected_routing_key_is_reported(bench: DeliveryBench) -> None:
    bench.simulator.state.pagerduty.known_keys = frozenset()
    assert bench.send(make_event(EventAction.RESOLVE, dedup_key="d1")).failed == 1
    (notice,) = bench.texts(PLATFORM_CHANNEL)
    assert "d1" in notice
    assert "Invalid routing key" in notice
    assert PAGERDUTY_ROUTING_KEY not in notice


def test_a_rejected_event_is_reported(bench: DeliveryBench) -> None:
    assert bench.send(make_event(EventAction.TRIGGER, severity="catastrophic")).failed == 1
    assert "payload.severity" in bench.texts(PLATFORM_CHANNEL)[0]


def test_a_catalog_that_is_down_only_delays_a_page(bench: DeliveryBench) -> None:
    bench.services.catalog_error = ServiceError("Backstage did not respond", kind=ErrorKind.CONNECTION, permanent=False)
    assert bench.send(make_event(EventAction.TRIGGER, dedup_key="d1")).rescheduled == 1
    bench.services.catalog_error = None
    assert bench.deliver(MINUTE).sent == 1
    assert bench.incidents() == [("d1", "triggered")]


class PlainSealer:
    """Encrypts nothing: these tests check only where a key is looked up."""

    def seal(self, key: RoutingKey) -> bytes:
        return key.reveal().encode()

    def open(self, sealed: bytes) -> RoutingKey | None:
        return None if sealed == b"under another secret" else RoutingKey(sealed.decode())


@pytest.mark.parametrize(
    ("sealed", "known"),
    [(PlainSealer().seal(ROUTING_KEY), {}), (b"under another secret", {ROUTING_KEY.fingerprint: ROUTING_KEY})],
    ids=["a sealed key needs neither settings nor catalog", "one sealed with another secret is looked up elsewhere"],
)
def test_a_routing_key_is_found(bench: DeliveryBench, sealed: bytes, known: dict[str, RoutingKey]) -> None:
    bench.services.known_keys, bench.services.sealer = known, PlainSealer()
    with bench.store.transaction() as t:
        t.sealed_keys.put(ROUTING_KEY.fingerprint, sealed)
    bench.send(make_event(EventAction.TRIGGER, dedup_key="d1"))
    assert bench.incidents() == [("d1", "triggered")]


def test_no_secret_is_in_any_problem_or_row(bench: DeliveryBench) -> None:
    for service in ("slack", "pagerduty"):
        bench.simulator.add_fault(service, status=403, body=f"you sent {SLACK_BOT_TOKEN} and {PAGERDUTY_ROUTING_KEY}")
    delivered = bench.send(make_message("k1"), make_event(EventAction.TRIGGER))
    with bench.store.reading() as t:
        rows = repr(t.outbox.listing())
    for secret in (SLACK_BOT_TOKEN, PAGERDUTY_ROUTING_KEY, PAGERDUTY_ROUTING_KEY[-6:]):
        assert secret not in repr(delivered)
        assert secret not in rows
