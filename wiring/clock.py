"""The only clock of the product. Everything else gets the time as an argument."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(timezone.utc)  # noqa: TID251 - the clock that is passed to everything else
