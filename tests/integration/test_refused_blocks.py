"""A workspace that does not know charts or tables: refused once, remembered, tried again later, and said why."""

from datetime import timedelta
from typing import Any

import pytest

from domain.block_refusals import REFUSAL_TTL
from domain.messages import EventAction, Json, Message, Rendering, Variant
from store.queries.outbox_rows import DeliveryAttempt
from tests.factories import TEAM_CHANNEL, make_message, make_text
from tests.integration.delivery_bench import DeliveryBench
from tests.integration.history_sample import run
from tests.stage_factories import make_history_context

CELL: Json = {"type": "raw_text", "text": "cell"}
TABLE: Json = {"type": "table", "rows": [[CELL]]}
SECTION: Json = {"type": "section", "text": {"type": "plain_text", "text": "cell"}}
POINTER = "unsupported type: table [json-pointer:/blocks/0/type]"


@pytest.fixture
def bench(bench: DeliveryBench) -> DeliveryBench:
    bench.simulator.state.slack.unsupported_blocks = frozenset({"table"})
    return bench


def report(key: str, *blocks: Json, **changes: Any) -> Message:
    native = Rendering(variant=Variant.NATIVE, payload={"text": key, "blocks": list(blocks or (TABLE,))})
    basic = Rendering(variant=Variant.BLOCKS, payload={"text": key, "blocks": [SECTION]})
    return make_message(key, renderings=(native, basic, make_text(key)), **changes)


def posts(bench: DeliveryBench) -> int:
    return bench.simulator.state.calls["slack"]["POST /api/chat.postMessage"]


def attempts(bench: DeliveryBench, key: str) -> tuple[DeliveryAttempt, ...]:
    with bench.store.reading() as t:
        return t.outbox.deliveries_of(key)


def test_a_refusal_is_met_once_and_its_pointer_is_kept_with_every_message(bench: DeliveryBench) -> None:
    bench.send(report("k1"))
    assert posts(bench) == 2
    bench.send(report("k2"))
    assert posts(bench) == 3, "the second is sent without tables at once"
    for key in ("k1", "k2"):
        (attempt,) = attempts(bench, key)
        assert attempt.variant is Variant.BLOCKS
        assert POINTER in attempt.detail
    assert "not sent, because workspace T0SIM refused table blocks on" in attempts(bench, "k2")[0].detail


def test_a_refusal_expires_and_the_native_form_is_tried_again(bench: DeliveryBench) -> None:
    bench.send(report("k1"))
    bench.simulator.state.slack.unsupported_blocks = frozenset()
    bench.clock.advance(REFUSAL_TTL - timedelta(seconds=1))
    bench.send(make_later(bench, "k2"))
    bench.clock.advance(timedelta(seconds=1))
    bench.send(make_later(bench, "k3"))
    assert [attempts(bench, key)[0].variant for key in ("k2", "k3")] == [Variant.BLOCKS, Variant.NATIVE]
    assert attempts(bench, "k3")[0].detail == ""


def make_later(bench: DeliveryBench, key: str, **changes: Any) -> Message:
    now = bench.clock()
    return report(key, created_at=now, expires_at=now + timedelta(hours=1), **changes)


def test_a_refusal_of_another_workspace_does_not_count(bench: DeliveryBench) -> None:
    bench.send(report("k1"))
    bench.simulator.state.slack.unsupported_blocks = frozenset()
    with bench.store.transaction() as t:
        (refusal,) = t.block_refusals.valid_at(bench.clock())
        assert refusal.workspace == "T0SIM"
    bench.simulator.state.slack.team_id = "T0OTHER"
    other = DeliveryBench(bench.simulator, bench.store)
    other.send(report("k2"))
    assert attempts(bench, "k2")[0].variant is Variant.NATIVE


def test_what_is_wrong_with_one_message_is_not_remembered(bench: DeliveryBench) -> None:
    bench.simulator.state.slack.unsupported_blocks = frozenset()
    bench.send(report("k1", {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}))
    assert attempts(bench, "k1")[0].variant is Variant.BLOCKS
    bench.send(report("k2"))
    assert attempts(bench, "k2")[0].variant is Variant.NATIVE


def test_an_update_is_sent_in_the_known_form(bench: DeliveryBench) -> None:
    bench.send(report("a1", stream="a", number=1))
    bench.send(report("a2", stream="a", number=2, action=EventAction.UPDATE, thread_of="a1"))
    assert bench.simulator.state.calls["slack"]["POST /api/chat.update"] == 1
    assert attempts(bench, "a2")[0].variant is Variant.BLOCKS


def test_a_workspace_that_does_not_say_who_it_is_still_gets_its_messages(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="auth.test", status=500)
    bench.send(report("k1"), report("k2"))
    assert bench.texts(TEAM_CHANNEL) == ["k1", "k2"]
    assert posts(bench) == 4, "nothing is known, so each is refused first"


def test_explain_delivery_says_which_form_was_sent_and_why(bench: DeliveryBench) -> None:
    bench.send(report("k1", about="platform"))
    answer = run(make_history_context(bench.store, bench.clock()), "explain_delivery", about="k1")
    assert answer["messages"][0]["attempts"][0]["detail"] == answer["explanation"][-1]
    assert POINTER in answer["explanation"][-1]
    assert answer["explanation"][-1].startswith("It was sent as blocks. native: Slack rejected chat.postMessage")
