"""A deliver stage in a process of its own, which may be told to die in the middle of a send.

Arguments: JSON with `database`, `slack`, `pagerduty`, `now`, and `dies`: never, before or after the first post.
It says `ready`, waits for a line, delivers, and says how many messages it sent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime

from clients.slack import PostedMessage, SlackClient
from domain.messages import Json
from simulator.credentials import SLACK_BOT_TOKEN
from store import Store
from tasks.deliver.stage import deliver
from tests.integration.telling import Clock, outside_at, parts_of


class MortalSlack(SlackClient):
    """Slack as seen by a process that is killed around its first post."""

    dies = "never"

    def post(self, channel: str, payload: Mapping[str, Json], *, thread_ts: str | None, message_key: str) -> PostedMessage:
        """Post, unless killed before; come back, unless killed after."""
        if self.dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        posted = super().post(channel, payload, thread_ts=thread_ts, message_key=message_key)
        if self.dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return posted


def main() -> None:
    """Deliver once."""
    asked = json.loads(sys.argv[1])
    services = outside_at(slack_url=asked["slack"], pagerduty_url=asked["pagerduty"])
    services.slack = MortalSlack(token=SLACK_BOT_TOKEN, instance="test", base_url=asked["slack"])
    services.slack.dies = asked["dies"]
    store = Store.open(asked["database"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    delivered = deliver(parts_of(store, services, Clock(now=datetime.fromisoformat(asked["now"]))))
    sys.stdout.write(f"{delivered.sent}\n")
    store.close()


if __name__ == "__main__":
    main()
