"""A deliver stage with a simulated Slack and PagerDuty, and what it has sent."""

from collections.abc import Mapping
from datetime import timedelta

from domain.messages import DeliveryStatus, Message
from simulator.serving import Simulator
from store import Store
from store.queries.outbox_rows import OutboxRecord
from tasks.deliver.stage import DeliverResult, deliver
from tests.factories import NOW
from tests.stage_factories import CHANNELS, ManualClock, make_delivery_services, make_stage_context, message_counts, posted_texts

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
            return message_counts(t)

    def texts(self, channel: str) -> list[str]:
        return posted_texts(self.simulator, channel)

    def incidents(self) -> list[tuple[str, str]]:
        return [(incident["dedup_key"], incident["status"]) for incident in self.simulator.state.pagerduty.incidents]
