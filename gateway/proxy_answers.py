"""What is done to an upstream answer: nothing, but for the member that the frontend crashes without, and rows that are not the caller's.

Both work on the text. What is kept is kept byte for byte: numbers are not read and written again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_SCAN: Final = json.JSONDecoder()

Row = dict[str, Any]


class Unreadable(Exception):
    """The answer is not of the shape that it must have for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Where a value stands in the text."""

    start: int
    end: int


def repair(body: bytes, member: str, *, empty: bytes) -> bytes:
    """Answer the body with the member there: an empty one when it is null or missing; a bare array becomes the member itself.

    Any other body, and one that is no JSON object, is answered as it is.
    """
    head = b'{"%s":' % member.encode()
    if body.startswith((head + b"[", head + b"{")):  # how it nearly always is: nothing to put right
        return body
    try:
        text = body.decode("utf-8")
        start = _after_blanks(text, 0)
        match text[start : start + 1]:
            case "[" if empty == b"[]":
                _, end = _value(text, start)
                _require_end(text, end)
                return head + body.strip() + b"}"
            case "n" if text.strip() == "null":
                return head + empty + b"}"
            case "{":
                return _repair_object(text, start, member, empty.decode()).encode()
    except (Unreadable, UnicodeDecodeError):
        pass  # an answer that is no JSON is passed as it is; there is nothing in it to put right
    return body


def _repair_object(text: str, start: int, member: str, empty: str) -> str:
    members, end = _members(text, start)
    _require_end(text, end)
    span = members.get(member)
    if span is None:
        comma = "," if members else ""
        return f"{text[: end - 1]}{comma}{json.dumps(member)}:{empty}{text[end - 1 :]}"
    if text[span.start : span.end] == "null":
        return text[: span.start] + empty + text[span.end :]
    return text


def rows_of(body: bytes, member: str) -> tuple[Row, ...]:
    """Answer the objects in the member's array. Raises Unreadable."""
    _, rows, _ = _split(body, member)
    return tuple(row for row, _ in rows)


def keep_rows(body: bytes, member: str, keep: Callable[[Row], bool]) -> bytes:
    """Answer the body without the rows of the member's array that are not kept; what remains is as it was, byte for byte.

    Raises:
        Unreadable: the body is no JSON object with such an array of objects.
    """
    before, rows, after = _split(body, member)
    kept = [text for row, text in rows if keep(row)]
    if len(kept) == len(rows):
        return body
    return f"{before}[{','.join(kept)}]{after}".encode()


def _split(body: bytes, member: str) -> tuple[str, list[tuple[Row, str]], str]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        message = "the answer is no UTF-8"
        raise Unreadable(message) from None
    start = _after_blanks(text, 0)
    if text[start : start + 1] != "{":
        message = "the answer is no JSON object"
        raise Unreadable(message)
    members, end = _members(text, start)
    _require_end(text, end)
    span = members.get(member)
    if span is None or text[span.start] != "[":
        message = f"the answer holds no list {member}"
        raise Unreadable(message)
    return text[: span.start], _rows(text, span.start), text[span.end :]


def _rows(text: str, start: int) -> list[tuple[Row, str]]:
    rows: list[tuple[Row, str]] = []
    at = _after_blanks(text, start + 1)
    if text[at : at + 1] == "]":
        return rows
    while True:
        value, end = _value(text, at)
        if not isinstance(value, dict):
            message = "a row of the answer is no object"
            raise Unreadable(message)
        rows.append((value, text[at:end]))
        at = _after_blanks(text, end)
        if text[at : at + 1] == "]":
            return rows
        at = _after_blanks(text, at + 1)


def _members(text: str, start: int) -> tuple[dict[str, _Span], int]:
    """Answer where each member's value stands, and where the object ends."""
    members: dict[str, _Span] = {}
    at = _after_blanks(text, start + 1)
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        if text[at : at + 1] != '"':
            message = "the answer is no JSON"
            raise Unreadable(message)
        name, at = _value(text, at)
        at = _after_blanks(text, at)
        if text[at : at + 1] != ":":
            message = "the answer is no JSON"
            raise Unreadable(message)
        begin = _after_blanks(text, at + 1)
        _, at = _value(text, begin)
        if name in members:
            message = f"the answer holds {name} twice"
            raise Unreadable(message)
        members[name] = _Span(start=begin, end=at)
        at = _after_blanks(text, at)
        if text[at : at + 1] == "}":
            return members, at + 1
        if text[at : at + 1] != ",":
            message = "the answer is no JSON"
            raise Unreadable(message)
        at = _after_blanks(text, at + 1)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _SCAN.raw_decode(text, at)
    except (ValueError, RecursionError):
        message = "the answer is no JSON"
        raise Unreadable(message) from None


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


def _require_end(text: str, at: int) -> None:
    if _after_blanks(text, at) != len(text):
        message = "something follows the answer's JSON"
        raise Unreadable(message)
