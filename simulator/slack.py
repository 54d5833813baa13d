"""The simulated Slack: the Web API of one workspace with one bot. It rejects what Slack rejects.

Without configured channels the bot is a member of every valid channel id.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.blocks import BlockError, check_blocks
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.state import State
from simulator.world import Record

BOT: Final = {"user": "U0BOT", "bot_id": "B0BOT", "app_id": "A0APP"}
TEAM: Final = "Simulated"
MAX_TEXT: Final = 40_000
MAX_METADATA: Final = 8_000
_CHANNEL_ID: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")
_MICROSECONDS: Final = 1_000_000


class SlackApi:
    """The methods of the Web API."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def auth_test(self, request: Request) -> Response:
        """Return the identity of the bot."""
        try:
            await _body(request)
        except BlockError as error:
            return _error(error)
        return JSONResponse(
            {
                "ok": True,
                "url": "https://simulated.slack.com/",
                "team": TEAM,
                "team_id": self._state.slack.team_id,
                "user": "scaleops",
                "user_id": BOT["user"],
                "bot_id": BOT["bot_id"],
            },
            headers={"x-oauth-scopes": ",".join(self._state.slack.scopes)},
        )

    async def post_message(self, request: Request) -> Response:
        """Accept a message, or return why it is invalid."""
        try:
            body = await _body(request)
            channel = self._channel_of(body)
            _check_content(body, self._state.slack.unsupported_blocks)
            thread_ts = body.get("thread_ts")
            if thread_ts is not None and all(posted["ts"] != thread_ts for posted in self._messages(channel)):
                _raise("thread_not_found")
        except BlockError as error:
            return _error(error)
        wait_s = self._wait_s(channel)
        if wait_s:
            return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers={"Retry-After": str(wait_s)})
        message = {**body, "type": "message", "channel": channel, "ts": self._next_ts(channel), **BOT}
        message["text"] = str(body.get("text") or "")[:MAX_TEXT]
        self._state.slack.messages.append(message)
        self._state.slack.received.append(dict(message))
        shown = {name: value for name, value in message.items() if name not in {"channel", "metadata"}}
        return JSONResponse({"ok": True, "channel": channel, "ts": message["ts"], "message": shown})

    async def update_message(self, request: Request) -> Response:
        """Replace the content of a message of the bot. A text without blocks removes its blocks."""
        try:
            body = await _body(request)
            channel = self._channel_of(body)
            posted = next((one for one in self._messages(channel) if one["ts"] == body.get("ts")), None)
            if posted is None:
                _raise("message_not_found")
            if posted.get("bot_id") != BOT["bot_id"]:
                _raise("cant_update_message")
            _check_content(body, self._state.slack.unsupported_blocks)
        except BlockError as error:
            return _error(error)
        kept = {name: value for name, value in posted.items() if name not in {"text", "blocks", "attachments"}}
        changed = {name: value for name, value in body.items() if name in {"text", "blocks", "attachments", "metadata"}}
        if body.get("text") is None and "blocks" in posted:
            changed.setdefault("blocks", posted["blocks"])
        now = self._state.clock.now().timestamp()
        posted.clear()
        posted.update(kept | changed | {"edited": {"user": BOT["user"], "ts": f"{now:.6f}"}})
        posted.setdefault("text", "")
        self._state.slack.received.append(dict(posted))
        return JSONResponse({"ok": True, "channel": channel, "ts": posted["ts"], "text": posted["text"]})

    async def validate_blocks(self, request: Request) -> Response:
        """Return the first error of a message, with its pointer, and post nothing."""
        try:
            body = await _body(request)
            given = [name for name in ("blocks", "message", "view") if name in body]
            if given not in (["blocks"], ["message"]):
                _raise("invalid_arguments")
            parsed = json.loads(body[given[0]])
            blocks = parsed.get("blocks") if given == ["message"] else parsed
        except BlockError as error:
            return _error(error)
        except ValueError:
            return _error(BlockError("invalid_arguments", "invalid_arguments"))
        try:
            if blocks is not None:
                check_blocks(blocks, unsupported=self._state.slack.unsupported_blocks)
        except BlockError as error:
            text, _, pointer = error.line.removeprefix("[ERROR] ").partition(" [json-pointer:")
            shown = {
                "pointer": pointer.rstrip("]") or "/blocks",
                "code": "failed_constraint",
                "message": text,
                "constraint": None,
            }
            return JSONResponse({"ok": False, "error": f"invalid_{given[0]}", "errors": [shown]})
        return JSONResponse({"ok": True})

    async def history(self, request: Request) -> Response:
        """Return the top-level messages of a channel, newest first."""
        try:
            arguments = await _body(request)
            channel = self._channel_of(arguments, posting=False)
        except BlockError as error:
            return _error(error)
        posted = [
            one for one in self._messages(channel) if one.get("thread_ts") in {None, one["ts"]} or one.get("reply_broadcast")
        ]
        return _page(posted[::-1], arguments)

    async def replies(self, request: Request) -> Response:
        """Return a thread, its parent first, then the oldest."""
        try:
            arguments = await _body(request)
            channel = self._channel_of(arguments, posting=False)
        except BlockError as error:
            return _error(error)
        thread = [one for one in self._messages(channel) if arguments.get("ts") in {one["ts"], one.get("thread_ts")}]
        if not thread:
            return _error(BlockError("thread_not_found", ""))
        parent, rest = thread[0], thread[1:]
        return _page(rest, arguments, before=parent)

    def _messages(self, channel: str) -> list[Record]:
        return [message for message in self._state.slack.messages if message["channel"] == channel]

    def _channel_of(self, body: Record, *, posting: bool = True) -> str:
        channel = str(body.get("channel") or "")
        known = self._state.slack.channels
        if (known and channel not in known) or not _CHANNEL_ID.fullmatch(channel):
            _raise("channel_not_found")
        properties = known.get(channel, {})
        if properties.get("is_archived") and posting:
            _raise("is_archived")
        if not properties.get("is_member", True):
            _raise("not_in_channel")
        return channel

    def _next_ts(self, channel: str) -> str:
        """Return the simulated instant, or the next microsecond that is unused in the channel: time stamps identify messages."""
        now = int(self._state.clock.now().timestamp() * _MICROSECONDS)
        last = max((_microseconds(message["ts"]) for message in self._messages(channel)), default=0)
        chosen = max(now, last + 1)
        return f"{chosen // _MICROSECONDS}.{chosen % _MICROSECONDS:06d}"

    def _wait_s(self, channel: str) -> int:
        """Return the whole seconds until the channel accepts the next message; 0 unless the rate limit is strict."""
        if not self._state.slack.is_rate_limit_strict:
            return 0
        last = max((_microseconds(message["ts"]) for message in self._messages(channel)), default=0)
        waited = self._state.clock.now().timestamp() - last / _MICROSECONDS
        return max(math.ceil(1 - waited), 0)


def routes(state: State) -> list[Route]:
    """Return the methods, relative to Slack's base URL."""
    api = SlackApi(state)
    return [
        Route("/auth.test", api.auth_test, methods=["POST"]),
        Route("/chat.postMessage", api.post_message, methods=["POST"]),
        Route("/blocks.validate", api.validate_blocks, methods=["POST"]),
        Route("/chat.update", api.update_message, methods=["POST"]),
        Route("/conversations.history", api.history, methods=["GET", "POST"]),
        Route("/conversations.replies", api.replies, methods=["GET", "POST"]),
    ]


def _raise(code: str) -> NoReturn:
    raise BlockError(code, code)


def _error(error: BlockError) -> Response:
    body: Record = {"ok": False, "error": error.code}
    if error.code in {"invalid_blocks", "invalid_arguments"}:
        body |= {"errors": [error.line], "response_metadata": {"messages": [error.line]}}
    return JSONResponse(body)  # Slack sends errors with status 200


async def _body(request: Request) -> Record:
    """Check the token and return the arguments, JSON or form."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token:
        _raise("not_authed")
    if scheme != "Bearer" or token != SLACK_BOT_TOKEN:
        _raise("invalid_auth")
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(raw)
        except ValueError:
            _raise("invalid_json")
        if not isinstance(body, dict):
            _raise("json_not_object")
        return body
    return {**request.query_params, **dict(parse_qsl(raw.decode()))}


def _check_content(body: Record, unsupported: Collection[str]) -> None:
    blocks = body.get("blocks")
    if not body.get("text") and not blocks and not body.get("attachments"):
        _raise("no_text")
    if blocks:
        check_blocks(blocks, unsupported=unsupported)
    metadata: Any = body.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict) or not re.fullmatch(r"[a-z][a-z0-9_]*", str(metadata.get("event_type"))):
        _raise("invalid_metadata_format")
    if len(json.dumps(metadata)) > MAX_METADATA:
        _raise("metadata_too_large")


def _page(posted: list[Record], arguments: Record, *, before: Record | None = None) -> Response:
    """Return one page of the messages between `oldest` and `latest`; `before` (a thread's parent) is the first of each page."""
    oldest = _microseconds(str(arguments.get("oldest") or "0"))
    latest = _microseconds(str(arguments.get("latest") or "99999999999"))
    exact = str(arguments.get("inclusive", "")).lower() in {"1", "true"}
    inside = [
        one
        for one in posted
        if oldest < _microseconds(one["ts"]) < latest or (exact and _microseconds(one["ts"]) in {oldest, latest})
    ]
    start, limit = int(str(arguments.get("cursor") or "0")), min(max(int(str(arguments.get("limit") or "100")), 1), 999)
    shown = ([] if before is None else [before]) + inside[start : start + limit]
    keeps_metadata = str(arguments.get("include_all_metadata", "")).lower() in {"1", "true"}
    messages = [
        {name: value for name, value in one.items() if name != "channel" and (keeps_metadata or name != "metadata")}
        for one in shown
    ]
    more = start + limit < len(inside)
    body: Record = {"ok": True, "messages": messages, "has_more": more}
    if more:
        body["response_metadata"] = {"next_cursor": str(start + limit)}
    return JSONResponse(body)


def _microseconds(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * _MICROSECONDS + int((fraction + "000000")[:6])
