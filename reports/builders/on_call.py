"""What on-call was paged for in the week, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from domain.money import format_count
from domain.refs import EntityRef
from reports.facts import OpenedAlert
from reports.findings import RULE_TITLES
from reports.formatting import clip, format_moment

MAX_PAGES: Final = 3
_MAX_NAME: Final = 60


def describe_pages(
    opened: Iterable[OpenedAlert], *, title_of: Callable[[EntityRef], str], since: datetime, until: datetime, zone: str
) -> str:
    """Return how many pages were sent between two instants, and the first of them."""
    pages = [one for one in opened if one.is_page and since < one.as_of <= until]
    if not pages:
        return "No page."
    listed = "; ".join(
        f"{clip(title_of(one.about), _MAX_NAME)}, {RULE_TITLES[one.rule]} ({format_moment(one.as_of, zone)})"
        for one in pages[:MAX_PAGES]
    )
    more = f"; and {len(pages) - MAX_PAGES:,} more" if len(pages) > MAX_PAGES else ""
    return f"{format_count(len(pages), 'page')}: {listed}{more}."
