"""The notice to the platform channel that watch sweeps have failed for an hour, and the one that they succeed again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.clock import format_utc
from domain.messages import Message
from domain.problems import Runbook
from domain.routes import Route, platform_route
from domain.sweeps import WatchSweep
from reports.formatting import format_interval
from reports.notices import platform_notice
from store import Transaction
from tasks.context import Policy

NOTIFY_AFTER: Final = timedelta(hours=1)
ALL_KEPT: Final = 200
"""Two days of watch sweeps, all that are kept."""


def failure_notice(transaction: Transaction, policy: Policy, now: datetime) -> Message | None:
    """Return the notice that is due when a watch sweep was closed, or None. Its key makes it one per series of failures."""
    closed = transaction.watch_sweeps.closed(limit=ALL_KEPT)
    route = platform_route(policy.routes)
    if not closed or not isinstance(route, Route):
        return None
    is_failing = bool(closed[0].failure)
    series = failures(closed if is_failing else closed[1:])
    if not series or closed[0].as_of - series[-1].as_of < NOTIFY_AFTER:
        return None
    since = format_utc(series[-1].as_of)
    if is_failing:
        state, title = "failing", f"Watch sweeps have failed since {since}"
        lines = [
            f"The last reason: {closed[0].failure}.",
            f"Workloads in danger are found by full sweeps only, every {format_interval(policy.collect_every)}, until this ends. No alert has changed.",
        ]
    elif series[0].as_of - series[-1].as_of >= NOTIFY_AFTER:
        state, title = "succeeding", f"Watch sweeps succeed again, after failures since {since}"
        lines = [f"Workloads in danger are found within {format_interval(policy.watch_every)} again."]
    else:
        return None
    return platform_notice(
        key=f"watch-sweeps:{state}:{series[-1].as_of:%Y-%m-%dT%H:%MZ}",
        title=title,
        lines=lines,
        reason="Watch sweeps that fail for an hour are reported once, and once when they succeed again.",
        runbooks=[Runbook.WATCH_SWEEPS],
        route=route,
        pages=policy.pages,
        now=now,
    )


def failures(newest_first: Sequence[WatchSweep]) -> Sequence[WatchSweep]:
    """Return the series of failed watch sweeps up to now, newest first; empty if the newest succeeded."""
    ends = next((number for number, sweep in enumerate(newest_first) if not sweep.failure), len(newest_first))
    return newest_first[:ends]
