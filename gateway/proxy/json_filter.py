"""Changes to ScaleOps' responses: a missing list made empty, and rows removed. A response without a change keeps its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from secrets import token_hex
from typing import Any

from gateway.request import AmbiguousJson, parse_json

Row = dict[str, Any]
Empty = type[list[object]] | type[dict[str, object]]


class UnparseableJson(Exception):
    """The response is not the JSON that a filter needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRows:
    """The objects in the array of one member, and the rest of the response."""

    body: bytes = field(repr=False)
    content: dict[str, Any] = field(repr=False)
    member: str
    rows: Sequence[Row] = field(repr=False)

    def filtered(self, keep: Callable[[Row], bool]) -> bytes:
        """Return the response without the rows for which `keep` is False."""
        kept = [row for row in self.rows if keep(row)]
        return self.body if len(kept) == len(self.content[self.member]) else _serialize({**self.content, self.member: kept})


def is_complete(body: bytes, member: str) -> bool:
    """Return True if a body begins with the member, as ScaleOps writes nearly every response: then `repair` has nothing to do."""
    return body.startswith(_complete_heads(member))


@cache
def _complete_heads(member: str) -> tuple[bytes, bytes]:
    head = b'{"%s":' % member.encode()
    return head + b"[", head + b"{"


def repair(body: bytes, member: str, *, empty: Empty) -> bytes:
    """Return the body with the member present: empty if it was null or missing; a bare array becomes its value.

    Any other body is returned unchanged, whether or not it is JSON.
    """
    if is_complete(body, member):
        return body
    try:
        content = _parse(body)
    except UnparseableJson:
        return body
    if isinstance(content, list) and empty is list:
        return _serialize({member: content})
    if content is None or (isinstance(content, dict) and content.get(member) is None):
        return _serialize({**(content or {}), member: empty()})
    return body


def read_rows(body: bytes, member: str) -> JsonRows:
    """Parse the objects in the member's array. What else is in it belongs to no workload, and costs no other row.

    Raises:
        UnparseableJson: the body is not a JSON object with an array as this member, or nothing in the array is an object.
    """
    content = _parse(body)
    found = content.get(member) if isinstance(content, dict) else None
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    if not isinstance(found, list) or (found and not rows):
        message = f"it is not a JSON object with a list of objects as {member}"
        raise UnparseableJson(message)
    return JsonRows(body=body, content=content, member=member, rows=rows)


def unite(bodies: Sequence[bytes], member: str) -> bytes:
    """Return the first response with the rows of all of them, each once.

    Raises:
        UnparseableJson: as `read_rows`.
    """
    parts = [read_rows(body, member) for body in bodies]
    rows = {json.dumps(row, default=str, sort_keys=True): row for part in parts for row in part.rows}
    return _serialize({**parts[0].content, member: list(rows.values())})


def _parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return parse_json(body, parse_float=Decimal)
    except AmbiguousJson as error:
        message = f"it {error}"
        raise UnparseableJson(message) from None
    except (ValueError, ArithmeticError, RecursionError):
        message = "it is not JSON"
        raise UnparseableJson(message) from None


def _serialize(content: Row) -> bytes:
    """Return compact JSON with the digits of every number as they were received; `json` cannot write a Decimal itself."""
    mark = token_hex(8)
    text = json.dumps(content, default=lambda number: f"{mark}{number}", separators=(",", ":"), ensure_ascii=False)
    return re.sub(f'"{mark}([^"]*)"', r"\1", text).encode(errors="backslashreplace")
