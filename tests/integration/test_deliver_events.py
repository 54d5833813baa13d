"""PagerDuty events in the deliver stage: order, retries and routing keys."""

import pytest

from clients.http.errors import ErrorKind, ServiceError
from domain.component import RoutingKey
from domain.messages import EventAction
from simulator.credentials import PAGERDUTY_ROUTING_KEY
from tests.factories import NOW, ROUTING_KEY, make_event
from tests.integration.delivery_bench import MINUTE, SECOND, DeliveryBench
from tests.stage_factories import PLATFORM_CHANNEL


def test_a_page_opens_an_incident_and_its_resolve_closes_it(bench: DeliveryBench) -> None:
    trigger, resolve = make_event(EventAction.TRIGGER, 1, dedup_key="d1"), make_event(EventAction.RESOLVE, 2, dedup_key="d1")
    bench.send(trigger)
    assert bench.incidents() == [("d1", "triggered")]
    bench.send(resolve)
    assert bench.incidents() == [("d1", "resolved")]


def test_a_trigger_superseded_by_its_resolve_is_never_sent(bench: DeliveryBench) -> None:
    assert bench.send(make_event(EventAction.TRIGGER, 1), make_event(EventAction.RESOLVE, 2)).cancelled == 2
    assert bench.simulator.state.pagerduty.events == []


def test_an_event_without_a_response_is_sent_again_with_the_same_key(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("pagerduty", mode="accept-then-drop", times=3)
    bench.put(make_event(EventAction.TRIGGER, dedup_key="d1"))
    assert bench.deliver().rescheduled == 1
    assert bench.deliver(MINUTE).sent == 1
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
    assert "call the person on call: dedup key d1." in notice
    assert "resolve it by hand: dedup key d2." in notice
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
