"""What the platform channel is told about messages that did not go where they should."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from tasks.deliver.undeliverable import LISTED, expired_notice, failed_notice, fallback_of, tells_of_another, unknown_notice

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
BLOCK: Json = {"type": "divider"}
MESSAGE = Message(
    key="report:weekly:payments:2026-W47:slack:1",
    stream="report:weekly:payments:2026-W47",
    number=1,
    channel=Channel.SLACK,
    target="C0123",
    act=EventAction.POST,
    thread_of=None,
    about="group:default/<!here>",
    reason="it is due & late",
    renderings=(
        Rendering(variant=Variant.NATIVE, payload={"text": "words", "blocks": [BLOCK]}),
        Rendering(variant=Variant.TEXT, payload={"text": "words"}),
    ),
    created_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(hours=1),
)
RESOLVE = replace(
    MESSAGE,
    key="alert:a:2:pagerduty",
    channel=Channel.PAGERDUTY,
    act=EventAction.RESOLVE,
    renderings=(Rendering(variant=Variant.NATIVE, payload={"event_action": "resolve", "dedup_key": "test:rule:<x>"}),),
)


def words(message: Message) -> str:
    return str(message.renderings[0].payload["text"])


def test_a_fallback_says_why_in_every_form() -> None:
    fallback = fallback_of(MESSAGE, channel="C0PLATFORM", why="Slack says: is_archived", now=NOW)
    native, plain = fallback.renderings
    assert fallback.target == "C0PLATFORM"
    for rendering in (native, plain):
        assert "C0123" in str(rendering.payload["text"])
        assert "is_archived" in str(rendering.payload["text"])
    blocks = native.payload["blocks"]
    assert isinstance(blocks, list)
    assert blocks[1:] == [BLOCK]
    assert "is_archived" in str(blocks[0])
    assert "blocks" not in plain.payload


def test_a_fallback_has_a_day_to_arrive() -> None:
    assert fallback_of(MESSAGE, channel="C0PLATFORM", why="", now=NOW).expires_at == NOW + timedelta(days=1)


def test_notices_are_not_about_notices() -> None:
    told = [
        fallback_of(MESSAGE, channel="C", why="", now=NOW),
        failed_notice(MESSAGE, attempt=1, channel="C", why="", now=NOW),
        unknown_notice(MESSAGE, attempt=1, channel="C", why="", now=NOW),
        expired_notice([MESSAGE], channel="C", now=NOW),
    ]
    assert all(map(tells_of_another, told))
    assert not tells_of_another(MESSAGE)


def test_names_from_outside_are_never_markup() -> None:
    for notice in (
        failed_notice(MESSAGE, attempt=1, channel="C", why="<!channel>", now=NOW),
        unknown_notice(MESSAGE, attempt=1, channel="C", why="<!channel>", now=NOW),
        failed_notice(RESOLVE, attempt=1, channel="C", why="<!channel>", now=NOW),
        expired_notice([RESOLVE, replace(MESSAGE, reason="<!channel>")], channel="C", now=NOW),
        fallback_of(MESSAGE, channel="C", why="<!channel>", now=NOW),
    ):
        assert "<" not in words(notice)
        assert "&lt;" in words(notice)


def test_a_resolve_that_is_lost_names_the_incident_to_close() -> None:
    notice = failed_notice(RESOLVE, attempt=1, channel="C", why="the key is gone", now=NOW)
    assert "resolve it by hand: dedup key `test:rule:&lt;x&gt;`" in words(notice)


def test_each_failure_of_a_message_is_told_anew() -> None:
    keys = {failed_notice(MESSAGE, attempt=attempt, channel="C", why="", now=NOW).key for attempt in (1, 1, 2)}
    assert len(keys) == 2


def test_many_expired_messages_are_one_notice_that_counts() -> None:
    many = [replace(MESSAGE, key=f"k{number}") for number in range(LISTED + 5)]
    assert "25 messages were" in words(expired_notice(many, channel="C", now=NOW))
    assert "and 5 more" in words(expired_notice(many, channel="C", now=NOW))
    assert "One message was" in words(expired_notice(many[:1], channel="C", now=NOW))


def test_a_long_reason_is_cut() -> None:
    assert len(words(failed_notice(MESSAGE, attempt=1, channel="C", why="w" * 100_000, now=NOW))) < 3000
