"""Posts or edits a message in Slack at most once per call, and finds out later whether a lost one arrived.

It never retries: the outbox reschedules a failed post, and looks up one whose response was lost.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from clients.http.client import TimeLeft, unlimited
from clients.http.errors import ErrorKind, PayloadRejected, ServiceError
from clients.slack.errors import error_from_code
from clients.slack.transport import SlackCall, slack_http
from domain.messages import Json

DEFAULT_BASE_URL: Final = "https://slack.com/api/"
EVENT_TYPE: Final = "scaleops_worker"
"""The type of our message metadata. Slack allows letters, digits and underscores."""
PAGE_SIZE: Final = 200
MAX_PAGES: Final = 10
_MAX_DETAILS: Final = 300
_POINTER: Final = re.compile(r"json-pointer:(/[A-Za-z0-9_/~-]{0,200})")
_INVALID: Final = frozenset({"invalid_blocks", "invalid_message"})
_EDITABLE: Final = frozenset({"text", "blocks", "attachments"})

_CLIENT_MSG_ID_NAMESPACE: Final = uuid.UUID("7d9c5b52-6f0f-5d0e-9f6f-0d1f0a6c2b11")
"""Any fixed UUID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMessage:
    """A message in Slack: its channel, and the time stamp that identifies it there and its thread."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """The workspace and bot user of a token."""

    workspace: str
    workspace_id: str
    user: str
    user_id: str
    bot_id: str
    scopes: frozenset[str] = frozenset()
    """What the token may do; empty if Slack did not say (`x-oauth-scopes`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockProblem:
    """What is invalid in a message."""

    pointer: str
    """JSON pointer to the invalid element; empty if Slack does not name one."""
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class SlackClient:
    """The Web API as one bot. Thread-safe.

    Each method takes `time_left`, which is asked right before each call that it makes.

    Args:
        token: the bot token, never shown in an error.
        instance: the name of this installation in message metadata.
        base_url: https, or http on this machine.
        timeout_s: for one call, from connecting to the last byte.
    """

    def __init__(self, *, token: str, instance: str, base_url: str = DEFAULT_BASE_URL, timeout_s: float = 10) -> None:
        self._sdk_log = logging.getLogger("clients.slack.sdk")
        self._sdk_log.setLevel(logging.CRITICAL)  # the SDK logs whole bodies; our errors say what failed
        self._token = token
        self._instance = instance
        self._identity: BotIdentity | None = None
        self._base_url = base_url
        self._http = slack_http(base_url, timeout_s=timeout_s)

    def post(
        self,
        channel: str,
        payload: Mapping[str, Json],
        *,
        thread_ts: str | None,
        message_key: str,
        time_left: TimeLeft = unlimited,
    ) -> PostedMessage:
        """Post one message: the body of `chat.postMessage` without channel, thread and metadata.

        Raises:
            PayloadRejected: Slack never accepts this payload, or it has no `text`, which screen readers need.
            RecipientRejected: the channel does not exist, is archived, or the bot is not a member.
            ServiceError: not authorised (permanent), 429 (`retry_after_s`), unavailable (temporary); `outcome_unknown` if the
                response was lost.
        """
        _require_text(payload, channel)
        body: dict[str, Json] = {
            **payload,
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": self._metadata(message_key),
            "client_msg_id": str(uuid.uuid5(_CLIENT_MSG_ID_NAMESPACE, f"{self._instance}:{message_key}")),
        }
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        response = self._call("chat.postMessage", where=f"in channel {channel}", json=body, time_left=time_left)
        ts, posted_in = response.get("ts"), response.get("channel")
        if not (isinstance(ts, str) and ts and isinstance(posted_in, str) and posted_in):
            message = f"Slack accepted a message for channel {channel} but did not return its channel and ts"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)
        return PostedMessage(channel=posted_in, ts=ts)

    def update(
        self, place: PostedMessage, payload: Mapping[str, Json], *, message_key: str, time_left: TimeLeft = unlimited
    ) -> None:
        """Replace the content of a message by the text and blocks of `payload`. A repeat has no effect.

        Args:
            place: the message.
            payload: a body of `chat.postMessage`; what `chat.update` does not know of it is left out.
            message_key: the key that the message was posted with: a message without metadata could not be looked up.
            time_left: asked right before the call.

        Raises:
            EditRejected: the message was deleted, is not the bot's, or can no longer be edited.
            PayloadRejected, RecipientRejected, ServiceError: as for `post`.
        """
        _require_text(payload, place.channel)
        # Blocks that are left out are removed, since there is a text: https://docs.slack.dev/reference/methods/chat.update
        body: dict[str, Json] = {
            **{name: value for name, value in payload.items() if name in _EDITABLE},
            "channel": place.channel,
            "ts": place.ts,
            "metadata": self._metadata(message_key),
        }
        self._call("chat.update", where=f"in channel {place.channel}", json=body, time_left=time_left)

    def _metadata(self, message_key: str) -> Json:
        return {"event_type": EVENT_TYPE, "event_payload": {"instance": self._instance, "key": message_key}}

    def validate(self, payload: Mapping[str, Json], *, time_left: TimeLeft = unlimited) -> tuple[BlockProblem, ...]:
        """Return what Slack would refuse of a message, without posting it (`blocks.validate`); empty if it is valid.

        The method has a rate limit of its own: it is for previews, not for each message.

        Raises:
            ServiceError: Slack did not validate it.
        """
        message = json.dumps({name: payload[name] for name in ("text", "blocks") if name in payload})
        try:
            self._request("blocks.validate", params={"message": message}, time_left=time_left)
        except SlackApiError as error:
            if error.response.get("error") in _INVALID and isinstance(error.response.data, dict):
                return _problems_of(error.response.data) or (BlockProblem(pointer="", message=str(error.response.get("error"))),)
            raise _error_of(error, "blocks.validate", where="") from None
        return ()

    def find_by_metadata(
        self, channel: str, message_key: str, *, thread_ts: str | None, posted_within: timedelta, time_left: TimeLeft = unlimited
    ) -> PostedMessage | None:
        """Find a message of this installation by its key among those of the last `posted_within`, by Slack's own clock.

        None means provably absent: the whole period was read, and every message of this bot in it showed its metadata.

        Raises:
            ServiceError: neither presence nor absence can be proved.
        """
        oldest = self._server_time(time_left) - posted_within
        for posted in self._messages(channel, thread_ts=thread_ts, oldest=oldest, time_left=time_left):
            metadata = posted.get("metadata")
            payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
            if isinstance(payload, dict) and payload.get("key") == message_key and payload.get("instance") == self._instance:
                return PostedMessage(channel=channel, ts=str(posted["ts"]))
            if not isinstance(metadata, dict) and self._is_ours(posted, time_left):
                message = f"a message of this bot in channel {channel} shows no metadata, so its key is unknown"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
        return None

    def workspace_id(self, *, time_left: TimeLeft = unlimited) -> str:
        """Return the id of the token's workspace, from the first response that named it. Raises ServiceError."""
        return (self._identity or self.probe(time_left=time_left)).workspace_id

    def probe(self, *, time_left: TimeLeft = unlimited) -> BotIdentity:
        """Return the identity of the token (`auth.test`)."""
        return self._identify(time_left)[0]

    def check_channel(self, channel: str) -> None:
        """Check that the bot can read a channel, where it also looks up its messages. Raises ServiceError."""
        self._call(
            "conversations.history", where=f"of channel {channel}", params={"channel": channel, "limit": 1}, time_left=unlimited
        )

    def _identify(self, time_left: TimeLeft) -> tuple[BotIdentity, Mapping[str, str]]:
        response, headers = self._exchange("auth.test", time_left=time_left)
        self._identity = BotIdentity(
            workspace=str(response.get("team", "")),
            workspace_id=str(response.get("team_id", "")),
            user=str(response.get("user", "")),
            user_id=str(response.get("user_id", "")),
            bot_id=str(response.get("bot_id", "")),
            scopes=frozenset(scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()),
        )
        return self._identity, headers

    def _server_time(self, time_left: TimeLeft) -> datetime:
        """Return the present instant by Slack's clock, from the Date of a response."""
        try:
            date = parsedate_to_datetime(self._identify(time_left)[1].get("date", ""))
        except (ValueError, TypeError):
            message = "Slack's response has no Date, so it is unknown which messages are new"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False) from None
        return date if date.tzinfo else date.replace(tzinfo=timezone.utc)

    def _messages(
        self, channel: str, *, thread_ts: str | None, oldest: datetime, time_left: TimeLeft
    ) -> Iterator[dict[str, Any]]:
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
            page = self._call(method, where=f"of channel {channel}", params=params, time_left=time_left)
            messages = page.get("messages")
            if not isinstance(messages, list) or not all(isinstance(one, dict) and one.get("ts") for one in messages):
                message = f"Slack answered {method} of channel {channel} without a list of messages"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            yield from messages
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor and not page.get("has_more"):
                return
            if not cursor:
                message = f"Slack answered {method} of channel {channel} with has_more but without a cursor"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            params["cursor"] = cursor
        message = (
            f"channel {channel} has more than {MAX_PAGES * PAGE_SIZE} messages since {oldest:%Y-%m-%d %H:%M}; not all were read"
        )
        raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=False)

    def _is_ours(self, posted: Mapping[str, Any], time_left: TimeLeft) -> bool:
        identity = self._identity or self.probe(time_left=time_left)
        bot_id, user_id = identity.bot_id, identity.user_id
        return bool((bot_id and posted.get("bot_id") == bot_id) or (user_id and posted.get("user") == user_id))

    def _call(self, method: str, *, where: str, time_left: TimeLeft, **body: dict[str, Any]) -> dict[str, Any]:
        return self._exchange(method, where=where, time_left=time_left, **body)[0]

    def _exchange(
        self,
        method: str,
        *,
        time_left: TimeLeft,
        where: str = "",
        json: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        try:
            response = self._request(method, json=json, params=params, time_left=time_left)
        except SlackApiError as error:
            raise _error_of(error, method, where=where) from None
        return (dict(response.data) if isinstance(response.data, dict) else {}), response.headers

    def _request(
        self, method: str, *, time_left: TimeLeft, json: dict[str, Any] | None = None, params: dict[str, Any] | None = None
    ) -> SlackResponse:
        call = SlackCall(self._http, token=self._token, base_url=self._base_url, log=self._sdk_log, time_left=time_left)
        return call.api_call(method, json=json, params=params)


def _error_of(error: SlackApiError, method: str, *, where: str) -> ServiceError:
    code = str(error.response.get("error"))
    known = code if re.fullmatch(r"[a-z0-9_]{1,80}", code) else "no error code"
    body = error.response.data
    return error_from_code(method, known, where=where, details=_details(body), pointers=_pointers(body))


def _problems_of(body: dict[str, Any]) -> tuple[BlockProblem, ...]:
    """Return the problems of a response of `blocks.validate`: https://docs.slack.dev/reference/methods/blocks.validate."""
    errors = body.get("errors")
    return tuple(
        BlockProblem(pointer=_printable(one.get("pointer")), message=_printable(one.get("message") or one.get("code")))
        for one in (errors if isinstance(errors, list) else ())
        if isinstance(one, dict)
    )


def _printable(text: object) -> str:
    return "".join(character if character.isprintable() else " " for character in str(text or ""))[:_MAX_DETAILS]


def _require_text(payload: Mapping[str, Json], channel: str) -> None:
    if not payload.get("text"):
        message = f"the message for channel {channel} has no text alongside its blocks"
        raise PayloadRejected(message)


def _details(body: object) -> str:
    """Return what Slack says about an error, such as the pointer to the invalid block, in at most 300 printable characters."""
    text = "; ".join(_error_lines(body))
    return "".join(character if character.isprintable() else " " for character in text)[:_MAX_DETAILS]


def _pointers(body: object) -> tuple[str, ...]:
    """Return the JSON pointers that an error names."""
    return tuple(found for line in _error_lines(body) for found in _POINTER.findall(line))


def _error_lines(body: object) -> list[str]:
    """Return what Slack says about an error, in its usual form `[ERROR] ... [json-pointer:/blocks/0/type]`."""
    if not isinstance(body, dict):
        return []
    metadata = body.get("response_metadata")
    found = body.get("errors") or (metadata.get("messages") if isinstance(metadata, dict) else None)
    return [_error_line(line) for line in found] if isinstance(found, list) else []


def _error_line(line: object) -> str:
    if not (isinstance(line, dict) and line.get("pointer")):
        return str(line)
    return f"{line.get('message') or line.get('code')} [json-pointer:{line['pointer']}]"
