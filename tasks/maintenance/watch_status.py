"""The status of watch sweeps, from the store alone: the newest one, and how often a danger is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.problems import Problem, Runbook
from domain.sweeps import WatchSweep, reached_interval
from reports.formatting import format_instant, format_interval
from store import Transaction
from tasks.collect.watch_notices import ALL_KEPT, NOTIFY_AFTER, failures

MAX_SILENCE: Final = timedelta(hours=2)
"""Without a look for danger for this long, or for four slots, watch sweeps have stopped."""
_SLOTS: Final = 4


@dataclass(frozen=True, kw_only=True)
class WatchStatus:
    """The newest watch sweep, and how often a danger is looked for."""

    newest: WatchSweep
    cadence: timedelta | None
    """Between the two newest sweeps of either kind that succeeded; None: fewer than two."""
    last_look: datetime | None
    """The newest of them."""
    failing_since: datetime | None


def read_watch_status(transaction: Transaction) -> WatchStatus | None:
    """Return the status of watch sweeps; None if none was closed yet."""
    closed = transaction.watch_sweeps.closed(limit=ALL_KEPT)
    if not closed:
        return None
    failed = failures(closed)
    looks = looks_for_danger(transaction)
    return WatchStatus(
        newest=closed[0],
        cadence=reached_interval(looks),
        last_look=max(looks, default=None),
        failing_since=failed[-1].as_of if failed else None,
    )


def looks_for_danger(transaction: Transaction) -> tuple[datetime, ...]:
    """Return the newest sweeps of each kind that looked for danger: closed full sweeps, and watch sweeps that succeeded."""
    watched = [sweep.as_of for sweep in transaction.watch_sweeps.closed(limit=ALL_KEPT) if not sweep.failure][:2]
    newest = transaction.sweeps.newest_closed()
    before = transaction.sweeps.closed_before(newest.as_of) if newest is not None else None
    return (*watched, *(sweep.as_of for sweep in (newest, before) if sweep is not None))


def describe_watch(status: WatchStatus | None, *, every: timedelta) -> str:
    """Return how often a danger is looked for, as a sentence without its end. `every`: WORKER_WATCH_EVERY."""
    if not every:
        return "switched off (WORKER_WATCH_EVERY=0)"
    planned = f"every {format_interval(every)}"
    if status is None:
        return f"{planned}; none was done yet"
    newest = status.newest
    if status.failing_since is not None:
        since = format_instant(status.failing_since, "UTC")
        return f"{planned}; the newest, of {format_instant(newest.as_of, 'UTC')}, failed, as all since {since}: {newest.failure}"
    reached = "" if status.cadence is None else f", {format_interval(status.cadence)} after the sweep before"
    return f"{planned}; the newest, of {format_instant(newest.as_of, 'UTC')}, by {newest.source}{reached}"


def watch_problems(status: WatchStatus | None, *, every: timedelta, now: datetime) -> Iterator[Problem]:
    """Yield a problem if watch sweeps have failed for an hour, or are not done any more."""
    if status is None or not every:
        return
    if status.failing_since is not None and status.newest.as_of - status.failing_since >= NOTIFY_AFTER:
        since = format_instant(status.failing_since, "UTC")
        yield Problem(runbook=Runbook.WATCH_SWEEPS, sentence=f"watch sweeps have failed since {since}: {status.newest.failure}")
    elif status.last_look is not None and now - status.last_look > max(MAX_SILENCE, _SLOTS * every):
        since = format_instant(status.last_look, "UTC")
        yield Problem(runbook=Runbook.WATCH_SWEEPS, sentence=f"no sweep has looked for workloads in danger since {since}")
