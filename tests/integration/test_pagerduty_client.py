"""The PagerDuty client against the simulated Events API, over real sockets."""

from datetime import datetime, timedelta, timezone

import pytest

from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.pagerduty.client import PagerDutyClient
from domain.component import RoutingKey
from domain.messages import Json
from simulator.credentials import PAGERDUTY_ROUTING_KEY
from simulator.serving import Simulator

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
KEY = RoutingKey(PAGERDUTY_ROUTING_KEY)
OTHER_KEY = RoutingKey("o" * 32)


@pytest.fixture
def pagerduty(simulator: Simulator) -> PagerDutyClient:
    simulator.state.clock.set(NOW)
    return PagerDutyClient(events_url=simulator.pagerduty_url, pause_s=0.01)


def trigger(dedup_key: str = "d1", **payload: Json) -> dict[str, Json]:
    body: dict[str, Json] = {"summary": "checkout is starved", "source": "checkout", "severity": "critical", **payload}
    return {"event_action": "trigger", "dedup_key": dedup_key, "payload": body}


def resolve(dedup_key: str = "d1") -> dict[str, Json]:
    return {"event_action": "resolve", "dedup_key": dedup_key}


def statuses(simulator: Simulator) -> list[str]:
    return [incident["status"] for incident in simulator.state.pagerduty.incidents]


def test_an_incident_opens_deduplicates_and_resolves(pagerduty: PagerDutyClient, simulator: Simulator) -> None:
    assert pagerduty.send(KEY, trigger()) == "d1"
    pagerduty.send(KEY, trigger())
    assert statuses(simulator) == ["triggered"]
    simulator.state.clock.set(NOW + timedelta(hours=1))
    pagerduty.send(KEY, resolve())
    (incident,) = simulator.state.pagerduty.incidents
    assert incident["triggers"] == 2
    assert incident["opened_at"] < incident["resolved_at"]


def test_after_a_resolve_a_trigger_opens_another_incident(pagerduty: PagerDutyClient, simulator: Simulator) -> None:
    for event in (trigger(), resolve(), trigger()):
        pagerduty.send(KEY, event)
    assert statuses(simulator) == ["resolved", "triggered"]


def test_a_resolve_with_another_routing_key_has_no_effect(pagerduty: PagerDutyClient, simulator: Simulator) -> None:
    pagerduty.send(KEY, trigger())
    pagerduty.send(OTHER_KEY, resolve())
    assert statuses(simulator) == ["triggered"]


def test_an_acknowledged_incident_stays_open(pagerduty: PagerDutyClient, simulator: Simulator) -> None:
    pagerduty.send(KEY, trigger())
    pagerduty.send(KEY, {"event_action": "acknowledge", "dedup_key": "d1"})
    assert statuses(simulator) == ["acknowledged"]


def test_the_event_is_sent_unchanged(pagerduty: PagerDutyClient, simulator: Simulator) -> None:
    event = trigger(custom_details={"workloads": ["a", "b"]})
    before = dict(event)
    pagerduty.send(KEY, event)
    assert simulator.state.pagerduty.events[0]["event"] == {**event, "routing_key": PAGERDUTY_ROUTING_KEY}
    assert event == before


@pytest.mark.parametrize(
    "event",
    [
        trigger(severity="catastrophic"),
        trigger(summary="s" * 1025),
        trigger(source=""),
        trigger(custom_details="x" * 512_000),
        trigger("d" * 256),
        {"event_action": "trigger", "dedup_key": "d1"},
        {"event_action": "snooze", "dedup_key": "d1"},
        {"event_action": "resolve"},
        {**trigger(), "images": [{"src": "http://example.com/x.png"}]},
    ],
)
def test_an_invalid_event_is_a_rejected_payload(pagerduty: PagerDutyClient, simulator: Simulator, event: dict[str, Json]) -> None:
    with pytest.raises(PayloadRejected) as error:
        pagerduty.send(KEY, event)
    assert error.value.permanent
    assert not simulator.state.pagerduty.events


@pytest.mark.parametrize("key", [RoutingKey("short"), OTHER_KEY])
def test_a_bad_routing_key_is_a_rejected_recipient_and_not_shown(
    pagerduty: PagerDutyClient, simulator: Simulator, key: RoutingKey
) -> None:
    simulator.state.pagerduty.known_keys = frozenset({PAGERDUTY_ROUTING_KEY})
    with pytest.raises(RecipientRejected) as error:
        pagerduty.send(key, trigger())
    assert key.reveal() not in f"{error.value!r}{error.value.__context__!r}"


@pytest.mark.parametrize("status", [401, 403])
def test_an_unauthorised_event_is_a_rejected_recipient(pagerduty: PagerDutyClient, simulator: Simulator, status: int) -> None:
    simulator.plan_fault("pagerduty", status=status)
    with pytest.raises(RecipientRejected) as error:
        pagerduty.send(KEY, trigger())
    assert error.value.kind is ErrorKind.AUTH
    assert PAGERDUTY_ROUTING_KEY[-4:] not in str(error.value)


@pytest.mark.parametrize(("headers", "wait_s"), [({"Retry-After": "12"}, 12), ({}, 60), ({"Retry-After": "later"}, 60)])
def test_a_429_is_reported_at_once(
    pagerduty: PagerDutyClient, simulator: Simulator, headers: dict[str, str], wait_s: float
) -> None:
    simulator.plan_fault("pagerduty", status=429, headers=headers)
    with pytest.raises(ServiceError) as error:
        pagerduty.send(KEY, trigger())
    assert (error.value.kind, error.value.retry_after_s, error.value.permanent) == (ErrorKind.THROTTLED, wait_s, False)
    assert simulator.state.calls["pagerduty"].total() == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_temporary_error_is_retried_and_then_reported(pagerduty: PagerDutyClient, simulator: Simulator, status: int) -> None:
    simulator.plan_fault("pagerduty", status=status, times=2)
    assert pagerduty.send(KEY, trigger()) == "d1"
    simulator.plan_fault("pagerduty", status=status)
    with pytest.raises(ServiceError, match=str(status)) as error:
        pagerduty.send(KEY, trigger())
    assert not error.value.permanent
    assert simulator.state.calls["pagerduty"].total() == 6


def test_a_lost_response_is_retried_and_opens_one_incident(pagerduty: PagerDutyClient, simulator: Simulator) -> None:
    simulator.plan_fault("pagerduty", mode="accept-then-drop", times=1)
    pagerduty.send(KEY, trigger())
    assert statuses(simulator) == ["triggered"]
    assert len(simulator.state.pagerduty.events) == 2


@pytest.mark.parametrize("mode", ["drop", "accept-then-drop", "html", "truncated", "empty", "redirect"])
def test_an_unusable_response_is_temporary(pagerduty: PagerDutyClient, simulator: Simulator, mode: str) -> None:
    simulator.plan_fault("pagerduty", mode=mode)
    with pytest.raises(ServiceError) as error:
        pagerduty.send(KEY, trigger())
    assert not error.value.permanent
    assert error.value.outcome_unknown
    assert simulator.state.calls["pagerduty"].total() <= 3


def test_a_refused_connection_is_temporary(free_port: int) -> None:
    pagerduty = PagerDutyClient(events_url=f"http://127.0.0.1:{free_port}", pause_s=0.01)
    with pytest.raises(ServiceError) as error:
        pagerduty.send(KEY, trigger())
    assert error.value.kind is ErrorKind.CONNECTION
    assert not error.value.permanent


def test_a_change_event_is_sent_to_its_own_endpoint_and_refused_like_an_event(
    simulator: Simulator, pagerduty: PagerDutyClient
) -> None:
    change: dict[str, Json] = {"payload": {"summary": "automation switched on", "source": "x"}, "links": []}
    pagerduty.send_change(KEY, change)
    assert [one["event"] for one in simulator.state.pagerduty.changes] == [{**change, "routing_key": PAGERDUTY_ROUTING_KEY}]
    with pytest.raises(PayloadRejected, match="too long"):
        pagerduty.send_change(KEY, {"payload": {"summary": "s" * 1025}})
