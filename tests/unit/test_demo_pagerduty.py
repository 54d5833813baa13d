"""The preview of an incident shows every field of its events, escaped, and separates one incident from the next."""

from datetime import datetime, timedelta, timezone

import pytest

from cli.demo_pagerduty import IncidentPreview, ReceivedEvent, incidents_of

AT = datetime(2026, 11, 3, 7, 16, tzinfo=timezone.utc)


def received(action: str, *, minutes: int = 0, **payload: object) -> ReceivedEvent:
    event = {"event_action": action, "dedup_key": "demo:a", "routing_key": "r" * 32, "payload": payload or None}
    return ReceivedEvent(at=AT + timedelta(minutes=minutes), event=event)


TRIGGER = received(
    "trigger", summary="<b>", severity="error", custom_details={"do now": "one\ntwo", "raw": {"kills": 4}, "odd": [1, None]}
)


def preview(*events: ReceivedEvent) -> IncidentPreview:
    return IncidentPreview(events=events, zone="Europe/Madrid", target=lambda address: address)


def test_details_are_shown_in_order_and_escaped() -> None:
    shown = preview(TRIGGER).details
    assert [shown.index(text) for text in ("do now", "one<br>two", "the numbers", "none")] == sorted(
        shown.index(text) for text in ("do now", "one<br>two", "the numbers", "none")
    )


@pytest.mark.parametrize(
    ("last", "status"), [("trigger", "Triggered"), ("acknowledge", "Acknowledged"), ("resolve", "Resolved"), ("x", "x")]
)
def test_the_status_is_that_of_the_last_event(last: str, status: str) -> None:
    assert preview(TRIGGER, received(last, summary="later")).status == status


def test_instants_are_those_of_the_people_on_call() -> None:
    assert preview(TRIGGER).format(AT).endswith("08:16 CET")


def test_a_trigger_after_a_resolve_is_another_incident() -> None:
    events = [
        TRIGGER,
        received("resolve", minutes=1),
        received("trigger", minutes=2, summary="again"),
        received("resolve", minutes=3),
    ]
    assert [len(one) for one in incidents_of(events)] == [2, 2]
    assert [len(one) for one in incidents_of([received("resolve"), *events[:1]])] == [1]


def test_the_client_address_is_a_link_once() -> None:
    event = {
        **TRIGGER.event,
        "client": "scaleops-worker",
        "client_url": "http://a/1",
        "links": [{"href": "http://a/2", "text": "two"}],
    }
    assert preview(ReceivedEvent(at=AT, event=event)).links == [("View in scaleops-worker", "http://a/1"), ("two", "http://a/2")]
