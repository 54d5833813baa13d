"""The Slack client against the simulated Slack, over real sockets."""

from datetime import datetime, timedelta, timezone
from inspect import signature

import pytest
from slack_sdk import WebClient

from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.slack.client import SlackClient
from domain.messages import Json
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.serving import Simulator

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
CHANNEL = "C0123"
DIVIDER: Json = {"type": "divider"}


@pytest.fixture
def slack(simulator: Simulator) -> SlackClient:
    simulator.state.clock.set(NOW)
    simulator.state.slack.channels = {
        CHANNEL: {"name": "payments"},
        "C0OLD": {"name": "old", "is_archived": True},
        "C0FAR": {"name": "far", "is_member": False},
    }
    return SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=simulator.slack_url, timeout_s=2)


def payload_of(text: str, *blocks: Json) -> dict[str, Json]:
    return {"text": text, "blocks": list(blocks)} if blocks else {"text": text}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def header(text: str) -> Json:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def table(*, rows: int = 1, cells: int = 1, text: str = "x") -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * cells] * rows}


def test_a_post_returns_its_message_and_has_our_metadata(slack: SlackClient, simulator: Simulator) -> None:
    posted = slack.post(CHANNEL, payload_of("hello", section("*hello*")), thread_ts=None, message_key="k1")
    (message,) = simulator.state.slack.messages
    assert (posted.channel, posted.ts) == (CHANNEL, message["ts"])
    assert message["metadata"] == {"event_type": "scaleops_worker", "event_payload": {"instance": "test", "key": "k1"}}
    assert message["unfurl_links"] is False
    assert message["unfurl_media"] is False
    assert message["client_msg_id"]


def test_the_client_msg_id_follows_the_key(slack: SlackClient, simulator: Simulator) -> None:
    for key in ("k1", "k1", "k2"):
        slack.post(CHANNEL, payload_of("hello"), thread_ts=None, message_key=key)
    first, again, other = (message["client_msg_id"] for message in simulator.state.slack.messages)
    assert first == again != other


def test_time_stamps_are_unique_under_a_frozen_clock(slack: SlackClient) -> None:
    stamps = [slack.post(CHANNEL, payload_of("hello"), thread_ts=None, message_key=f"k{number}").ts for number in range(5)]
    assert sorted(set(stamps)) == stamps


def test_a_post_may_reply_in_a_thread(slack: SlackClient, simulator: Simulator) -> None:
    parent = slack.post(CHANNEL, payload_of("report"), thread_ts=None, message_key="k1")
    slack.post(CHANNEL, payload_of("details"), thread_ts=parent.ts, message_key="k2")
    assert simulator.state.slack.messages[1]["thread_ts"] == parent.ts


def test_a_payload_without_text_is_not_sent(slack: SlackClient, simulator: Simulator) -> None:
    with pytest.raises(PayloadRejected, match="no text"):
        slack.post(CHANNEL, {"blocks": [section("x")]}, thread_ts=None, message_key="k1")
    assert not simulator.state.calls["slack"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (payload_of("x", *[DIVIDER] * 51), "invalid_blocks"),
        (payload_of("x", header("h" * 151)), "invalid_blocks"),
        (payload_of("x", section("s" * 3001)), "invalid_blocks"),
        (payload_of("x", section("")), "invalid_blocks"),
        (payload_of("x", {"type": "section", "fields": [{"type": "mrkdwn", "text": "f"}] * 11}), "invalid_blocks"),
        (payload_of("x", table(rows=101)), "invalid_blocks"),
        (payload_of("x", table(cells=21)), "invalid_blocks"),
        (payload_of("x", table(text="")), "invalid_blocks"),
        (payload_of("x", table(), table()), "only_one_table_allowed"),
        (payload_of("x", {"type": "mystery"}), "invalid_blocks"),
        (payload_of("x", *[section("s" * 2700)] * 5), "msg_blocks_too_long"),
    ],
)
def test_a_payload_beyond_slacks_limits_is_rejected(slack: SlackClient, payload: dict[str, Json], code: str) -> None:
    with pytest.raises(PayloadRejected, match=code) as error:
        slack.post(CHANNEL, payload, thread_ts=None, message_key="k1")
    assert error.value.permanent
    assert not error.value.outcome_unknown


@pytest.mark.parametrize(
    "payload",
    [
        payload_of("x", *[DIVIDER] * 50),
        payload_of("x", header("h" * 150)),
        payload_of("x", section("s" * 3000)),
        payload_of("x", {"type": "section", "fields": [{"type": "mrkdwn", "text": "f"}] * 10}),
        payload_of("x", table(rows=100, cells=20)),
        payload_of("x", *[section("s" * 2600)] * 5),
    ],
)
def test_a_payload_at_slacks_limits_is_accepted(slack: SlackClient, payload: dict[str, Json]) -> None:
    assert slack.post(CHANNEL, payload, thread_ts=None, message_key="k1").ts


def test_a_very_long_text_is_truncated_by_slack(slack: SlackClient, simulator: Simulator) -> None:
    slack.post(CHANNEL, payload_of("x" * 40_001), thread_ts=None, message_key="k1")
    assert len(simulator.state.slack.messages[0]["text"]) == 40_000


@pytest.mark.parametrize(
    ("channel", "thread_ts", "code"),
    [
        ("C0NONE", None, "channel_not_found"),
        ("C0OLD", None, "is_archived"),
        ("C0FAR", None, "not_in_channel"),
        (CHANNEL, "1.000001", "thread_not_found"),
    ],
)
def test_an_unusable_channel_or_thread_is_a_rejected_recipient(
    slack: SlackClient, channel: str, thread_ts: str | None, code: str
) -> None:
    with pytest.raises(RecipientRejected, match=code) as error:
        slack.post(channel, payload_of("x"), thread_ts=thread_ts, message_key="k1")
    assert error.value.permanent


def test_a_wrong_token_is_an_auth_error_that_does_not_show_it(simulator: Simulator) -> None:
    slack = SlackClient(token="xoxb-wrong-secret", instance="test", base_url=simulator.slack_url)
    with pytest.raises(ServiceError, match="invalid_auth") as error:
        slack.probe()
    assert error.value.kind is ErrorKind.AUTH
    assert error.value.permanent
    assert "xoxb" not in f"{error.value!r} {error.value.__cause__} {error.value.__context__!r}"


@pytest.mark.parametrize(("headers", "wait_s"), [({"Retry-After": "7"}, 7), ({}, 30), ({"Retry-After": "soon"}, 30)])
def test_a_429_has_its_retry_after_and_is_not_retried(
    slack: SlackClient, simulator: Simulator, headers: dict[str, str], wait_s: float
) -> None:
    simulator.plan_fault("slack", status=429, headers=headers, body={"ok": False, "error": "ratelimited"})
    with pytest.raises(ServiceError) as error:
        slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k1")
    assert (error.value.kind, error.value.retry_after_s) == (ErrorKind.THROTTLED, wait_s)
    assert not error.value.permanent
    assert error.value.outcome_unknown
    assert simulator.state.calls["slack"].total() == 1


@pytest.mark.parametrize(
    ("fault", "outcome_unknown"),
    [
        *[({"status": status}, True) for status in (404, 413, 429, 500, 502, 503, 504)],
        *[({"mode": mode}, True) for mode in ("redirect", "html", "truncated", "cut", "empty", "drop", "accept-then-drop")],
        *[({"body": {"ok": False, "error": code}}, True) for code in ("internal_error", "fatal_error", "something_new", None)],
        ({"status": 503, "body": {"ok": False, "error": "service_unavailable"}}, True),
        ({"status": 503, "body": {"ok": False, "error": "ratelimited"}}, False),
        ({"status": 200, "body": {"ok": True}}, True),
        ({"status": 200, "body": [1, 2]}, True),
        ({"status": 200, "body": {"ok": False, "error": "ratelimited"}}, False),
    ],
)
def test_only_a_refusal_of_slack_says_that_the_message_has_not_arrived(
    slack: SlackClient, simulator: Simulator, fault: dict[str, object], *, outcome_unknown: bool
) -> None:
    simulator.plan_fault("slack", **fault)
    with pytest.raises(ServiceError) as error:
        slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k1")
    assert not error.value.permanent
    assert error.value.outcome_unknown is outcome_unknown
    assert simulator.state.calls["slack"].total() == 1
    assert SLACK_BOT_TOKEN not in str(error.value)


def test_a_response_that_is_too_large_has_an_unknown_outcome(slack: SlackClient, simulator: Simulator) -> None:
    simulator.plan_fault("slack", mode="huge", megabytes=9)
    with pytest.raises(ServiceError, match="more than 8192 KiB") as error:
        slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k1")
    assert error.value.outcome_unknown


def test_a_time_out_has_an_unknown_outcome(simulator: Simulator) -> None:
    slack = SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=simulator.slack_url, timeout_s=1)
    simulator.plan_fault("slack", mode="slow", delay_s=3)
    with pytest.raises(ServiceError) as error:
        slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k1")
    assert error.value.kind is ErrorKind.CONNECTION
    assert error.value.outcome_unknown


def test_a_refused_connection_has_a_known_outcome(free_port: int) -> None:
    slack = SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=f"http://127.0.0.1:{free_port}/api/")
    with pytest.raises(ServiceError) as error:
        slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k1")
    assert error.value.kind is ErrorKind.CONNECTION
    assert not error.value.outcome_unknown


def test_a_lost_message_is_found_by_its_key(slack: SlackClient, simulator: Simulator) -> None:
    simulator.plan_fault("slack", mode="accept-then-drop", times=1)
    with pytest.raises(ServiceError):
        slack.post(CHANNEL, payload_of("lost"), thread_ts=None, message_key="k1")
    slack.post(CHANNEL, payload_of("other"), thread_ts=None, message_key="k2")
    found = slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY)
    assert found is not None
    assert found.ts == simulator.state.slack.messages[0]["ts"]


def test_a_lost_reply_is_found_in_its_thread_only(slack: SlackClient) -> None:
    parent = slack.post(CHANNEL, payload_of("report"), thread_ts=None, message_key="k1")
    reply = slack.post(CHANNEL, payload_of("details"), thread_ts=parent.ts, message_key="k2")
    assert slack.find_by_metadata(CHANNEL, "k2", thread_ts=parent.ts, posted_within=DAY) == reply
    assert slack.find_by_metadata(CHANNEL, "k2", thread_ts=None, posted_within=DAY) is None


def test_a_message_that_was_not_posted_is_absent(slack: SlackClient) -> None:
    slack.post(CHANNEL, payload_of("other"), thread_ts=None, message_key="k2")
    assert slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY) is None


def test_a_message_of_another_installation_does_not_match(simulator: Simulator, slack: SlackClient) -> None:
    other = SlackClient(token=SLACK_BOT_TOKEN, instance="elsewhere", base_url=simulator.slack_url)
    other.post(CHANNEL, payload_of("theirs"), thread_ts=None, message_key="k1")
    assert slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY) is None


def test_every_page_is_read_before_a_message_is_absent(slack: SlackClient, simulator: Simulator) -> None:
    first = slack.post(CHANNEL, payload_of("first"), thread_ts=None, message_key="k1")
    fill(simulator, 450)
    assert slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY) == first
    assert slack.find_by_metadata(CHANNEL, "k0", thread_ts=None, posted_within=DAY) is None
    assert simulator.state.calls["slack"]["POST /api/conversations.history"] == 6


def test_a_channel_with_too_many_messages_is_an_error(slack: SlackClient, simulator: Simulator) -> None:
    fill(simulator, 2001)
    with pytest.raises(ServiceError, match="more than 2000"):
        slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY)


def test_a_failed_page_is_an_error(slack: SlackClient, simulator: Simulator) -> None:
    fill(simulator, 250)
    simulator.plan_fault("slack", route="conversations.history", status=500, after=1)
    with pytest.raises(ServiceError, match="500"):
        slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY)


def test_own_messages_without_metadata_are_an_error(slack: SlackClient, simulator: Simulator) -> None:
    slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k2")
    del simulator.state.slack.messages[0]["metadata"]
    with pytest.raises(ServiceError, match="no metadata"):
        slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=DAY)


def test_messages_before_the_period_are_ignored(slack: SlackClient, simulator: Simulator) -> None:
    slack.post(CHANNEL, payload_of("old"), thread_ts=None, message_key="k1")
    simulator.state.clock.set(NOW + timedelta(minutes=2))
    assert slack.find_by_metadata(CHANNEL, "k1", thread_ts=None, posted_within=timedelta(minutes=1)) is None


def test_the_probe_returns_the_bot(slack: SlackClient) -> None:
    assert slack.probe().bot_id == "B0BOT"


def test_a_strict_channel_accepts_one_message_per_second(slack: SlackClient, simulator: Simulator) -> None:
    simulator.state.slack.is_rate_limit_strict = True
    slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k1")
    with pytest.raises(ServiceError) as error:
        slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k2")
    assert error.value.retry_after_s == 1
    simulator.state.clock.set(NOW + timedelta(seconds=1))
    assert slack.post(CHANNEL, payload_of("x"), thread_ts=None, message_key="k2").ts


def test_slack_sdk_sends_through_the_private_method_that_we_override() -> None:
    """Contract: pyproject bounds slack-sdk below the next minor version because of this member."""
    method = WebClient._perform_urllib_http_request_internal
    assert list(signature(method).parameters) == ["self", "url", "req"]
    assert WebClient.api_call.__module__ == method.__module__


def fill(simulator: Simulator, count: int) -> None:
    start = int(NOW.timestamp())
    simulator.state.slack.messages += [
        {"type": "message", "channel": CHANNEL, "user": "U0HUMAN", "text": "lunch?", "ts": f"{start}.{number + 10:06d}"}
        for number in range(count)
    ]
