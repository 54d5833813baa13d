"""The Actions Registry as Backstage speaks it: lists every question, and answers one by its raw input.

Protocol: `DefaultActionsRegistryService` of `@backstage/backend-defaults`. Backstage asks for the list before every single call, so
it is written once, when the gateway is built.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from actions.catalogue import ACTIONS, ActionDefinition
from actions.context import RequestContext
from actions.errors import ActionError
from actions.schemas import DRAFT_07, input_schema, output_schema
from domain.messages import Json
from gateway.auth.callers import Caller
from gateway.auth.request_contexts import RequestContexts
from gateway.request import BASE, GatewayRequest, parse_request
from gateway.responses import JSON_TYPE, GatewayResponse, HttpError, bad_request, json_response, not_found, send_response
from gateway.strict_json import parse_strictly
from gateway.subapps import SubApp, SubAppContext
from gateway.web.metrics import Metrics

PLUGIN: Final = "scaleops"
_ACTIONS_PATH: Final = f"{BASE}/.backstage/actions"
_LIST: Final = "/v1/actions"
_DOOR: Final = "registry"
_VERSIONS: Final = frozenset({"v1", "v2"})


def sections(rooms: SubAppContext) -> Iterable[SubApp]:
    """Answer the registry as a section of the gateway."""
    return [SubApp(path=_ACTIONS_PATH, name="actions", app=Registry(RequestContexts(rooms), rooms.metrics))]


def describe(offer: ActionDefinition) -> dict[str, Json]:
    """Describe a question as Backstage lists an action."""
    return {
        "id": f"{PLUGIN}:{offer.name}",
        "name": offer.name,
        "title": offer.title,
        "description": offer.description,
        "pluginId": PLUGIN,
        "attributes": {"destructive": False, "idempotent": True, "readOnly": True},
        "schema": {
            "input": {**input_schema(offer.input), "$schema": DRAFT_07},
            "output": {**output_schema(offer.output), "$schema": DRAFT_07},
        },
    }


LISTED: Final = json_response({"actions": [describe(offer) for offer in ACTIONS.values()]})
_BY_ID: Final = {f"{PLUGIN}:{offer.name}": offer for offer in ACTIONS.values()}


class Registry:
    """The section."""

    def __init__(self, asking: RequestContexts, metrics: Metrics) -> None:
        self._asking = asking
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refused, ActionError, ServiceError, StoreUnavailable."""
        exchange = parse_request(scope, receive)
        await send_response(send, await self._answer(exchange, cast("Caller", scope["caller"])))

    async def _answer(self, exchange: GatewayRequest, caller: Caller) -> GatewayResponse:
        path = exchange.target.decode("latin-1").removeprefix(_ACTIONS_PATH)
        if path == _LIST:
            if exchange.method not in {"GET", "HEAD"}:
                raise _not_allowed(exchange, "GET")
            return LISTED  # to a HEAD the server sends all but the body
        version, identifier = _invoked(path)
        if exchange.method != "POST":
            raise _not_allowed(exchange, "POST")
        offer = _BY_ID.get(identifier)
        if offer is None:
            message = f'Action "{identifier[:200]}" not found'
            raise not_found(message)
        arguments = _read_input(await exchange.read_body(), exchange.header(b"content-type"), version)
        return await self._ask(offer, arguments, self._asking.asker_of(caller))

    async def _ask(self, offer: ActionDefinition, arguments: dict[str, Json], asker: RequestContext) -> GatewayResponse:
        began = time.monotonic()
        outcome = "Error"
        try:
            body = await self._asking.lanes.run(partial(_written, offer, arguments, asker), is_live=offer.is_live)
            outcome = "done"
        except ActionError as failed:
            outcome = failed.name
            raise
        finally:
            self._metrics.count_tool_call(_DOOR, offer.name, outcome, time.monotonic() - began)
        return GatewayResponse(status=HTTPStatus.OK, headers=(JSON_TYPE,), body=body)


def _written(offer: ActionDefinition, arguments: dict[str, Json], asker: RequestContext) -> bytes:
    return b'{"output":%b}' % offer.run(arguments, asker).model_dump_json(by_alias=True).encode()


def _invoked(path: str) -> tuple[str, str]:
    """Read `/<version>/actions/<id>/invoke`; the id may be percent-encoded. Raises Refused."""
    match path.split("/"):
        case ["", version, "actions", encoded, "invoke"] if version in _VERSIONS:
            return version, unquote(encoded)
    message = f"there is nothing at {path[:200]}"
    raise not_found(message)


def _read_input(body: bytes, content_type: str | None, version: str) -> dict[str, Json]:
    """Read the body of a call: the bare input, or with v2 `{"input": ..., "secrets": ...}`. Secrets are not used. Raises Refused."""
    if not body:
        return {}
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = "the input must be sent as application/json"
        raise bad_request(message)
    document = _parsed(body)
    if version == "v2":
        document = _object(document, "the body").get("input", {})
    return _object({} if document is None else document, "the input")


def _parsed(body: bytes) -> Json:
    parsed: Json = parse_strictly(body)
    try:
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is JSON, but no text that could be answered
    except (ValueError, RecursionError):
        message = "the body is no JSON"
        raise bad_request(message) from None
    return parsed


def _object(document: Json, what: str) -> dict[str, Json]:
    if not isinstance(document, dict):
        message = f"{what} must be a JSON object"
        raise bad_request(message)
    return document


def _not_allowed(exchange: GatewayRequest, allowed: str) -> HttpError:
    message = f"{exchange.method} is not answered here; use {allowed}"
    return HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "InputError", message, headers=((b"allow", allowed.encode()),))
