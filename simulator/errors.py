"""Errors of the simulated services, and strict parsing of bodies and query parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.requests import Request

from simulator.world import Record


class ApiError(Exception):
    """The response has this status and message."""

    def __init__(self, status: int, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.name = name
        """The name of a Backstage error."""


async def read_json_object(request: Request) -> Record:
    """Return the body, which must be a JSON object sent as application/json."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError(415, "the body must be sent as application/json", name="InputError")
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise ApiError(400, "the body is not JSON", name="InputError") from error
    if not isinstance(body, dict):
        raise ApiError(400, "the body must be a JSON object", name="InputError")
    return body


def read_query(request: Request, allowed: Mapping[str, tuple[str, ...] | None]) -> dict[str, str]:
    """Return the query parameters; raise for an unknown name, a repeated one or a value that is not listed."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            raise ApiError(400, f"unknown query parameter {name!r}", name="InputError")
        if name in found:
            raise ApiError(400, f"query parameter {name!r} was sent twice", name="InputError")
        values = allowed[name]
        if values is not None and value not in values:
            raise ApiError(400, f"query parameter {name!r} cannot be {value!r}", name="InputError")
        found[name] = value
    return found


def read_strings(body: Record, name: str) -> list[str]:
    """Return a required array of strings."""
    items = body.get(name)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ApiError(400, f"{name!r} must be an array of strings", name="InputError")
    return items
