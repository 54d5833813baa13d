"""The stand-in Slack: the Web API as one workspace with one bot in it. It refuses what Slack refuses.

Without configured channels every id of Slack's form is a channel the bot is in.
"""

from __future__ import annotations

import json
import math
import re
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
TEAM: Final = {"team": "Simulated", "team_id": "T0SIM"}
MAX_TEXT: Final = 40_000
MAX_METADATA: Final = 8_000
_CHANNEL_ID: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")
_MICROSECONDS: Final = 1_000_000


class SlackApi:
    """The methods, on the one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def auth_test(self, request: Request) -> Response:
        """Tell the bot who it is."""
        try:
            await _body(request)
        except BlockError as refused:
            return _refuse(refused)
        return JSONResponse(
            {
                "ok": True,
                "url": "https://simulated.slack.com/",
                **TEAM,
                "user": "scaleops",
                "user_id": BOT["user"],
                "bot_id": BOT["bot_id"],
            }
        )

    async def post_message(self, request: Request) -> Response:
        """Take a message, or say what is wrong with it."""
        try:
            body = await _body(request)
            channel = self._channel_of(body)
            _check_content(body)
            thread_ts = body.get("thread_ts")
            if thread_ts is not None and all(told["ts"] != thread_ts for told in self._told(channel)):
                _refuse_with("thread_not_found")
        except BlockError as refused:
            return _refuse(refused)
        wait_s = self._wait_s(channel)
        if wait_s:
            return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers={"Retry-After": str(wait_s)})
        message = {**body, "type": "message", "channel": channel, "ts": self._next_ts(channel), **BOT}
        message["text"] = str(body.get("text") or "")[:MAX_TEXT]
        self._state.slack.messages.append(message)
        shown = {name: value for name, value in message.items() if name not in {"channel", "metadata"}}
        return JSONResponse({"ok": True, "channel": channel, "ts": message["ts"], "message": shown})

    async def history(self, request: Request) -> Response:
        """Answer the top-level messages of a channel, newest first."""
        try:
            asked = await _body(request)
            channel = self._channel_of(asked, posting=False)
        except BlockError as refused:
            return _refuse(refused)
        told = [one for one in self._told(channel) if one.get("thread_ts") in {None, one["ts"]} or one.get("reply_broadcast")]
        return _page(told[::-1], asked)

    async def replies(self, request: Request) -> Response:
        """Answer a thread, its parent first, oldest first."""
        try:
            asked = await _body(request)
            channel = self._channel_of(asked, posting=False)
        except BlockError as refused:
            return _refuse(refused)
        thread = [one for one in self._told(channel) if asked.get("ts") in {one["ts"], one.get("thread_ts")}]
        if not thread:
            return _refuse(BlockError("thread_not_found", ""))
        parent, rest = thread[0], thread[1:]
        return _page(rest, asked, before=parent)

    def _told(self, channel: str) -> list[Record]:
        return [message for message in self._state.slack.messages if message["channel"] == channel]

    def _channel_of(self, body: Record, *, posting: bool = True) -> str:
        channel = str(body.get("channel") or "")
        known = self._state.slack.channels
        if (known and channel not in known) or not _CHANNEL_ID.fullmatch(channel):
            _refuse_with("channel_not_found")
        about = known.get(channel, {})
        if about.get("is_archived") and posting:
            _refuse_with("is_archived")
        if not about.get("is_member", True):
            _refuse_with("not_in_channel")
        return channel

    def _next_ts(self, channel: str) -> str:
        """The simulated instant, moved on until it is new in the channel: Slack's time stamps name a message there."""
        now = int(self._state.clock.now().timestamp() * _MICROSECONDS)
        last = max((_microseconds(message["ts"]) for message in self._told(channel)), default=0)
        chosen = max(now, last + 1)
        return f"{chosen // _MICROSECONDS}.{chosen % _MICROSECONDS:06d}"

    def _wait_s(self, channel: str) -> int:
        """Whole seconds until the channel takes its next message; always 0 unless the strict pace is on."""
        if not self._state.slack.strict_pace:
            return 0
        last = max((_microseconds(message["ts"]) for message in self._told(channel)), default=0)
        waited = self._state.clock.now().timestamp() - last / _MICROSECONDS
        return max(math.ceil(1 - waited), 0)


def routes(state: State) -> list[Route]:
    """Answer the methods, relative to Slack's base address."""
    desk = SlackApi(state)
    return [
        Route("/auth.test", desk.auth_test, methods=["POST"]),
        Route("/chat.postMessage", desk.post_message, methods=["POST"]),
        Route("/conversations.history", desk.history, methods=["GET", "POST"]),
        Route("/conversations.replies", desk.replies, methods=["GET", "POST"]),
    ]


def _refuse_with(code: str) -> NoReturn:
    raise BlockError(code, code)


def _refuse(refused: BlockError) -> Response:
    answer: Record = {"ok": False, "error": refused.code}
    if refused.code in {"invalid_blocks", "invalid_arguments"}:
        answer |= {"errors": [refused.line], "response_metadata": {"messages": [refused.line]}}
    return JSONResponse(answer)  # Slack refuses with status 200


async def _body(request: Request) -> Record:
    """Check who calls and read the arguments, JSON or form."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token:
        _refuse_with("not_authed")
    if scheme != "Bearer" or token != SLACK_BOT_TOKEN:
        _refuse_with("invalid_auth")
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(raw)
        except ValueError:
            _refuse_with("invalid_json")
        if not isinstance(body, dict):
            _refuse_with("json_not_object")
        return body
    return {**request.query_params, **dict(parse_qsl(raw.decode()))}


def _check_content(body: Record) -> None:
    blocks = body.get("blocks")
    if not body.get("text") and not blocks and not body.get("attachments"):
        _refuse_with("no_text")
    if blocks:
        check_blocks(blocks)
    metadata: Any = body.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict) or not re.fullmatch(r"[a-z][a-z0-9_]*", str(metadata.get("event_type"))):
        _refuse_with("invalid_metadata_format")
    if len(json.dumps(metadata)) > MAX_METADATA:
        _refuse_with("metadata_too_large")


def _page(told: list[Record], asked: Record, *, before: Record | None = None) -> Response:
    """One page of those between `oldest` and `latest`; `before` (a thread's parent) stands at the head of each."""
    oldest = _microseconds(str(asked.get("oldest") or "0"))
    latest = _microseconds(str(asked.get("latest") or "99999999999"))
    exact = str(asked.get("inclusive", "")).lower() in {"1", "true"}
    inside = [
        one
        for one in told
        if oldest < _microseconds(one["ts"]) < latest or (exact and _microseconds(one["ts"]) in {oldest, latest})
    ]
    start, limit = int(str(asked.get("cursor") or "0")), min(max(int(str(asked.get("limit") or "100")), 1), 999)
    shown = ([] if before is None else [before]) + inside[start : start + limit]
    keeps_metadata = str(asked.get("include_all_metadata", "")).lower() in {"1", "true"}
    messages = [
        {name: value for name, value in one.items() if name != "channel" and (keeps_metadata or name != "metadata")}
        for one in shown
    ]
    more = start + limit < len(inside)
    answer: Record = {"ok": True, "messages": messages, "has_more": more}
    if more:
        answer["response_metadata"] = {"next_cursor": str(start + limit)}
    return JSONResponse(answer)


def _microseconds(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * _MICROSECONDS + int((fraction + "000000")[:6])
