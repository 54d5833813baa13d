"""Filters, order, fields and cursors of the Backstage catalog, over a list of entities. No I/O.

From the facts on `GET /entities/by-query`: repeated filter = OR, comma = AND, the same key repeated inside one value = IN,
a key alone = exists, case ignored; a cursor is base64 JSON with filter and order and must be sent back unchanged.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.errors import ApiError
from simulator.world import Record

_INDEXED_CHARACTERS: Final = 200
"""Longer values cannot be compared and longer keys are missing, as in the real search index."""

Clause = dict[str, list[str]]
"""AND over the keys. A key without values must exist; with values it must have one of them."""

Index = Mapping[str, list[str | None]]


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """Part of a listing."""

    items: tuple[Record, ...]
    total: int
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Query:
    """Filter, order and position of a listing: `after` is (order value, uid) of the last entity before the page."""

    clauses: list[Clause]
    order_field: str | None = None
    descending: bool = False
    after: tuple[str, str] | None = None
    backwards: bool = False

    def to_cursor(self, after: Sequence[str], *, backwards: bool, total: int) -> str:
        """Encode the position as Backstage does: base64 of JSON."""
        text = json.dumps(
            {
                "orderFields": [{"field": self.order_field, "order": "desc" if self.descending else "asc"}]
                if self.order_field
                else [],
                "isPrevious": backwards,
                "query": self.clauses,
                "orderFieldValues": list(after),
                "totalItems": total,
            }
        )
        return base64.b64encode(text.encode()).decode()

    @classmethod
    def from_cursor(cls, cursor: str) -> Query:
        """Decode a cursor. Raises a 400 for a malformed one."""
        try:
            decoded = json.loads(base64.b64decode(cursor, validate=True))
            order = decoded["orderFields"][0] if decoded["orderFields"] else {"field": None, "order": "asc"}
            value, uid = decoded["orderFieldValues"]
            return cls(
                clauses=decoded["query"],
                order_field=order["field"],
                descending=order["order"] == "desc",
                after=(value, uid),
                backwards=decoded["isPrevious"],
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ApiError(400, f"Malformed cursor: {error}", name="InputError") from error


def parse_filters(filters: Sequence[str]) -> list[Clause]:
    """Parse repeated `filter` parameters."""
    clauses: list[Clause] = []
    for text in filters:
        clause: Clause = {}
        for part in text.split(","):
            key, equals, value = part.strip().partition("=")
            if not key:
                raise ApiError(
                    400,
                    f"Invalid filter, {text!r} is not a valid statement (expected a string on the form a=b)",
                    name="InputError",
                )
            values = clause.setdefault(key.lower(), [])
            if equals:
                values.append(value.lower())
        clauses.append(clause)
    return clauses


def list_page(entries: Iterable[tuple[Record, Index]], query: Query, *, limit: int, offset: int = 0) -> ListPage:
    """Return one page of entities, each passed with its search index. With an order field, entities without it are left out."""
    placed: list[tuple[tuple[str, str], Record]] = []
    for entity, index in entries:
        if query.clauses and not any(_matches(index, clause) for clause in query.clauses):
            continue
        if query.order_field is None:
            placed.append((("", entity["metadata"]["uid"]), entity))
        elif values := [value for value in index.get(query.order_field.lower(), ()) if value is not None]:
            placed.append(((values[0], entity["metadata"]["uid"]), entity))
    placed.sort(key=lambda entry: entry[0][1])
    placed.sort(key=lambda entry: entry[0][0], reverse=query.descending)
    places = [place for place, _ in placed]
    first, last = _window(places, query, limit, offset)
    has_next, has_previous = last < len(placed), first > 0
    return ListPage(
        items=tuple(entity for _, entity in placed[first:last]),
        total=len(placed),
        next_cursor=query.to_cursor(places[last - 1], backwards=False, total=len(placed)) if has_next and last > first else None,
        previous_cursor=query.to_cursor(places[first], backwards=True, total=len(placed))
        if has_previous and last > first
        else None,
    )


def _window(places: Sequence[tuple[str, str]], query: Query, limit: int, offset: int) -> tuple[int, int]:
    if query.after is None:
        return offset, min(offset + limit, len(places))
    if query.backwards:
        end = sum(_is_before(place, query.after, query) for place in places)
        return max(0, end - limit), end
    start = sum(not _is_before(query.after, place, query) for place in places)
    return start, min(start + limit, len(places))


def _is_before(one: tuple[str, str], other: tuple[str, str], query: Query) -> bool:
    if one[0] == other[0]:
        return one[1] < other[1]
    return (one[0] > other[0]) if query.descending else (one[0] < other[0])


def index_entity(entity: Record) -> Index:
    """Return the search index: lower-case dotted key to lower-case values; None for a value that is too long."""
    index: dict[str, list[str | None]] = defaultdict(list)
    for path, value in _walk(entity, ""):
        if len(path) <= _INDEXED_CHARACTERS:
            index[path.lower()].append(value.lower() if len(value) <= _INDEXED_CHARACTERS else None)
    for relation in entity.get("relations", ()):
        index[f"relations.{relation['type']}".lower()].append(relation["targetRef"].lower())
    return index


def _walk(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, inner in value.items():
                if path or key != "relations":
                    yield from _walk(inner, f"{path}.{key}" if path else key)
        case list():
            for item in value:
                yield from _walk(item, path)
                if isinstance(item, str):
                    yield f"{path}.{item}", "true"
        case None:
            return
        case bool():
            yield path, str(value).lower()
        case _:
            yield path, str(value)


def _matches(index: Index, clause: Clause) -> bool:
    return all(key in index and (not values or any(value in values for value in index[key])) for key, values in clause.items())


def pick_fields(entity: Record, fields: Sequence[str]) -> Record:
    """Return only these dotted paths of the entity; keys (annotations) may contain dots. Without fields: the whole entity."""
    if not fields:
        return entity
    picked: Record = {}
    for field in fields:
        _copy(entity, picked, field.strip())
    return picked


def _copy(source: Record, target: Record, path: str) -> None:
    if path in source:
        target[path] = source[path]
        return
    for key, inner in source.items():
        if path.startswith(f"{key}.") and isinstance(inner, dict):
            branch: Record = dict(target.get(key, {}))
            _copy(inner, branch, path[len(key) + 1 :])
            if branch:
                target[key] = branch
            return
