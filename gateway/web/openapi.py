"""The OpenAPI description of the gateway: every route, with what it takes and returns.

Schemas of actions and of the proxy's parameters come from the code that checks them. Tests compare the routes with those that are
served, and send generated requests to each (`make fuzz`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import Final

from starlette.requests import Request
from starlette.routing import Route

from actions.catalogue import ACTIONS, ActionDefinition
from actions.schemas import input_schema, output_schema
from domain.messages import Json
from gateway.auth.admission import METRICS_PATH
from gateway.proxy.routes import CLUSTER, PREFIX, Kind, ProxyRoute
from gateway.request import BASE
from gateway.responses import GatewayResponse, json_response
from gateway.web.alert_forms import SNOOZES
from gateway.web.mcp_app import MCP_PATH
from gateway.web.registry import LIST_PATH, PLUGIN, invoke_path

OPENAPI_PATH: Final = "/openapi.json"
_NAME: Final = "scaleops-worker"
_JSON: Final = "application/json"
_HTML: Final = "text/html"
_FORM: Final = "application/x-www-form-urlencoded"
_TEXT: Final[dict[str, Json]] = {"type": "string"}
_OBJECT: Final[Json] = {"type": "object"}
_STRINGS: Final[dict[str, Json]] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 512},
    "maxItems": 1000,
}
_LABELS: Final[dict[str, Json]] = {**_STRINGS, "minItems": 1}
_BODIES: Final[Mapping[Kind, Json]] = {
    "workloads": {"type": "object", "properties": {"label": _LABELS}, "required": ["label"], "additionalProperties": False},
    "costs": {
        "type": "object",
        "properties": {"labels": _LABELS, "clusterFilters": _STRINGS, "namespaces": _STRINGS, "workloadTypes": _STRINGS},
        "required": ["labels"],
        "additionalProperties": False,
    },
}
_ERROR: Final[Json] = {
    "type": "object",
    "properties": {
        "error": {"type": "object", "properties": {"name": _TEXT, "message": _TEXT}, "required": ["name", "message"]},
        "request": {"type": "object", "properties": {"method": _TEXT, "url": _TEXT}},
        "response": {"type": "object", "properties": {"statusCode": {"type": "integer"}}},
    },
    "required": ["error"],
}
_ERRORS: Final[Mapping[str, Json]] = {_JSON: {"$ref": "#/components/schemas/Error"}}
_MESSAGE: Final[Json] = {
    "type": "object",
    "description": "One JSON-RPC message of the Model Context Protocol",
    "properties": {"jsonrpc": {"enum": ["2.0"]}, "id": {"type": ["string", "integer"]}, "method": _TEXT, "params": _OBJECT},
    "required": ["jsonrpc"],
}


def openapi_route(proxy_routes: Iterable[ProxyRoute], *, has_metadata: bool) -> Route:
    """Return the route of the description."""
    response = json_response(openapi_document(proxy_routes, has_metadata=has_metadata))

    async def serve(_: Request) -> GatewayResponse:
        return response

    return Route(OPENAPI_PATH, serve, name=OPENAPI_PATH)


def openapi_document(proxy_routes: Iterable[ProxyRoute], *, has_metadata: bool) -> dict[str, Json]:
    """Return the description. `has_metadata`: the gateway serves where an MCP client gets a token."""
    paths: dict[str, Json] = {**_public_paths(has_metadata=has_metadata), **_registry_paths(), **_page_paths()}
    # Clients on the same host need no token.
    metrics = _operation("The metrics, for Prometheus", {"text/plain": _TEXT}, security=[{}, {"token": []}])
    paths[METRICS_PATH.decode()] = {"get": metrics}
    paths[OPENAPI_PATH] = {"get": _operation("This description", {_JSON: _OBJECT})}
    paths[MCP_PATH] = {"post": _mcp_operation()}
    for route in proxy_routes:
        path = f"{PREFIX.decode()}{route.path}"
        paths[path] = {**_members(paths.get(path)), route.method.lower(): _proxy_operation(route)}
    info: Json = {
        "title": _NAME,
        "version": version(_NAME),
        "description": "The gateway of scaleops-worker; docs/explanation/gateway.md",
    }
    return {
        "openapi": "3.1.0",
        "info": info,
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of GATEWAY_TOKENS, or of Backstage"}
            },
            "schemas": {"Error": _ERROR},
        },
    }


def _public_paths(*, has_metadata: bool) -> dict[str, Json]:
    public = partial(_operation, security=[])
    described = {
        "/healthz": public("Liveness", {_JSON: _OBJECT}),
        "/readyz": public("Each dependency with its state; 503 without the database", {_JSON: _OBJECT}),
        f"{BASE}/health": public("The health route of the predecessor", {_JSON: _OBJECT}),
        f"{BASE}/.backstage/auth/v1/jwks.json": public("The public keys of the gateway's tokens", {_JSON: _OBJECT}),
    }
    if has_metadata:
        metadata = public("Where an MCP client gets a token (RFC 9728)", {_JSON: _OBJECT})
        described |= {f"/.well-known/oauth-protected-resource{path}": metadata for path in ("", MCP_PATH)}
    return {path: {"get": operation} for path, operation in described.items()}


@cache
def _registry_paths() -> Mapping[str, Json]:
    paths: dict[str, Json] = {LIST_PATH: {"get": _operation("Every action, as Backstage lists it", {_JSON: _OBJECT})}}
    for action in ACTIONS.values():
        identifier = f"{PLUGIN}:{action.name}"
        plain: Json = input_schema(action.input)
        output: Json = {"type": "object", "properties": {"output": output_schema(action.output)}, "required": ["output"]}
        wrapped: Json = {"type": "object", "properties": {"input": plain, "secrets": _OBJECT}, "required": ["input"]}
        paths[invoke_path("v1", identifier)] = {"post": _invocation(action, plain, output)}
        paths[invoke_path("v2", identifier)] = {"post": _invocation(action, wrapped, output)}
    return paths


def _invocation(action: ActionDefinition, body: Json, output: Json) -> dict[str, Json]:
    return _operation(action.title, {_JSON: output}, body={_JSON: body}, description=action.description)


def _mcp_operation() -> dict[str, Json]:
    content: Mapping[str, Json] = {_JSON: _OBJECT, "text/event-stream": {}}
    summary = "One message of the Model Context Protocol"
    # An error of the protocol, or one of the gateway.
    operation = _operation(summary, content, body={_JSON: _MESSAGE}, errors={_JSON: _OBJECT})
    accepted: Json = {"description": "A notification or a response: there is no content"}
    operation["responses"] = {**_members(operation["responses"]), "202": accepted}
    return operation


def _proxy_operation(route: ProxyRoute) -> dict[str, Json]:
    parameters = [
        _parameter("query", name, one.schema, required=one.required, description=one.allowed)
        for name, one in route.parameters.items()
    ]
    if route.takes_cluster:
        cluster = CLUSTER.decode().title()
        parameters.append(_parameter("header", cluster, {"type": "string", "pattern": "^[!-~]{1,200}$"}, required=False))
    body = _BODIES.get(route.kind)
    return _operation(
        f"ScaleOps: {route.method} {route.path}",
        {_JSON: {}},
        parameters=parameters,
        body=None if body is None else {_JSON: body},
        errors={_JSON: {}, "text/plain": {}, "text/html": {}},
        description="Passed to ScaleOps, whose response is returned, filtered by what the caller may see.",
    )


def _page_paths() -> dict[str, Json]:
    formats: Sequence[Json] = [
        _parameter("query", "format", {"enum": ["csv", "json"]}, required=False, description="A table of the page instead"),
        _parameter("query", "table", _TEXT, required=False, description="Its name; the first table if it is left out"),
    ]
    exported: Mapping[str, Json] = {_HTML: _TEXT, "text/csv": _TEXT, _JSON: {}}
    team = _parameter("path", "team", {"type": "string", "minLength": 1, "examples": ["payments", "~platform"]})
    week = _parameter("path", "week", {"type": "string", "minLength": 1, "examples": ["2026-W47", "2026-11"]})
    entity = [_parameter("path", name, {"type": "string", "minLength": 1}) for name in ("kind", "namespace", "name")]
    form: Json = {
        "type": "object",
        "properties": {
            "alert": _TEXT,
            "token": {"type": "string", "description": "From the form on the page: for this alert, caller and hour"},
            "answer": {"enum": ["acknowledge", "snooze", "dismiss"]},
            "snooze": {"enum": list(SNOOZES)},
            "reason": _TEXT,
            "name": _TEXT,
        },
        "required": ["alert", "token", "answer"],
    }

    refused: Mapping[str, Json] = {**_ERRORS, _HTML: _TEXT}  # the page, with the reason

    def with_alerts(summary: str, *parameters: Json) -> dict[str, Json]:
        answer = "Acknowledge, snooze or dismiss an alert"
        answered = _operation(answer, {_HTML: _TEXT}, parameters=parameters, body={_FORM: form}, errors=refused)
        answered["responses"] = {**_members(answered["responses"]), "303": {"description": "Done: back to the page"}}
        return {"get": _operation(summary, exported, parameters=[*parameters, *formats]), "post": answered}

    return {
        "/reports": {"get": _operation("The reports of the last weeks", exported, parameters=formats)},
        "/reports/{team}": with_alerts("A team with its alerts, components and reports", team),
        "/reports/{team}/{week}": {
            "get": _operation("A weekly report, or the monthly roll-up", exported, parameters=[team, week, *formats])
        },
        "/components/{kind}/{namespace}/{name}": with_alerts("A component with its alerts", *entity),
        "/status": with_alerts("The state of the installation, with its alerts"),
    }


def _operation(
    summary: str,
    content: Mapping[str, Json],
    *,
    parameters: Sequence[Json] = (),
    body: Mapping[str, Json] | None = None,
    description: str = "",
    security: list[Json] | None = None,
    errors: Mapping[str, Json] = _ERRORS,
) -> dict[str, Json]:
    error: Json = {"description": "Refused or failed, with the reason", **_content(errors)}
    operation: dict[str, Json] = {
        "summary": summary,
        "responses": {"200": {"description": "Done", **_content(content)}, "default": error},
    }
    if description:
        operation["description"] = description
    if parameters:
        operation["parameters"] = list(parameters)
    if body is not None:
        operation["requestBody"] = {"required": True, **_content(body)}
    if security is not None:
        operation["security"] = security
    return operation


def _content(content: Mapping[str, Json]) -> dict[str, Json]:
    return {"content": {kind: {"schema": schema} for kind, schema in content.items()}}


def _parameter(
    place: str, name: str, schema: Mapping[str, Json], *, required: bool = True, description: str = ""
) -> dict[str, Json]:
    return {"in": place, "name": name, "required": required, "schema": dict(schema), "description": description}


def _members(found: Json) -> dict[str, Json]:
    return found if isinstance(found, dict) else {}
