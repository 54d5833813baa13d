"""What is cancelled when a resolve is queued after its unsent trigger."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messages import DeliveryStatus, EventAction, EventStatus, resolve_to_repeat, superseded


def stream(*events: str) -> list[EventStatus]:
    """Write events as `trigger sent`, `resolve pending`, `trigger pending 2` (sent twice)."""
    statuses = []
    for number, event in enumerate(events):
        action, status, attempts = (*event.split(), "0")[:3]
        tried = int(attempts) or (0 if status in {"pending", "cancelled"} else 1)
        statuses.append(EventStatus(key=str(number), action=EventAction(action), status=DeliveryStatus(status), attempts=tried))
    return statuses


@pytest.mark.parametrize(
    ("events", "cancelled"),
    [
        ([], ()),
        (["trigger pending"], ()),
        (["resolve pending"], ()),
        (["trigger sent", "resolve pending"], ()),
        (["trigger pending", "resolve pending"], ("0", "1")),
        (["trigger pending", "trigger pending", "resolve pending"], ("0", "1", "2")),
        (["trigger pending", "acknowledge pending", "resolve pending"], ("0", "1", "2")),
        # it may have opened an incident: no further page, but what may be open is resolved
        (["trigger pending 2", "resolve pending"], ("0",)),
        (["trigger sent", "trigger pending", "resolve pending"], ("1",)),
        (["trigger unknown", "trigger pending", "resolve pending"], ("1",)),
        (["trigger expired", "trigger pending", "resolve pending"], ("1",)),
        # nothing is open: the last incident was resolved, or PagerDuty rejected it
        (["trigger sent", "resolve sent", "trigger pending", "resolve pending"], ("2", "3")),
        (["trigger failed", "trigger pending", "resolve pending"], ("1", "2")),
        (["trigger cancelled", "resolve cancelled", "trigger pending", "resolve pending"], ("2", "3")),
        # a resolve that was sent may have resolved something; it stays
        (["trigger pending", "resolve pending 1"], ("0",)),
        # a new trigger after the resolve stays
        (["trigger pending", "resolve pending", "trigger pending"], ("0", "1")),
        (["trigger leased", "resolve pending"], ()),
        # two incidents whose triggers and resolves all wait
        (["trigger pending", "resolve pending", "trigger pending", "resolve pending"], ("0", "1", "2", "3")),
    ],
)
def test_a_resolve_cancels_the_pending_triggers_before_it(events: list[str], cancelled: tuple[str, ...]) -> None:
    assert superseded(stream(*events)) == cancelled


EVENTS = st.builds(
    lambda action, status, attempts: EventStatus(
        key="", action=action, status=status, attempts=attempts if status is DeliveryStatus.PENDING else 1
    ),
    st.sampled_from(list(EventAction)[1:]),
    st.sampled_from([DeliveryStatus.PENDING, DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.EXPIRED]),
    st.integers(0, 2),
)
STREAMS = st.lists(EVENTS, max_size=12).map(lambda events: [replace(one, key=str(n)) for n, one in enumerate(events)])


@given(STREAMS)
def test_an_incident_that_may_be_open_keeps_its_resolve(statuses: list[EventStatus]) -> None:
    cancelled = set(superseded(statuses))
    may_be_open = False
    for event in statuses:
        if event.action is EventAction.RESOLVE:
            if event.status is DeliveryStatus.PENDING and may_be_open:
                assert event.key not in cancelled
            if event.status is DeliveryStatus.SENT:
                may_be_open = False
        elif event.status is DeliveryStatus.SENT or (event.attempts and event.status is not DeliveryStatus.FAILED):
            may_be_open = True


@given(STREAMS)
def test_only_pending_events_are_cancelled(statuses: list[EventStatus]) -> None:
    by_key = {one.key: one for one in statuses}
    assert all(by_key[key].status is DeliveryStatus.PENDING for key in superseded(statuses))


@pytest.mark.parametrize(
    ("later", "again"),
    [
        ("", None),
        ("resolve:sent", "0"),
        ("resolve:leased", "0"),
        ("resolve:unknown", "0"),
        ("resolve:pending", None),
        ("resolve:cancelled", None),
        ("resolve:failed", None),
        ("resolve:sent trigger:sent", None),
        ("resolve:sent trigger:pending", "0"),
        ("resolve:sent trigger:sent resolve:sent", "2"),
        ("acknowledge:sent", None),
    ],
)
def test_which_resolve_is_sent_again(later: str, again: str | None) -> None:
    events = []
    for number, event in enumerate(later.split()):
        action, status = event.split(":")
        attempts = 0 if status in {"pending", "cancelled"} else 1
        events.append(EventStatus(key=str(number), action=EventAction(action), status=DeliveryStatus(status), attempts=attempts))
    assert resolve_to_repeat(events) == again
