"""Notices to the platform channel about undelivered messages."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from simulator.blocks import check_blocks
from tasks.deliver import undeliverable
from tests.factories import NOW, make_message

BLOCK: Json = {"type": "divider"}
MESSAGE = make_message(
    "report:weekly:payments:2026-W47:slack:1",
    target="C0123",
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
    action=EventAction.RESOLVE,
    renderings=(Rendering(variant=Variant.NATIVE, payload={"event_action": "resolve", "dedup_key": "test:rule:<x>"}),),
)


def text_of(message: Message) -> str:
    return str(message.renderings[0].payload["text"])


def test_a_fallback_has_the_reason_in_every_rendering() -> None:
    fallback = undeliverable.to_platform_channel(MESSAGE, channel="C0PLATFORM", reason="Slack says: is_archived", now=NOW)
    native, plain = fallback.renderings
    assert fallback.target == "C0PLATFORM"
    for rendering in (native, plain):
        assert "C0123" in str(rendering.payload["text"])
        assert "is_archived" in str(rendering.payload["text"])
    blocks = native.payload["blocks"]
    assert isinstance(blocks, list)
    assert blocks[2:] == [BLOCK]
    assert "<#C0123>" in str(blocks[0]), "Slack shows the name of the channel"
    assert "is_archived" in str(blocks[1])
    assert "blocks" not in plain.payload


def test_a_fallback_has_a_day_to_arrive() -> None:
    assert undeliverable.to_platform_channel(MESSAGE, channel="C0PLATFORM", reason="", now=NOW).expires_at == NOW + timedelta(
        days=1
    )


def test_notices_are_not_about_notices() -> None:
    notices = [
        undeliverable.to_platform_channel(MESSAGE, channel="C", reason="", now=NOW),
        undeliverable.failed_notice(MESSAGE, attempt=1, channel="C", reason="", runbook="docs/runbooks/x.md", now=NOW),
        undeliverable.unknown_notice(MESSAGE, attempt=1, channel="C", reason="", runbook="docs/runbooks/x.md", now=NOW),
        undeliverable.expired_notice([MESSAGE], channel="C", runbook="docs/runbooks/x.md", now=NOW),
    ]
    assert all(map(undeliverable.is_meta_notice, notices))
    assert not undeliverable.is_meta_notice(MESSAGE)


def test_names_from_the_catalog_are_escaped() -> None:
    for notice in (
        undeliverable.failed_notice(MESSAGE, attempt=1, channel="C", reason="<!channel>", runbook="docs/runbooks/x.md", now=NOW),
        undeliverable.unknown_notice(MESSAGE, attempt=1, channel="C", reason="<!channel>", runbook="docs/runbooks/x.md", now=NOW),
        undeliverable.failed_notice(RESOLVE, attempt=1, channel="C", reason="<!channel>", runbook="docs/runbooks/x.md", now=NOW),
        undeliverable.expired_notice(
            [RESOLVE, replace(MESSAGE, reason="<!channel>")], channel="C", runbook="docs/runbooks/x.md", now=NOW
        ),
        undeliverable.to_platform_channel(MESSAGE, channel="C", reason="<!channel>", now=NOW),
    ):
        assert "<" not in text_of(notice)
        assert "&lt;" in text_of(notice)
        blocks: Any = notice.renderings[0].payload["blocks"]
        check_blocks(blocks)
        marked = [one["text"]["text"] for one in blocks if one["type"] == "section" and one["text"]["type"] == "mrkdwn"]
        assert not any("channel>" in text or "here" in text for text in marked), "only our own text is markup"


def test_a_failed_resolve_names_the_incident_to_close() -> None:
    notice = undeliverable.failed_notice(
        RESOLVE, attempt=1, channel="C", reason="the key is gone", runbook="docs/runbooks/x.md", now=NOW
    )
    assert "resolve it by hand: dedup key test:rule:&lt;x&gt;." in text_of(notice)


def test_each_failure_of_a_message_has_its_own_notice() -> None:
    keys = {
        undeliverable.failed_notice(MESSAGE, attempt=attempt, channel="C", reason="", runbook="docs/runbooks/x.md", now=NOW).key
        for attempt in (1, 1, 2)
    }
    assert len(keys) == 2


def test_many_expired_messages_are_one_notice_that_counts() -> None:
    many = [replace(MESSAGE, key=f"k{number}") for number in range(undeliverable.MAX_LISTED + 5)]
    assert "25 messages expired" in text_of(
        undeliverable.expired_notice(many, channel="C", runbook="docs/runbooks/x.md", now=NOW)
    )
    assert "and 5 more" in text_of(undeliverable.expired_notice(many, channel="C", runbook="docs/runbooks/x.md", now=NOW))
    assert "One message expired" in text_of(
        undeliverable.expired_notice(many[:1], channel="C", runbook="docs/runbooks/x.md", now=NOW)
    )


def test_a_long_reason_is_shortened() -> None:
    assert (
        len(
            text_of(
                undeliverable.failed_notice(
                    MESSAGE, attempt=1, channel="C", reason="w" * 100_000, runbook="docs/runbooks/x.md", now=NOW
                )
            )
        )
        < 3000
    )
