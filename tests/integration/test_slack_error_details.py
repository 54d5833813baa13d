"""A rejected message keeps what Slack says about it: which block, and why."""

import pytest

from clients.http.errors import PayloadRejected
from clients.slack.client import SlackClient
from domain.messages import Json
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.serving import Simulator


@pytest.mark.parametrize("block", [{"type": "section"}, {"type": "no_such_block"}])
def test_the_pointer_to_the_invalid_block_is_in_the_message(simulator: Simulator, block: dict[str, Json]) -> None:
    slack = SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=simulator.slack_url)
    with pytest.raises(PayloadRejected, match=r"invalid_blocks \(.*/blocks/1"):
        slack.post("C0GENERAL01", {"text": "hello", "blocks": [{"type": "divider"}, block]}, thread_ts=None, message_key="k")
