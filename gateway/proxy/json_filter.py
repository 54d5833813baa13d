"""What is done to an upstream answer: nothing, but for the member that the frontend crashes without, and rows that are not the caller's.

Both work on the text. What is kept is kept byte for byte: numbers are not read and written again. A list is read element by element,
for a thread that reads a large one lets others have their turn between two elements only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_SCAN: Final = json.JSONDecoder()

Row = dict[str, Any]


class UnparseableJson(Exception):
    """The answer is not of the shape that it must have for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Where a value stands in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRows:
    """The objects in a member's array, and the text around and between them."""

    body: bytes
    before: str
    after: str
    entries: Sequence[tuple[Row, str]]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Answer the objects."""
        return tuple(row for row, _ in self.entries)

    def keeping(self, keep: Callable[[Row], bool]) -> bytes:
        """Answer the body without the rows that are not kept; what remains is as it was, byte for byte."""
        kept = [text for row, text in self.entries if keep(row)]
        if len(kept) == len(self.entries):
            return self.body
        return f"{self.before}[{','.join(kept)}]{self.after}".encode()


def is_as_usual(body: bytes, member: str) -> bool:
    """Say whether a body begins with the member, as it nearly always does: then there is nothing to put right."""
    head = b'{"%s":' % member.encode()
    return body.startswith((head + b"[", head + b"{"))


def repair(body: bytes, member: str, *, empty: bytes) -> bytes:
    """Answer the body with the member there: an empty one when it is null or missing; a bare array becomes the member itself.

    Any other body, and one that is no JSON object, is answered as it is.
    """
    if is_as_usual(body, member):
        return body
    head = b'{"%s":' % member.encode()
    try:
        text = body.decode("utf-8")
        start = _after_blanks(text, 0)
        match text[start : start + 1]:
            case "[" if empty == b"[]":
                _require_end(text, _end_of(text, start))
                return head + body.strip() + b"}"
            case "n" if text.strip() == "null":
                return head + empty + b"}"
            case "{":
                return _repair_object(text, start, member, empty.decode()).encode()
    except (UnparseableJson, UnicodeDecodeError):
        pass  # an answer that is no JSON is passed as it is; there is nothing in it to put right
    return body


def read_rows(body: bytes, member: str) -> JsonRows:
    """Read the objects in the member's array.

    Raises:
        Unreadable: the body is no JSON object with such an array of objects.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        message = "the answer is no UTF-8"
        raise UnparseableJson(message) from None
    start = _after_blanks(text, 0)
    if text[start : start + 1] != "{":
        message = "the answer is no JSON object"
        raise UnparseableJson(message)
    entries: list[tuple[Row, str]] = []

    def read(row: object, begin: int, end: int) -> None:
        if not isinstance(row, dict):
            message = "a row of the answer is no object"
            raise UnparseableJson(message)
        entries.append((row, text[begin:end]))

    members, end = _members(text, start, {member: read})
    _require_end(text, end)
    span = members.get(member)
    if span is None or text[span.start] != "[":
        message = f"the answer holds no list {member}"
        raise UnparseableJson(message)
    return JsonRows(body=body, before=text[: span.start], after=text[span.end :], entries=entries)


def _repair_object(text: str, start: int, member: str, empty: str) -> str:
    members, end = _members(text, start, {})
    _require_end(text, end)
    span = members.get(member)
    if span is None:
        comma = "," if members else ""
        return f"{text[: end - 1]}{comma}{json.dumps(member)}:{empty}{text[end - 1 :]}"
    if text[span.start : span.end] == "null":
        return text[: span.start] + empty + text[span.end :]
    return text


Told = Callable[[object, int, int], None]
"""Hears an element, where it begins and where it ends."""


def _members(text: str, start: int, listening: Mapping[str, Told]) -> tuple[dict[str, _Span], int]:
    """Answer where each member's value stands, and where the object ends. Who listens to a member hears the elements of its array."""
    members: dict[str, _Span] = {}
    at = _after_blanks(text, start + 1)
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise _no_json()
        name, at = _value(text, at)
        at = _after_blanks(text, at)
        if text[at : at + 1] != ":":
            raise _no_json()
        begin = _after_blanks(text, at + 1)
        if name in members:
            message = f"the answer holds {name} twice"
            raise UnparseableJson(message)
        at = _end_of(text, begin, listening.get(name))
        members[name] = _Span(start=begin, end=at)
        at = _after_blanks(text, at)
        if text[at : at + 1] == "}":
            return members, at + 1
        if text[at : at + 1] != ",":
            raise _no_json()
        at = _after_blanks(text, at + 1)


def _end_of(text: str, start: int, tell: Told | None = None) -> int:
    """Answer where a value ends; an array is read element by element."""
    if text[start : start + 1] != "[":
        return _value(text, start)[1]
    at = _after_blanks(text, start + 1)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        value, end = _value(text, at)
        if tell is not None:
            tell(value, at, end)
        at = _after_blanks(text, end)
        if text[at : at + 1] == "]":
            return at + 1
        if text[at : at + 1] != ",":
            raise _no_json()
        at = _after_blanks(text, at + 1)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _SCAN.raw_decode(text, at)
    except (ValueError, RecursionError):
        raise _no_json() from None


def _no_json() -> UnparseableJson:
    message = "the answer is no JSON"
    return UnparseableJson(message)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


def _require_end(text: str, at: int) -> None:
    if _after_blanks(text, at) != len(text):
        message = "something follows the answer's JSON"
        raise UnparseableJson(message)
