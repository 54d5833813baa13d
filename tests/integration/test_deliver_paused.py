"""A sender that is paused while another one takes over its message: nothing is sent twice, and no incident stays open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from clients.http.client import TimeLeft, unlimited
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import PostedMessage, SlackClient
from domain.component import RoutingKey
from domain.messages import DeliveryStatus, EventAction, Json
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.serving import Simulator
from store import Store
from tasks.context import StageContext
from tasks.deliver.stage import LEASE, MIN_ATTEMPT_S, SEND_TIMEOUT_S, deliver
from tests.factories import NOW, make_event, make_message
from tests.stage_factories import CHANNELS, ManualClock, make_delivery_services, make_stage_context, message_counts, posted_texts

PAUSE = timedelta(seconds=125)
TRIGGER = make_event(EventAction.TRIGGER, 1, dedup_key="d1")
RESOLVE = make_event(EventAction.RESOLVE, 2, dedup_key="d1")


class Pausing:
    """Pauses the process once, right before or right after an attempt has looked at its lease."""

    def __init__(self, meanwhile: Callable[[], None], *, attempt: int, after_look: bool) -> None:
        self._meanwhile, self._attempt, self._after_look = meanwhile, attempt, after_look

    def __call__(self, time_left: TimeLeft) -> TimeLeft:
        def paused() -> float:
            self._attempt -= 1
            if self._attempt != 0:
                return time_left()
            if self._after_look:
                left_s = time_left()
                self._meanwhile()
                return left_s
            self._meanwhile()
            return time_left()

        return paused


class PausedPagerDuty(PagerDutyClient):
    pause: Pausing

    def send(self, routing_key: RoutingKey, event: Mapping[str, Json], *, time_left: TimeLeft = unlimited) -> str:
        return super().send(routing_key, event, time_left=self.pause(time_left))


class PausedSlack(SlackClient):
    pause: Pausing

    def post(
        self,
        channel: str,
        payload: Mapping[str, Json],
        *,
        thread_ts: str | None,
        message_key: str,
        time_left: TimeLeft = unlimited,
    ) -> PostedMessage:
        left = self.pause(time_left)
        return super().post(channel, payload, thread_ts=thread_ts, message_key=message_key, time_left=left)


class TwoSenders:
    """A sender that is paused, and another one with the same store and clock."""

    def __init__(self, simulator: Simulator, store: Store) -> None:
        simulator.state.clock.set(NOW)
        simulator.state.slack.channels = CHANNELS
        self.simulator, self.store, self.clock = simulator, store, ManualClock(NOW, simulator)
        self.other = self._context()
        self.paused = self._context()

    def _context(self) -> StageContext:
        services = make_delivery_services(slack_url=self.simulator.slack_url, pagerduty_url=self.simulator.pagerduty_url)
        return make_stage_context(self.store, self.clock, services)

    def pause(self, *, attempt: int, after_look: bool, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let the paused sender deliver; during its pause the other one takes over."""

        def take_over() -> None:
            self.clock.advance(PAUSE)
            deliver(self.other)
            meanwhile()

        pausing = Pausing(take_over, attempt=attempt, after_look=after_look)
        pagerduty = PausedPagerDuty(events_url=self.simulator.pagerduty_url, pause_s=0.01)
        slack = PausedSlack(token=SLACK_BOT_TOKEN, instance="test", base_url=self.simulator.slack_url)
        pagerduty.pause = slack.pause = pausing
        services = replace(self.paused.services, pagerduty=pagerduty, slack=slack)  # type: ignore[type-var]  # a dataclass
        deliver(replace(self.paused, services=services))

    def put_and_deliver(self, *messages: object) -> None:
        with self.store.transaction() as t:
            t.outbox.put(messages)  # type: ignore[arg-type]
        deliver(self.other)

    def incidents(self) -> list[str]:
        return [incident["status"] for incident in self.simulator.state.pagerduty.incidents]


@pytest.fixture
def senders(simulator: Simulator, store: Store) -> TwoSenders:
    return TwoSenders(simulator, store)


def test_a_paused_retry_is_not_sent_after_the_lease_was_taken(senders: TwoSenders) -> None:
    senders.simulator.plan_fault("pagerduty", status=502, times=1)
    with senders.store.transaction() as t:
        t.outbox.put([TRIGGER])
    senders.pause(attempt=2, after_look=False, meanwhile=lambda: senders.put_and_deliver(RESOLVE))
    assert senders.incidents() == ["resolved"]
    assert [event["event"]["event_action"] for event in senders.simulator.state.pagerduty.events] == ["trigger", "resolve"]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_trigger_after_its_resolve_is_resolved_again(senders: TwoSenders, attempt: int) -> None:
    senders.simulator.plan_fault("pagerduty", status=502, times=attempt - 1)
    with senders.store.transaction() as t:
        t.outbox.put([TRIGGER])
    senders.pause(attempt=attempt, after_look=True, meanwhile=lambda: senders.put_and_deliver(RESOLVE))
    deliver(senders.other)
    assert senders.incidents() == ["resolved", "resolved"]
    with senders.store.reading() as t:
        assert message_counts(t) == {DeliveryStatus.SENT: 2}


def test_a_late_trigger_before_its_resolve_changes_nothing(senders: TwoSenders) -> None:
    with senders.store.transaction() as t:
        t.outbox.put([TRIGGER])
    senders.pause(attempt=1, after_look=True)
    assert deliver(senders.other).sent == 0
    assert senders.incidents() == ["triggered"]


def test_a_paused_post_is_not_sent_after_the_lease_was_taken(senders: TwoSenders) -> None:
    with senders.store.transaction() as t:
        t.outbox.put([make_message("k1")])
    senders.pause(attempt=1, after_look=False)
    assert posted_texts(senders.simulator) == ["content of k1"]


def test_a_lease_outlasts_every_attempt_of_a_send_and_is_taken_over_soon_after() -> None:
    """An attempt may still run this long after the last look, and a killed sender delays a page by two minutes."""
    assert timedelta(seconds=SEND_TIMEOUT_S + MIN_ATTEMPT_S) < LEASE <= timedelta(minutes=2)
