"""Bounds outputs to a model's context window: the most important rows that fit, and how to get the rest.

A bounded output still matches its schema: clients validate it, and drop one that does not match.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from actions.schemas import Schema
from actions.shortening import shorten
from domain.messages import Json

MAX_BYTES: Final = 68_000
"""Of one result, JSON text and structured content together: clients cut off at about 25,000 tokens."""
MAX_WARNINGS: Final = 20
MAX_SIDE_LISTS: Final = 50
"""Entries of any list other than the rows."""
MAX_NESTED: Final = 10
"""Entries of a list inside a row, if there are several rows."""

_SORT_KEYS: Final[Mapping[str, str]] = {
    "workloads": "savingsAvailable",
    "costAnalysis": "totalCost",
    "workloadNetworkData": "totalNetworkCost",
}
"""The field by which the rows of a live output are sorted, largest first; other outputs are sorted already."""

Document = dict[str, Json]


def text_of(document: Document) -> str:
    """Return an output as the text of a result."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def size_of(value: Json) -> int:
    """Return the bytes of a value in a result: once as structured content, once as text within JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode()) + len(json.dumps(text, ensure_ascii=False).encode())


def paginate(document: Document, *, rows: str, limit: int, offset: int) -> Document:
    """Return one page of a complete output, the most important rows first."""
    listed = _sorted(rows, cast("list[Json]", document[rows]))
    shown = listed[offset : offset + limit]
    return {**document, rows: list(shown), **_page_info(total=len(listed), offset=offset, shown=len(shown))}


def truncate(document: Document, *, rows: str, offset: int, schema: Schema, max_bytes: int = MAX_BYTES) -> Document:
    """Cut an output until it fits and still matches its schema; `total`, `truncated` and `rest` say what was cut."""
    listed = cast("list[Json]", document[rows])
    sides = _trim_side_lists({key: value for key, value in document.items() if key != rows})
    if len(listed) > 1:
        listed = [shorten(row, MAX_NESTED) for row in listed]
    sides = cast("Document", _shrink(sides, schema, max_bytes * 3 // 4))
    room = max_bytes - size_of(sides) - _PAGE_INFO_BYTES
    kept: list[Json] = []
    left = room
    for row in listed:
        left -= size_of(row) + 1
        if left < 0:
            break
        kept.append(row)
    if listed and not kept:
        kept = [_shrink(listed[0], _member(_member(schema, "properties", rows), "items"), room)]
    if len(kept) == len(listed):
        return {**sides, rows: kept}
    total = sides.get("total")
    page_info = _page_info(total=total if isinstance(total, int) else len(listed), offset=offset, shown=len(kept))
    return {**sides, rows: kept, **page_info}


_PAGE_INFO_BYTES: Final = 400


def _sorted(rows: str, listed: list[Json]) -> list[Json]:
    sort_key = _SORT_KEYS.get(rows)
    if sort_key is None:
        return listed

    def order(row: Json) -> tuple[bool, float]:
        fields = cast("Document", row)
        value = fields.get(sort_key)
        return fields.get("isUnderProvisioned") is not True, -value if isinstance(value, (int, float)) else 0

    return sorted(listed, key=order)


def _page_info(*, total: int, offset: int, shown: int) -> Document:
    left = max(0, total - offset - shown)
    rest = f"{left} more: repeat with offset {offset + shown}" if left else None
    return {"total": total, "truncated": left > 0, "rest": rest}


def _trim_side_lists(sides: Document) -> Document:
    warnings = sides.get("warnings")
    short = cast("Document", shorten(sides, MAX_SIDE_LISTS))
    if isinstance(warnings, list) and len(warnings) > MAX_WARNINGS:
        short["warnings"] = [*warnings[:MAX_WARNINGS], f"and {len(warnings) - MAX_WARNINGS} more warnings"]
        short.pop("warningsTotal", None)
    return short


_STEPS: Final = ((100, None), (50, 4000), (MAX_NESTED, 1000), (3, 200), (1, 80), (0, 40))
"""Maximum entries of a list and characters of a text, from the mildest cut to the hardest."""


def _shrink(value: Json, schema: Schema, room: int) -> Json:
    """Cut a value that does not fit: first its lists, then its texts, at last its free-form objects."""
    if size_of(value) <= room:
        return value
    short = value
    for entries, characters in _STEPS:
        short = shorten(value, entries)
        if characters is not None:
            short = _shorten_texts(short, schema, characters)
        if size_of(short) <= room:
            return short
    return _drop_free_forms(short, schema)


def _shorten_texts(value: Json, schema: Schema, max_length: int) -> Json:
    if isinstance(value, str):
        is_free = not schema.keys() & _NO_FREE_TEXT
        return f"{value[:max_length]}… ({len(value)} characters)" if is_free and len(value) > max_length else value
    if isinstance(value, list):
        return [_shorten_texts(one, _member(schema, "items"), max_length) for one in value]
    if isinstance(value, dict):
        return {key: _shorten_texts(one, _member(schema, "properties", key), max_length) for key, one in value.items()}
    return value


_NO_FREE_TEXT: Final = frozenset({"const", "enum", "format"})


def _drop_free_forms(value: Json, schema: Schema) -> Json:
    """Drop the objects and lists whose content has no schema, and name them in `leftOut`."""
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
            kept[key] = _drop_free_forms(one, inner)
    return {**kept, "leftOut": left_out} if left_out else kept


def _member(schema: Schema, *path: str) -> Schema:
    found: Json = schema
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
