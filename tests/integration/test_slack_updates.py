"""Messages that are edited as what they are about goes on: in place, in order, and never twice when an edit or its response is lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.messages import Channel, DeliveryStatus, EventAction, Json, Message, Rendering, Variant
from tasks.deliver.stage import LEASE
from tests.factories import NOW, TEAM_CHANNEL, make_message, make_text
from tests.integration.delivery_bench import MINUTE, DeliveryBench
from tests.stage_factories import PLATFORM_CHANNEL

GONE = ["message_not_found", "cant_update_message", "edit_window_closed"]


def root() -> Message:
    block: Json = {"type": "section", "text": {"type": "plain_text", "text": "opened"}}
    native = Rendering(variant=Variant.NATIVE, payload={"text": "opened", "blocks": [block], "mrkdwn": False})
    return make_message("a1", stream="a", number=1, renderings=(native, make_text("opened")))


def update(number: int, text: str = "changed") -> Message:
    changed = (make_text(text),)
    return make_message(f"a{number}", stream="a", number=number, action=EventAction.UPDATE, thread_of="a1", renderings=changed)


def reply(number: int) -> Message:
    return make_message(f"a{number}:reply", thread_of="a1", renderings=(make_text("a reply"),))


def archive_the_team_channel(bench: DeliveryBench) -> None:
    bench.simulator.state.slack.channels = {**bench.simulator.state.slack.channels, TEAM_CHANNEL: {"is_archived": True}}


def test_an_update_edits_its_message_and_removes_what_it_no_longer_has(bench: DeliveryBench) -> None:
    bench.send(root(), update(2), reply(2))
    message, said = bench.simulator.state.slack.messages
    assert (message["text"], "blocks" in message) == ("changed", False)
    assert message["metadata"]["event_payload"]["key"] == "a1"
    assert said["thread_ts"] == message["ts"]
    assert bench.simulator.state.calls["slack"]["POST /api/chat.update"] == 1


def test_only_the_newest_of_several_unsent_updates_is_sent(bench: DeliveryBench) -> None:
    assert bench.send(root(), update(2, "older"), update(3, "newest")).cancelled == 1
    assert bench.texts(TEAM_CHANNEL) == ["newest"]
    assert [one["text"] for one in bench.simulator.state.slack.received] == ["opened", "newest"]


@pytest.mark.parametrize("code", GONE)
def test_a_message_that_cannot_be_edited_is_replaced_once_and_the_new_one_is_edited(bench: DeliveryBench, code: str) -> None:
    bench.send(root())
    bench.simulator.add_fault("slack", route="chat.update", status=200, body={"ok": False, "error": code}, times=1)
    bench.send(update(2, "second"))
    bench.send(update(3, "third"), reply(3))
    first, new, said = bench.simulator.state.slack.messages
    assert (first["text"], new["text"]) == ("opened", "third")
    assert new.get("thread_ts") is None
    assert [one["metadata"]["event_payload"]["key"] for one in (first, new)] == ["a1", "a2"]
    assert said["thread_ts"] == new["ts"]
    with bench.store.reading() as t:
        (attempt,) = t.outbox.deliveries_of("a2")
    assert code in attempt.detail


def test_an_update_of_a_message_that_never_arrived_is_posted(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", status=200, body={"ok": False, "error": "msg_too_long"}, times=2)
    bench.send(root())
    bench.send(update(2), update(3, "latest"))
    assert bench.texts(TEAM_CHANNEL) == ["latest"]


@pytest.mark.parametrize("mode", ["drop", "accept-then-drop", "cut"])
def test_an_update_without_a_response_is_repeated_and_nothing_is_posted(bench: DeliveryBench, mode: str) -> None:
    bench.send(root())
    bench.simulator.add_fault("slack", route="chat.update", mode=mode, times=1)
    assert bench.send(update(2)).rescheduled == 1
    assert bench.deliver(MINUTE).sent == 1
    assert bench.texts(TEAM_CHANNEL) == ["changed"]


@pytest.mark.parametrize("between", [None, {"status": 503}, {"status": 200, "body": {"ok": False, "error": "invalid_auth"}}])
def test_a_replacement_without_a_response_is_looked_up_before_it_is_posted_again(
    bench: DeliveryBench, between: dict[str, object] | None
) -> None:
    bench.send(root())
    bench.simulator.state.slack.messages[0]["bot_id"] = "B0OTHER"  # cant_update_message from now on
    bench.simulator.add_fault("slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    assert bench.send(update(2)).unknown == 1
    if between is not None:
        bench.simulator.add_fault("slack", route="chat.update", times=1, **between)
        bench.deliver(MINUTE)
    for _ in range(3):
        bench.deliver(10 * MINUTE)
    assert bench.texts(TEAM_CHANNEL) == ["opened", "changed"]
    assert bench.entry("a2").status is DeliveryStatus.SENT


@pytest.mark.parametrize("arrived", [False, True])
def test_an_update_whose_process_died_is_repeated(bench: DeliveryBench, *, arrived: bool) -> None:
    bench.send(root())
    bench.put(update(2))
    with bench.store.transaction() as t:
        claim = t.outbox.claim_due(NOW, channel=Channel.SLACK, lease=LEASE, owner="a process that died")
    assert claim is not None
    assert claim.thread is not None
    if arrived:
        bench.simulator.state.slack.messages[0]["text"] = "changed"
    bench.deliver(LEASE)
    assert bench.texts(TEAM_CHANNEL) == ["changed"]
    assert bench.entry("a2").status is DeliveryStatus.SENT


def test_an_update_waits_for_its_message(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    bench.send(root(), update(2))
    assert bench.simulator.state.calls["slack"]["POST /api/chat.update"] == 0
    bench.deliver(MINUTE)
    assert bench.texts(TEAM_CHANNEL) == ["changed"]


def test_an_update_of_a_fallback_edits_the_fallback(bench: DeliveryBench) -> None:
    archive_the_team_channel(bench)
    bench.send(root())
    bench.send(update(2))
    assert bench.texts(PLATFORM_CHANNEL) == ["changed"]


def test_an_update_in_an_archived_channel_goes_to_the_platform_channel(bench: DeliveryBench) -> None:
    bench.send(root())
    archive_the_team_channel(bench)
    bench.send(replace(update(2), expires_at=NOW + timedelta(hours=1)))
    (text,) = bench.texts(PLATFORM_CHANNEL)
    assert text.endswith("changed")


def test_why_a_richer_form_was_refused_is_kept_with_slacks_pointer(bench: DeliveryBench) -> None:
    chart = Rendering(variant=Variant.NATIVE, payload={"text": "x", "blocks": [{"type": "chart_of_tomorrow"}]})
    bench.send(make_message("k1", renderings=(chart, make_text("x"))))
    with bench.store.reading() as t:
        (attempt,) = t.outbox.deliveries_of("k1")
    assert attempt.variant is Variant.TEXT
    assert "json-pointer:/blocks/0/type" in attempt.detail
    assert bench.entry("k1").last_error is None
