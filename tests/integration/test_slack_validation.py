"""`blocks.validate`: what Slack would refuse of a message, by pointer, without posting it."""

import pytest

from clients.http.errors import ServiceError
from clients.slack.client import SlackClient
from domain.messages import Json
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.serving import Simulator


@pytest.fixture
def slack(simulator: Simulator) -> SlackClient:
    return SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=simulator.slack_url, timeout_s=2)


DIVIDER: Json = {"type": "divider"}


@pytest.mark.parametrize(
    ("blocks", "problems"),
    [
        ([DIVIDER], []),
        ([DIVIDER, {"type": "header", "text": {"type": "plain_text", "text": ""}}], ["/blocks/1/text/text: must be more than 0"]),
        ([{"type": "carousel3"}], ["/blocks/0/type: unsupported type: carousel3"]),
        ([DIVIDER] * 51, ["/blocks: no more than 50 items allowed"]),
    ],
)
def test_the_problems_of_a_message_are_returned_and_nothing_is_posted(
    slack: SlackClient, simulator: Simulator, blocks: list[Json], problems: list[str]
) -> None:
    found = [str(problem) for problem in slack.validate({"text": "x", "blocks": blocks, "mrkdwn": False})]
    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))
    assert simulator.state.slack.messages == []


def test_a_text_alone_is_valid(slack: SlackClient) -> None:
    assert slack.validate({"text": "x"}) == ()


def test_what_is_no_validation_is_an_error(slack: SlackClient, simulator: Simulator) -> None:
    simulator.add_fault("slack", status=200, body={"ok": False, "error": "invalid_auth"})
    with pytest.raises(ServiceError, match="invalid_auth"):
        slack.validate({"text": "x"})
