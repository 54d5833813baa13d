"""MCP messages over HTTP, before and behind the SDK: what is no JSON-RPC message gets a JSON-RPC error, and every Accept is served.

The SDK takes a message with a malformed id for a notification (202, no response), reports its own validation errors word by word, and refuses
clients that accept only one of the two types of response with 406. All of these exist (docs/how-to/agents.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, Literal

from starlette.types import Message, Receive, Scope, Send

from gateway.responses import GatewayResponse, json_response

Accepted = Literal["events", "json", "only events"]

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_INVALID_PARAMS: Final = -32602
_ACCEPT: Final = (b"accept", b"application/json, text/event-stream")
_EVENTS: Final = (b"content-type", b"text/event-stream")


def message_problem(body: bytes) -> GatewayResponse | None:
    """Return the error response to a body that is not one JSON-RPC message; None if it is one."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return _error(None, _PARSE_ERROR, "the body is not valid JSON")
    if isinstance(message, list):
        return _error(None, _INVALID_REQUEST, "batches are not supported: send each message in a request of its own")
    if not isinstance(message, dict):
        return _error(None, _INVALID_REQUEST, "the body must be a JSON object: one JSON-RPC message")
    identifier = message.get("id")
    if "id" in message and (isinstance(identifier, bool) or not isinstance(identifier, str | int)):
        return _error(None, _INVALID_REQUEST, "id must be a string or an integer; leave it out for a notification")
    if message.get("jsonrpc") != "2.0":
        return _error(identifier, _INVALID_REQUEST, 'jsonrpc must be "2.0"')
    if "method" not in message and ("result" in message or "error" in message):
        return None  # a response, which the SDK accepts and drops
    if not isinstance(message.get("method"), str):
        return _error(identifier, _INVALID_REQUEST, "method must be a string")
    if not isinstance(message.get("params"), dict | None):
        return _error(identifier, _INVALID_PARAMS, "params must be an object")
    return None


def accepted_types(headers: Iterable[tuple[bytes, bytes]]) -> Accepted:
    """Return which types of response a client accepts. Whatever is neither JSON nor events counts as JSON."""
    sent = b",".join(value for name, value in headers if name == b"accept").lower()
    types = {one.partition(b";")[0].strip() for one in sent.split(b",")}
    has_json = bool(types & {b"*/*", b"application/*", b"application/json"})
    has_events = bool(types & {b"*/*", b"text/*", b"text/event-stream"})
    if has_events:
        return "events" if has_json else "only events"
    return "json"


def accepting_both(scope: Scope) -> Scope:
    """Return the scope with an Accept header that the SDK serves."""
    return {**scope, "headers": [*(header for header in scope["headers"] if header[0] != b"accept"), _ACCEPT]}


def replaying(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that starts with a body that was read already."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def as_event(send: Send) -> Send:
    """Return a `send` that turns a complete JSON response into a stream of one event; other responses pass unchanged."""
    start: Message = {}
    body = b""

    async def send_event(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            is_json = any(name == b"content-type" and value.startswith(b"application/json") for name, value in message["headers"])
            if message["status"] != HTTPStatus.OK or not is_json:
                await send(message)
                return
            start = message
        elif not start:
            await send(message)
        else:
            body += message.get("body", b"")
            if not message.get("more_body", False):
                headers = [header for header in start["headers"] if header[0] not in {b"content-type", b"content-length"}]
                await send({**start, "headers": [*headers, _EVENTS]})
                await send({"type": "http.response.body", "body": b"event: message\ndata: " + body + b"\n\n"})

    return send_event


def _error(identifier: str | int | None, code: int, message: str) -> GatewayResponse:
    content = {"jsonrpc": "2.0", "id": identifier, "error": {"code": code, "message": message}}
    return json_response(content, status=HTTPStatus.BAD_REQUEST)
