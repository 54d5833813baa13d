"""Messages that a channel refuses: the next rendering, the platform channel, and what is reported."""

import pytest

from domain.messages import DeliveryStatus, Json, Rendering, Variant
from domain.routes import RoutePolicy
from tests.factories import TEAM_CHANNEL, make_message, make_text, make_too_large
from tests.integration.delivery_bench import DeliveryBench
from tests.stage_factories import ARCHIVED_CHANNEL, OTHER_CHANNEL, PLATFORM_CHANNEL, make_stage_context


def test_after_a_rejected_rendering_the_next_is_sent(bench: DeliveryBench) -> None:
    bench.send(make_message("k1", renderings=(make_too_large("native"), make_text("in plain words"))))
    assert bench.texts(TEAM_CHANNEL) == ["in plain words"]
    with bench.store.reading() as t:
        (delivery,) = t.outbox.deliveries_of("k1")
    assert delivery.variant is Variant.TEXT


def test_a_message_without_an_accepted_rendering_is_reported(bench: DeliveryBench) -> None:
    delivered = bench.send(make_message("k1", renderings=(make_too_large("a"), make_too_large("b"))))
    assert (delivered.failed, delivered.sent) == (1, 1)
    (notice,) = bench.texts(PLATFORM_CHANNEL)
    assert TEAM_CHANNEL in notice
    assert "invalid_blocks" in notice
    assert bench.entry("k1").status is DeliveryStatus.FAILED


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


def test_a_fallback_shows_the_reason_above_its_blocks(bench: DeliveryBench) -> None:
    block: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
    native = Rendering(variant=Variant.NATIVE, payload={"text": "hello", "blocks": [block]})
    bench.send(make_message("k1", target=ARCHIVED_CHANNEL, renderings=(native,)))
    (shown,) = bench.simulator.state.slack.messages
    assert f"<#{ARCHIVED_CHANNEL}>" in shown["blocks"][0]["text"]["text"]
    assert "is_archived" in shown["blocks"][1]["elements"][0]["text"]
    assert shown["blocks"][2:] == [block]


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
