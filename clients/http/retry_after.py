"""Retry-After, for every client that meets a 429 or 503."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str] | Message) -> float | None:
    """Parse Retry-After: seconds, or a date relative to the Date of the same response (RFC 9110, 10.2.3).

    Returns:
        None if the header is missing or cannot be parsed.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))).total_seconds())
    except (ValueError, TypeError):
        return None
