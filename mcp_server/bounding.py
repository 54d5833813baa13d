"""Answers that fit into a model's window: the most important rows first, as many as there is room for, and how to get the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from actions.history_reports import shorten
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


def cut_page(document: Document, *, rows: str, limit: int, offset: int) -> Document:
    """Take one page of a whole answer, the most important rows first."""
    listed = _in_order(rows, cast("list[Json]", document[rows]))
    shown = listed[offset : offset + limit]
    return {**document, rows: list(shown), **_note(total=len(listed), offset=offset, shown=len(shown))}


def make_fit(document: Document, *, rows: str, offset: int, most_bytes: int = MOST_BYTES) -> Document:
    """Cut what is too long in an answer until it fits; what was cut is said."""
    listed = cast("list[Json]", document[rows])
    beside = _shorten_beside({key: value for key, value in document.items() if key != rows})
    if len(listed) > 1:
        listed = [shorten(row, MOST_INSIDE) for row in listed]
    for most in (MOST_INSIDE, 5, 3, 1, 0):
        if size_of(beside) <= most_bytes * 3 // 4:
            break
        beside = cast("Document", shorten(beside, most))
    room = most_bytes - size_of(beside) - _FOR_THE_NOTE
    kept: list[Json] = []
    for row in listed:
        room -= size_of(row) + 1
        if room < 0:
            break
        kept.append(row)
    if listed and not kept:
        kept = [_make_row_fit(listed[0], most_bytes - size_of(beside) - _FOR_THE_NOTE)]
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


def _make_row_fit(row: Json, room: int) -> Json:
    """Cut one row that is too large by itself: first its lists, then its largest values, each named in `leftOut`."""
    for most in (100, 50, MOST_INSIDE, 3, 1):
        short = shorten(row, most)
        if size_of(short) <= room:
            return short
    fields = dict(cast("Document", row))
    left_out: list[Json] = []
    for name in sorted(fields, key=lambda key: size_of(fields[key]), reverse=True):
        if size_of(fields) <= room:
            break
        fields[name] = None
        left_out.append(name)
        fields["leftOut"] = left_out
    return fields
