"""What follows the first Slack message of an alert: updates of it, and replies for what is worth another look."""

import pytest

from alerts.lifecycle import Notice, Paging
from alerts.states import NoticeKind, SlackPost
from domain.messages import Channel, EventAction, Message
from reports import notices
from reports.alert_replies import alert_reply, status_messages
from simulator.blocks import check_blocks
from tests.unit.alert_scenario import ALERT, AlertScenario, clear, finding, met, sweep
from tests.unit.test_notices import CONTEXT, opening, posted

ROOT = notices.key_of(ALERT, 2, Channel.SLACK)
POST = SlackPost(target="C1", route="the default", root=ROOT)
NOW = sweep(3)


def resolved() -> Notice:
    alert = AlertScenario()
    alert.observe(met(1))
    alert.observe(clear(2))
    return alert.observe(clear(3))[0]


def changed() -> Notice:
    alert = AlertScenario()
    alert.observe(met(1, finding("api", kills=1)))
    return alert.observe(met(2, finding("api", kills=1), finding("worker", kills=4)))[0]


def reply_of(notice: Notice, *, root: str = ROOT, has_paged: bool = False) -> Message | None:
    post = SlackPost(target="C1", route="the default", root=root)
    return alert_reply(notice, number=5, post=post, now=NOW, has_paged=has_paged)


def test_a_later_notice_updates_the_alerts_message() -> None:
    message = notices.slack_notice(resolved(), CONTEXT, number=5, post=POST, now=NOW)
    assert (message.action, message.thread_of, message.stream) == (EventAction.UPDATE, ROOT, posted(opening()).stream)


def test_a_message_that_is_not_the_alerts_own_is_never_updated() -> None:
    post = SlackPost(target="C1", route="the default", root="summary:many:group:default/payments:C1:2026-09-07T06:00Z:slack")
    message = notices.slack_notice(resolved(), CONTEXT, number=5, post=post, now=NOW)
    assert (message.action, message.thread_of) == (EventAction.POST, post.root)
    assert reply_of(resolved(), root=post.root) is None
    (reply,) = status_messages(ALERT, "Acknowledged by ana.", number=6, post=post, shown=None, now=NOW)
    assert reply.thread_of == post.root


def test_an_opening_has_no_reply() -> None:
    assert reply_of(opening(), root=notices.key_of(ALERT, 5, Channel.SLACK)) is None


@pytest.mark.parametrize(
    ("notice", "has_paged", "text"),
    [
        (resolved(), False, "Resolved after 12 hours. Cleared in 2 consecutive checks."),
        (changed(), False, "Changed: east/shop/Deployment/worker joined."),
        (changed(), True, "Paged the on-call engineer: east/shop/Deployment/worker joined."),
    ],
)
def test_what_matters_is_a_short_reply_and_a_page_is_shown_in_the_channel(notice: Notice, has_paged: bool, text: str) -> None:  # noqa: FBT001
    reply = reply_of(notice, has_paged=has_paged)
    assert reply is not None
    (rendering,) = reply.renderings
    assert rendering.payload["text"] == text
    assert rendering.payload.get("reply_broadcast", False) is has_paged
    assert (reply.thread_of, reply.action) == (ROOT, EventAction.POST)


def test_a_repeat_edits_without_a_reply() -> None:
    notice = opening()
    repeated = type(notice)(**{name: getattr(notice, name) for name in notice.__slots__} | {"kind": NoticeKind.REPEATED})
    assert repeated.paging is Paging.TRIGGER
    assert reply_of(repeated, has_paged=True) is None


def test_what_a_person_did_is_shown_once_below_the_title() -> None:
    shown = posted(opening("<api>"), links=(("Open in ScaleOps", "https://x/y"),))
    for sentence in ("Snoozed by bo.", "Acknowledged by ana & co."):
        shown, reply = status_messages(ALERT, sentence, number=6, post=POST, shown=shown, now=NOW)
    blocks = shown.renderings[0].payload["blocks"]
    check_blocks(blocks)
    assert isinstance(blocks, list)
    said = [block for block in blocks if isinstance(block, dict) and block.get("block_id") == "alert_status"]
    assert said == [blocks[1]]
    assert "Acknowledged by ana & co." in str(said)
    for rendering in (*shown.renderings, *reply.renderings):
        assert "Acknowledged by ana &amp; co." in str(rendering.payload["text"])
    assert (shown.action, shown.thread_of, shown.number) == (EventAction.UPDATE, ROOT, 6)
