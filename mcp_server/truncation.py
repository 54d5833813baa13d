"""Answers that fit into a model's window: the most important rows first, as many as there is room for, and how to get the rest.

Whatever is cut, the answer remains what its output schema promises: clients check it, and drop an answer that is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from actions.history.reports import shorten
from actions.schemas import Schema
from domain.messages import Json

MOST_BYTES: Final = 68_000
"""Of one result, its JSON text and its structured content together: clients cut off at about 25,000 tokens."""
MOST_WARNINGS: Final = 20
MOST_BESIDE: Final = 50
"""Entries of any list beside the rows."""
MOST_INSIDE: Final = 10
"""Entries of a list inside a row, when there are several rows."""

_ORDERED_BY: Final[Mapping[str, str]] = {
    "workloads": "savingsAvailable",
    "costAnalysis": "totalCost",
    "workloadNetworkData": "totalNetworkCost",
}
"""What the rows of a live answer are worth; the others come in an order that means something already."""

Document = dict[str, Json]


def text_of(document: Document) -> str:
    """Write an answer as the text beside its structured content."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def size_of(value: Json) -> int:
    """Count the bytes that a part takes up in a result: once as structure, once as text within JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode()) + len(json.dumps(text, ensure_ascii=False).encode())


def paginate(document: Document, *, rows: str, limit: int, offset: int) -> Document:
    """Take one page of a whole answer, the most important rows first."""
    listed = _in_order(rows, cast("list[Json]", document[rows]))
    shown = listed[offset : offset + limit]
    return {**document, rows: list(shown), **_note(total=len(listed), offset=offset, shown=len(shown))}


def truncate(document: Document, *, rows: str, offset: int, schema: Schema, most_bytes: int = MOST_BYTES) -> Document:
    """Cut what is too long in an answer until it fits, and it is still one of the schema; what was cut is said."""
    listed = cast("list[Json]", document[rows])
    beside = _shorten_beside({key: value for key, value in document.items() if key != rows})
    if len(listed) > 1:
        listed = [shorten(row, MOST_INSIDE) for row in listed]
    beside = cast("Document", _make_one_fit(beside, schema, most_bytes * 3 // 4))
    room = most_bytes - size_of(beside) - _FOR_THE_NOTE
    kept: list[Json] = []
    left = room
    for row in listed:
        left -= size_of(row) + 1
        if left < 0:
            break
        kept.append(row)
    if listed and not kept:
        kept = [_make_one_fit(listed[0], _member(_member(schema, "properties", rows), "items"), room)]
    if len(kept) == len(listed):
        return {**beside, rows: kept}
    total = beside.get("total")
    note = _note(total=total if isinstance(total, int) else len(listed), offset=offset, shown=len(kept))
    return {**beside, rows: kept, **note}


_FOR_THE_NOTE: Final = 400


def _in_order(rows: str, listed: list[Json]) -> list[Json]:
    worth = _ORDERED_BY.get(rows)
    if worth is None:
        return listed

    def importance(row: Json) -> tuple[bool, float]:
        fields = cast("Document", row)
        value = fields.get(worth)
        return fields.get("isUnderProvisioned") is not True, -value if isinstance(value, (int, float)) else 0

    return sorted(listed, key=importance)


def _note(*, total: int, offset: int, shown: int) -> Document:
    left = max(0, total - offset - shown)
    rest = f"{left} more: ask again with offset {offset + shown}" if left else None
    return {"total": total, "truncated": left > 0, "rest": rest}


def _shorten_beside(beside: Document) -> Document:
    warnings = beside.get("warnings")
    short = cast("Document", shorten(beside, MOST_BESIDE))
    if isinstance(warnings, list) and len(warnings) > MOST_WARNINGS:
        short["warnings"] = [*warnings[:MOST_WARNINGS], f"and {len(warnings) - MOST_WARNINGS} more warnings"]
        short.pop("warningsTotal", None)
    return short


_STEPS: Final = ((100, None), (50, 4000), (MOST_INSIDE, 1000), (3, 200), (1, 80), (0, 40))
"""Entries that a list may keep and characters that a text may, from the mildest cut to the hardest."""


def _make_one_fit(value: Json, schema: Schema, room: int) -> Json:
    """Cut one part that is too large by itself: first its lists, then its texts, at last what may have any members at all."""
    if size_of(value) <= room:
        return value
    short = value
    for entries, characters in _STEPS:
        short = shorten(value, entries)
        if characters is not None:
            short = _shorten_texts(short, schema, characters)
        if size_of(short) <= room:
            return short
    return _leave_out_free_forms(short, schema)


def _shorten_texts(value: Json, schema: Schema, most: int) -> Json:
    if isinstance(value, str):
        is_free = not schema.keys() & _NO_FREE_TEXT
        return f"{value[:most]}… ({len(value)} characters)" if is_free and len(value) > most else value
    if isinstance(value, list):
        return [_shorten_texts(one, _member(schema, "items"), most) for one in value]
    if isinstance(value, dict):
        return {key: _shorten_texts(one, _member(schema, "properties", key), most) for key, one in value.items()}
    return value


_NO_FREE_TEXT: Final = frozenset({"const", "enum", "format"})


def _leave_out_free_forms(value: Json, schema: Schema) -> Json:
    """Leave out the objects that a schema says nothing of, naming them in `leftOut`."""
    if not isinstance(value, dict):
        return value
    kept: Document = {}
    left_out: list[Json] = []
    for key, one in value.items():
        inner = _member(schema, "properties", key)
        if isinstance(one, dict | list) and one and "properties" not in inner and "items" not in inner:
            kept[key] = {} if isinstance(one, dict) else []
            left_out.append(key)
        else:
            kept[key] = _leave_out_free_forms(one, inner)
    return {**kept, "leftOut": left_out} if left_out else kept


def _member(schema: Schema, *path: str) -> Schema:
    """Answer what a schema says of a part; nothing when it says nothing."""
    found: Json = schema
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
