"""Documents with their long lists cut."""

from __future__ import annotations

from typing import Final

from domain.messages import Json

MAX_LISTED: Final = 12
"""Entries of a list in the short output; a report's trend has as many weeks."""


def shorten(value: Json, max_entries: int = MAX_LISTED) -> Json:
    """Cut every list in a document to its first entries, and add `<list>Total` with its full length."""
    if isinstance(value, list):
        return [shorten(one, max_entries) for one in value[:max_entries]]
    if not isinstance(value, dict):
        return value
    short: dict[str, Json] = {}
    for key, one in value.items():
        short[key] = shorten(one, max_entries)
        if isinstance(one, list) and len(one) > max_entries:
            short.setdefault(f"{key}Total", value.get(f"{key}Total", len(one)))
    return short
