"""Retrying by hand: to where a message would go today, and never a part of a thread without its beginning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.messages import DeliveryStatus, EventAction
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from simulator.serving import Simulator
from store import Store
from tasks.context import StageContext
from tasks.deliver.retrying import retry
from tasks.deliver.stage import deliver
from tests.factories import NOW, PAYMENTS, make_component, make_event, make_message
from tests.services.commands import Run
from tests.stage_factories import (
    PLATFORM_CHANNEL,
    ManualClock,
    make_delivery_services,
    make_stage_context,
    message_counts,
    record_listing,
)

WRONG, RIGHT = "C0WRONG", "C0RIGHT"
SHOP = make_component("shop", team=PAYMENTS)


class RetryBench:
    """A deliver stage whose configuration is corrected after the messages were rejected."""

    def __init__(self, simulator: Simulator, store: Store) -> None:
        simulator.state.clock.set(NOW)
        simulator.state.slack.channels = {RIGHT: {}, PLATFORM_CHANNEL: {}}
        self.simulator, self.store, self.clock = simulator, store, ManualClock(NOW, simulator)
        self.services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
        with store.transaction() as t:
            record_listing(t, [SHOP], [], as_of=NOW)

    def context(self, channel: str) -> StageContext:
        routes = RoutePolicy(platform_channel=PLATFORM_CHANNEL, slack_by_team={PAYMENTS: channel})
        return make_stage_context(self.store, self.clock, self.services, routes=routes)

    def fail(self, *messages: object) -> None:
        with self.store.transaction() as t:
            t.outbox.put(messages)  # type: ignore[arg-type]
        deliver(self.context(WRONG))
        self.simulator.state.slack.messages.clear()

    def retry(self, key: str) -> tuple[str, ...]:
        requeued = retry(self.context(RIGHT), key)
        deliver(self.context(RIGHT))
        return requeued

    def posts(self) -> list[tuple[str, str, bool]]:
        """Return channel, text and whether it is in a thread, of each message."""
        messages = self.simulator.state.slack.messages
        return [(message["channel"], message["text"], "thread_ts" in message) for message in messages]


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> RetryBench:
    return RetryBench(simulator, store)


@pytest.mark.parametrize("about", [str(PAYMENTS), str(SHOP.ref)])
def test_a_message_goes_to_the_corrected_channel(bench: RetryBench, about: str) -> None:
    bench.fail(make_message("k1", target=WRONG, about=about))
    assert bench.retry("k1") == (f"k1 to {RIGHT}",)
    assert bench.posts() == [(RIGHT, "content of k1", False)]


def test_a_part_of_a_thread_is_preceded_by_its_beginning(bench: RetryBench) -> None:
    bench.simulator.add_fault(
        "slack", route="chat.postMessage", contains='"k2"', status=200, body={"ok": False, "error": "no_text"}
    )
    bench.fail(
        make_message("k1", target=WRONG, stream="r"), make_message("k2", target=WRONG, stream="r", number=2, thread_of="k1")
    )
    bench.simulator.state.faults = []
    with bench.store.reading() as t:
        assert message_counts(t)[DeliveryStatus.FAILED] == 2
    assert bench.retry("k1") == (f"k1 to {RIGHT}",)
    assert bench.retry("k2") == (f"k2 to {RIGHT}",)
    assert bench.posts() == [(RIGHT, "content of k1", False), (RIGHT, "content of k2", True)]


def test_the_beginning_is_requeued_with_its_part(bench: RetryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", status=200, body={"ok": False, "error": "msg_too_long"})
    bench.fail(
        make_message("k1", target=WRONG, stream="r"), make_message("k2", target=WRONG, stream="r", number=2, thread_of="k1")
    )
    bench.simulator.state.faults = []
    assert bench.retry("k2") == (f"k1 to {RIGHT}", f"k2 to {RIGHT}")
    assert bench.posts() == [(RIGHT, "content of k1", False), (RIGHT, "content of k2", True)]
    assert bench.retry("k2") == ()
    assert bench.retry("nothing") == ()


def test_what_is_for_the_platform_team_stays_there(bench: RetryBench) -> None:
    unmeasured = make_message(f"alert:unmeasured:{SHOP.ref}:1:slack", target=WRONG, about=str(SHOP.ref))
    notice = make_message("watch:1", target=WRONG, about="platform")
    bench.fail(unmeasured, notice)
    for message in (unmeasured, notice):
        assert bench.retry(message.key) == (f"{message.key} to {PLATFORM_CHANNEL}",)


def test_an_event_keeps_the_key_that_its_resolve_will_have(bench: RetryBench) -> None:
    bench.simulator.state.pagerduty.known_keys = frozenset()
    event = make_event(EventAction.TRIGGER, dedup_key="d1")
    bench.fail(replace(event, about=str(SHOP.ref)))
    assert bench.retry(event.key) == (f"{event.key} to {event.target}",)


def test_the_command_says_where_it_goes(run: Run, sqlite_url: str, simulator: Simulator) -> None:
    with_store = Store.open(sqlite_url)
    with with_store.transaction() as t:
        t.outbox.put([make_message("k1", target=WRONG, about=str(EntityRef.parse("group:default/elsewhere")))])
    with_store.close()
    ran = run("outbox", "retry", "k1", DATABASE_URL=sqlite_url, SLACK_DEFAULT_CHANNEL=RIGHT)
    assert (ran.status, ran.out.strip()) == (0, f"k1 to {RIGHT} will be sent by the next deliver")
    assert run("outbox", "retry", "k9", DATABASE_URL=sqlite_url).status == 1
    assert not simulator.state.calls["slack"]
