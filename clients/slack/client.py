"""Post a message to Slack at most once a call, and find out later whether a lost one arrived.

Nothing is tried again in here: a post that failed is put off by the outbox, one whose answer was lost is looked up.
"""

from __future__ import annotations

import logging
import re
import ssl
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from slack_sdk.errors import SlackApiError

from clients.delivery_errors import PayloadRejected, check_address
from clients.http.client import ErrorKind, ServiceError
from clients.slack.errors import error_from_code
from clients.slack.transport import BoundedWebClient
from domain.messages import Json

DEFAULT_BASE_URL: Final = "https://slack.com/api/"
EVENT_TYPE: Final = "scaleops_worker"
"""The type of our message metadata: letters, digits and underscores only, says Slack."""
PAGE_SIZE: Final = 200
MAX_PAGES: Final = 10

_OURS: Final = uuid.UUID("7d9c5b52-6f0f-5d0e-9f6f-0d1f0a6c2b11")
"""The namespace of our client_msg_ids: any fixed UUID would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMessage:
    """A message in Slack: its channel and its time stamp, which names it there and opens its thread."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """Whom Slack takes us for."""

    workspace: str
    user: str
    user_id: str
    bot_id: str


class SlackClient:
    """The Web API as one bot. Threads may share it: a call opens its own connection.

    Args:
        token: the bot token, never shown in an error.
        instance: the name of this installation in message metadata.
        base_url: https, or http on this machine.
        timeout_s: for connecting and for each read.
    """

    def __init__(self, *, token: str, instance: str, base_url: str = DEFAULT_BASE_URL, timeout_s: int = 10) -> None:
        silent = logging.getLogger("clients.slack.sdk")
        silent.setLevel(logging.CRITICAL)  # what it would log, whole bodies among it, is told by our errors
        self._instance = instance
        self._identity: BotIdentity | None = None
        self._web = BoundedWebClient(
            token=token,
            base_url=check_address(base_url, of="Slack (SLACK_BASE_URL)"),
            timeout=timeout_s,
            ssl=ssl.create_default_context(),
            logger=silent,
            retry_handlers=[],
        )

    def post(self, channel: str, payload: Mapping[str, Json], *, thread_ts: str | None, message_key: str) -> PostedMessage:
        """Post one message: the body of `chat.postMessage` without channel, thread and metadata.

        Raises:
            PayloadRejected: Slack will never take this payload, or it has no `text`, which is what a screen reader reads.
            RecipientRejected: no such channel, archived, we are not in it.
            ServiceError: denied (permanent), 429 (`retry_after_s`), unreachable or broken (temporary); `outcome_unknown`
                when the answer was lost.
        """
        if not payload.get("text"):
            message = f"the message for channel {channel} has no text beside its blocks"
            raise PayloadRejected(message)
        body: dict[str, Json] = {
            **payload,
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"instance": self._instance, "key": message_key}},
            "client_msg_id": str(uuid.uuid5(_OURS, f"{self._instance}:{message_key}")),
        }
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        answer = self._ask("chat.postMessage", where=f"in channel {channel}", json=body)
        ts, landed = answer.get("ts"), answer.get("channel")
        if not (isinstance(ts, str) and ts and isinstance(landed, str) and landed):
            message = f"Slack took a message for channel {channel} but did not say which it became"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)
        return PostedMessage(channel=landed, ts=ts)

    def find(self, channel: str, message_key: str, *, thread_ts: str | None, oldest: datetime) -> PostedMessage | None:
        """Look a message of ours up by its metadata among those posted since `oldest`.

        None means provably absent: the whole of the window was read, and no message of this bot in it hides its metadata.

        Raises:
            ServiceError: it cannot be told, for whatever reason.
        """
        for found in self._messages(channel, thread_ts=thread_ts, oldest=oldest):
            metadata = found.get("metadata")
            payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
            if isinstance(payload, dict) and payload.get("key") == message_key and payload.get("instance") == self._instance:
                return PostedMessage(channel=channel, ts=str(found["ts"]))
            if not isinstance(metadata, dict) and self._is_mine(found):
                message = f"a message of this bot in channel {channel} shows no metadata, so none can be told from another"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
        return None

    def probe(self) -> BotIdentity:
        """Ask Slack who we are (`auth.test`)."""
        answer = self._ask("auth.test")
        return BotIdentity(
            workspace=str(answer.get("team", "")),
            user=str(answer.get("user", "")),
            user_id=str(answer.get("user_id", "")),
            bot_id=str(answer.get("bot_id", "")),
        )

    def _messages(self, channel: str, *, thread_ts: str | None, oldest: datetime) -> Iterator[dict[str, Any]]:
        method = "conversations.history" if thread_ts is None else "conversations.replies"
        params: dict[str, str | int] = {
            "channel": channel,
            "oldest": f"{oldest.timestamp():.6f}",
            "inclusive": 1,
            "include_all_metadata": 1,
            "limit": PAGE_SIZE,
        }
        if thread_ts is not None:
            params["ts"] = thread_ts
        for _ in range(MAX_PAGES):
            page = self._ask(method, where=f"of channel {channel}", params=params)
            messages = page.get("messages")
            if not isinstance(messages, list) or not all(isinstance(one, dict) and one.get("ts") for one in messages):
                message = f"Slack answered {method} of channel {channel} without a list of messages"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            yield from messages
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor and not page.get("has_more"):
                return
            if not cursor:
                message = f"Slack said there is more of channel {channel} but not how to read on"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            params["cursor"] = cursor
        message = (
            f"channel {channel} has more than {MAX_PAGES * PAGE_SIZE} messages since {oldest:%Y-%m-%d %H:%M}; not all were read"
        )
        raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=False)

    def _is_mine(self, found: Mapping[str, Any]) -> bool:
        if self._identity is None:
            self._identity = self.probe()
        mine = self._identity
        return bool(mine.bot_id and found.get("bot_id") == mine.bot_id) or bool(
            mine.user_id and found.get("user") == mine.user_id
        )

    def _ask(
        self, method: str, *, where: str = "", json: dict[str, Any] | None = None, params: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call one method; answer its JSON object."""
        try:
            answer = self._web.api_call(method, json=json, params=params)
        except SlackApiError as refused:
            code = str(refused.response.get("error") or "no reason given")
            raise error_from_code(
                method, code if re.fullmatch(r"[a-z0-9_]{1,80}", code) else "no reason given", where=where
            ) from None
        return dict(answer.data) if isinstance(answer.data, dict) else {}
