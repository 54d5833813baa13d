"""The Actions Registry as Backstage speaks it: lists every action, and invokes one with its raw input.

Protocol: `DefaultActionsRegistryService` of `@backstage/backend-defaults`. Backstage fetches the list before every call, so it is
rendered once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Route

from actions.catalogue import ACTIONS, ActionDefinition
from actions.context import RequestContext
from actions.errors import ActionError
from actions.schemas import DRAFT_07, input_schema, output_schema
from domain.messages import Json
from gateway.auth.request_contexts import RequestContexts
from gateway.request import BASE, GatewayRequest, parse_json_strictly
from gateway.responses import JSON_TYPE, GatewayResponse, bad_request, json_response, not_found
from gateway.web.metrics import Metrics

PLUGIN: Final = "scaleops"
_ACTIONS_PATH: Final = f"{BASE}/.backstage/actions"
LIST_PATH: Final = f"{_ACTIONS_PATH}/v1/actions"
"""Backstage lists before every call, and drops all tools of a plugin whose list fails."""
_ROUTE_NAME: Final = "actions"
_CLIENT: Final = "registry"


def invoke_path(version: str, identifier: str) -> str:
    """Return the path that invokes an action, in version `v1` or `v2` of the protocol."""
    return f"{_ACTIONS_PATH}/{version}/actions/{identifier}/invoke"


def describe(action: ActionDefinition) -> dict[str, Json]:
    """Return an action as Backstage lists it."""
    return {
        "id": f"{PLUGIN}:{action.name}",
        "name": action.name,
        "title": action.title,
        "description": action.description,
        "pluginId": PLUGIN,
        "attributes": {"destructive": False, "idempotent": True, "readOnly": True},
        "schema": {
            "input": {**input_schema(action.input), "$schema": DRAFT_07},
            "output": {**output_schema(action.output), "$schema": DRAFT_07},
        },
    }


LISTED: Final = json_response({"actions": [describe(action) for action in ACTIONS.values()]})
_BY_ID: Final = {f"{PLUGIN}:{action.name}": action for action in ACTIONS.values()}


def registry_routes(contexts: RequestContexts, metrics: Metrics) -> Sequence[Route]:
    """Return the routes of the registry. In version 2 the body wraps the input: `{"input": ..., "secrets": ...}`."""

    async def list_actions(_: Request) -> GatewayResponse:
        return LISTED

    async def invoke(request: Request, *, is_wrapped: bool) -> GatewayResponse:
        asked: GatewayRequest = request.state.gateway_request
        identifier = unquote(request.path_params["id"])
        action = _BY_ID.get(identifier)
        if action is None:
            message = f'Action "{identifier[:200]}" not found'
            raise not_found(message)
        arguments = _parse_input(await asked.read_body(), asked.header(b"content-type"), is_wrapped=is_wrapped)
        return await _invoke(action, arguments, contexts.context_for(asked))

    async def _invoke(action: ActionDefinition, arguments: dict[str, Json], context: RequestContext) -> GatewayResponse:
        started_at = time.monotonic()
        outcome = "Error"
        try:
            body = await contexts.pools.run(partial(_run, action, arguments, context), is_live=action.is_live)
            outcome = "done"
        except ActionError as error:
            outcome = error.name
            raise
        finally:
            metrics.count_tool_call(_CLIENT, action.name, outcome, time.monotonic() - started_at)
        return GatewayResponse(status=HTTPStatus.OK, headers=(JSON_TYPE,), body=body)

    return [
        Route(LIST_PATH, list_actions, name=_ROUTE_NAME),
        *(
            Route(invoke_path(version, "{id}"), partial(invoke, is_wrapped=is_wrapped), methods=["POST"], name=_ROUTE_NAME)
            for version, is_wrapped in (("v1", False), ("v2", True))
        ),
    ]


def _run(action: ActionDefinition, arguments: dict[str, Json], context: RequestContext) -> bytes:
    return b'{"output":%b}' % action.run(arguments, context).model_dump_json(by_alias=True).encode()


def _parse_input(body: bytes, content_type: str | None, *, is_wrapped: bool) -> dict[str, Json]:
    """Return the input of a call; its secrets are not used. Raises HttpError."""
    if not body:
        return {}
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = "the content type of the input must be application/json"
        raise bad_request(message)
    document = _parse_text(body)
    if is_wrapped:
        document = _require_object(document, "the body").get("input", {})
    return _require_object({} if document is None else document, "the input")


def _parse_text(body: bytes) -> Json:
    parsed: Json = parse_json_strictly(body)
    try:
        json.dumps(parsed, ensure_ascii=False).encode()  # a lone surrogate is valid JSON, but cannot be encoded in a response
    except (ValueError, RecursionError):
        message = "the body is not valid JSON"
        raise bad_request(message) from None
    return parsed


def _require_object(document: Json, what: str) -> dict[str, Json]:
    if not isinstance(document, dict):
        message = f"{what} must be a JSON object"
        raise bad_request(message)
    return document
