"""A deliver stage in its own process, which can be killed during a send.

Arguments: JSON with `database`, `slack`, `pagerduty`, `now`, and `dies`: never, before or after the first post.
It prints `ready`, waits for a line, delivers, and prints how many messages it sent.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime

from clients.http.client import TimeLeft, unlimited
from clients.slack.client import PostedMessage, SlackClient
from domain.messages import Json
from simulator.credentials import SLACK_BOT_TOKEN
from store import Store
from tasks.deliver.stage import deliver
from tests.stage_factories import make_delivery_services, make_stage_context


class CrashingSlack(SlackClient):
    """A client whose process is killed before or after its first post."""

    dies = "never"

    def post(
        self,
        channel: str,
        payload: Mapping[str, Json],
        *,
        thread_ts: str | None,
        message_key: str,
        time_left: TimeLeft = unlimited,
    ) -> PostedMessage:
        """Post, unless killed before; return, unless killed after."""
        if self.dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        posted = super().post(channel, payload, thread_ts=thread_ts, message_key=message_key, time_left=time_left)
        if self.dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return posted


def main() -> None:
    options = json.loads(sys.argv[1])
    services = make_delivery_services(slack_url=options["slack"], pagerduty_url=options["pagerduty"])
    services.slack = CrashingSlack(token=SLACK_BOT_TOKEN, instance="test", base_url=options["slack"])
    services.slack.dies = options["dies"]
    store = Store.open(options["database"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    delivered = deliver(make_stage_context(store, datetime.fromisoformat(options["now"]), services))
    sys.stdout.write(f"{delivered.sent}\n")
    store.close()


if __name__ == "__main__":
    main()
