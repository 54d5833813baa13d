"""The one clock that ticks. Everything else is told what time it is."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Answer the present instant, aware, in UTC."""
    return datetime.now(timezone.utc)  # noqa: TID251 - the clock that everybody else is given
