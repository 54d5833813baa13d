"""Responses of the pages: HTML without scripts under a strict policy, and their tables as CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from domain.messages import Json
from gateway.responses import GatewayResponse, Header, bad_request, not_found
from reports.render.tables import PageTable, find_table, write_csv, write_json

SAFE_HEADERS: Final[Sequence[Header]] = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"private, no-store"))
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action {}; frame-ancestors 'none'"
)
_EXPORTS: Final = {"csv": (write_csv, b"text/csv; charset=utf-8"), "json": (write_json, b"application/json; charset=utf-8")}


def html_response(html: bytes, *, status: HTTPStatus = HTTPStatus.OK, has_form: bool = False) -> GatewayResponse:
    """Return a page. With a form its referrer policy is same-origin: with no-referrer browsers send the form's Origin as null."""
    target, referrer = ("'self'", b"same-origin") if has_form else ("'none'", b"no-referrer")
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", _POLICY.format(target).encode()),
        (b"referrer-policy", referrer),
        *SAFE_HEADERS,
    )
    return GatewayResponse(status=status, headers=headers, body=html)


def export_response(
    tables: Sequence[PageTable], query: bytes, *, whole: Callable[[], Mapping[str, Json] | None] = lambda: None
) -> GatewayResponse | None:
    """Return the table that `?format=csv|json&table=NAME` asks for, by default the first; None without a format.

    Args:
        tables: of the page.
        query: of the request.
        whole: returns the page as one JSON object, which `?format=json` without a table is; None: the first table is.

    Raises:
        HttpError: 400 for another format, 404 for a table that the page has not.
    """
    asked = parse_qs(query.decode("latin-1"))
    if "format" not in asked:
        return None
    name = asked["format"][-1]
    if name not in _EXPORTS:
        message = f"format must be one of {', '.join(_EXPORTS)}"
        raise bad_request(message)
    if name == "json" and "table" not in asked and (document := whole()) is not None:
        return _attachment(json.dumps(document, ensure_ascii=False, indent=1), "page.json", _EXPORTS[name][1])
    table = find_table(tables, asked["table"][-1] if "table" in asked else None)
    if table is None:
        message = f"the page has no such table; its tables: {', '.join(one.name for one in tables) or 'none'}"
        raise not_found(message)
    write, content_type = _EXPORTS[name]
    return _attachment(write(table), f"{table.name}.{name}", content_type)


def _attachment(text: str, filename: str, content_type: bytes) -> GatewayResponse:
    headers = (
        (b"content-type", content_type),
        (b"content-disposition", f'attachment; filename="{filename}"'.encode()),
        (b"referrer-policy", b"no-referrer"),
        *SAFE_HEADERS,
    )
    return GatewayResponse(status=HTTPStatus.OK, headers=headers, body=text.encode())
