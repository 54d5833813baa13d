"""`blocks.validate`: what Slack would refuse of a message, by pointer, without posting it."""

import pytest

from cli.slack_validation import ValidatedMessages, validate_messages
from clients.http.errors import ServiceError
from clients.slack.client import SlackClient
from domain.messages import Json, Rendering, Variant
from reports.builders.report import build_team_report
from reports.render.slack import render_slack
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.serving import Simulator
from tests.unit.report_samples import rich_facts


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


def test_a_report_is_validated_in_the_form_in_which_it_is_sent(slack: SlackClient, simulator: Simulator) -> None:
    messages = render_slack(build_team_report(rich_facts()))
    assert validate_messages(slack, messages) == ValidatedMessages(refused=(), simpler=())
    simulator.state.slack.unsupported_blocks = frozenset({"data_visualization", "table"})
    checked = validate_messages(slack, messages)
    assert checked.refused == ()
    assert [line.rpartition(": ")[2] for line in checked.simpler] == ["data_visualization", "table", "table"]


def test_an_invalid_block_is_refused_whatever_simpler_form_there_is(slack: SlackClient) -> None:
    native = Rendering(variant=Variant.NATIVE, payload={"text": "x", "blocks": [{"type": "section"}]})
    text = Rendering(variant=Variant.TEXT, payload={"text": "x"})
    (line,) = validate_messages(slack, [(native, text)]).refused
    assert line.startswith("message 1, /blocks/0: ")
