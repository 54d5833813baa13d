"""One sweep measured by many workers: the chunks that are outstanding, and the measuring of one chunk.

    tick ──> slot's sweep opened and listed ──> chunks enqueued
      │                                             │ measured by any worker; the last one closes the sweep
      └── no outcome for STALLED_AFTER ──> outstanding chunks enqueued again

The rows are the work list: a message that is lost, doubled, late or out of order costs one look at them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from actions.live.bulk_costs import BulkCosts
from actions.live.sweep_memo import MemoizedScaleOps
from actions.ports import ScaleOps
from domain.messages import Json
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import Sweep
from store import HeartbeatKind, SweepClosed, Transaction
from tasks.collect.bulk_withdrawal import withdraw_untrusted
from tasks.collect.closing import close
from tasks.collect.measuring import MeasurePool, SweepMeasurer
from tasks.collect.stage import open_sweep
from tasks.context import StageContext
from tasks.spans import sweep_span
from tasks.timings import CHUNK_SIZE

STALLED_AFTER: Final = timedelta(minutes=2)
"""Without another outcome for this long, the messages of a sweep count as lost."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some components of one sweep: keys and an instant, as a message may carry them."""

    as_of: datetime
    refs: tuple[EntityRef, ...]


@dataclass(frozen=True, kw_only=True)
class AdvanceResult:
    """What the current sweep needs next."""

    chunks: tuple[Chunk, ...] = ()
    """To be measured now."""
    closed: tuple[Sweep, ...] = ()
    """Sweeps closed by this call; they can be evaluated."""
    opened: Sweep | None = None
    """The sweep whose chunks are enqueued for the first time."""


def advance_sweep(context: StageContext, *, size: int = CHUNK_SIZE) -> AdvanceResult:
    """Do what the current slot's sweep needs next, mostly nothing. To be called repeatedly.

    Raises:
        CollectFailed: the catalog cannot be listed.
        StoreUnavailable: the database cannot be used.
    """
    opened = open_sweep(context)
    sweep, closed = opened.sweep, opened.closed_overdue
    if sweep.closed_at is not None:
        return AdvanceResult(closed=closed)
    finished = close_if_complete(context, sweep.as_of)
    if finished is not None:
        return AdvanceResult(closed=(*closed, finished))
    now = context.clock()
    with context.store.transaction() as transaction:
        is_new, is_due = _record_progress(transaction, sweep, now)
        refs = _outstanding(transaction, sweep.as_of) if is_due else ()
    chunks = tuple(Chunk(as_of=sweep.as_of, refs=refs[start : start + size]) for start in range(0, len(refs), size))
    return AdvanceResult(chunks=chunks, closed=closed, opened=sweep if is_new else None)


def measure_chunk(
    context: StageContext,
    chunk: Chunk,
    *,
    memoize: Callable[[ScaleOps], ScaleOps] = MemoizedScaleOps,
    may_begin: Callable[[], bool] = lambda: True,
    pool: MeasurePool | None = None,
    bulk_costs: BulkCosts | None = None,
) -> Sweep | None:
    """Measure the components of a chunk that are not measured yet; return the sweep if that completed and closed it.

    Raises:
        CollectFailed: ScaleOps is unavailable. The sweep stays open.
        StoreUnavailable: the database cannot be used.
    """
    with sweep_span(context.tracer, "measure", chunk.as_of):
        with context.store.reading() as transaction:
            sweep = transaction.sweeps.get(chunk.as_of)
            if sweep is None or sweep.closed_at is not None:
                return None
            outcomes = transaction.snapshots.outcomes_of(chunk.refs, chunk.as_of)
            components = transaction.components.by_refs(chunk.refs)
        outstanding = [component for component in components if outcomes.get(component.ref) is not Outcome.MEASURED]
        if outstanding:
            with suppress(SweepClosed):  # a tick closed it at its deadline
                SweepMeasurer(context, sweep, memoize=memoize, may_begin=may_begin, pool=pool, bulk_costs=bulk_costs).run(
                    iter(outstanding)
                )
        return close_if_complete(context, chunk.as_of)


def close_if_complete(context: StageContext, as_of: datetime) -> Sweep | None:
    """Close a sweep in which every component has an outcome. Return None if it is incomplete or already closed.

    If the share of unknown outcomes is an outage, it stays open and is enqueued again until its deadline, so that a ScaleOps
    that is down for minutes does not cost the whole slot. It is closed once nothing is unknown, or when retrying changes nothing.
    """
    now = context.clock()
    with suppress(SweepClosed):
        if withdraw_untrusted(context.store, as_of):
            return None
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
        if sweep is None or sweep.closed_at is not None:
            return None
        if transaction.snapshots.count(as_of) < transaction.components.count():
            return None
        outcomes = transaction.snapshots.outcomes(as_of)
        if any(ref not in outcomes for ref in transaction.components.refs()):
            return None
        if is_worth_retrying(outcomes, before=_measured_before(transaction, as_of), share=context.policy.alerts.outage_share):
            return None
        if Outcome.UNKNOWN in outcomes.values() and _is_retrying(transaction, as_of, now):
            return None
    return close(context, as_of, now=now, missing_because="it joined the catalog while the sweep was closed")


def is_worth_retrying(outcomes: Mapping[EntityRef, Outcome], *, before: Collection[EntityRef], share: Decimal) -> bool:
    """Return True if more than `share` of those measured `before` is unknown now; of all, when none was."""
    compared = [outcome for ref, outcome in outcomes.items() if ref in before] or list(outcomes.values())
    return compared.count(Outcome.UNKNOWN) > share * len(compared)


def _measured_before(transaction: Transaction, as_of: datetime) -> frozenset[EntityRef]:
    last = transaction.sweeps.closed_before(as_of)
    outcomes = {} if last is None else transaction.snapshots.outcomes(last.as_of)
    return frozenset(ref for ref, outcome in outcomes.items() if outcome is Outcome.MEASURED)


def _is_retrying(transaction: Transaction, as_of: datetime, now: datetime) -> bool:
    """Return True if chunks were enqueued again after an outage, and still make progress."""
    last = transaction.heartbeats.last("collect", HeartbeatKind.PROGRESS)
    if last is None or last.details.get("as_of") != as_of.isoformat():
        return False
    return last.details.get("complete") is True and now - last.at < STALLED_AFTER


def _record_progress(transaction: Transaction, sweep: Sweep, now: datetime) -> tuple[bool, bool]:
    """Return whether the sweep is new, and whether its outstanding chunks are due; record when it last progressed.

    Progress is another outcome; once every component has one and the sweep is still open, another measured component.
    """
    slot = sweep.as_of.isoformat()
    outcomes = transaction.snapshots.count(sweep.as_of)
    complete = 0 < transaction.components.count() <= outcomes
    if complete:
        outcomes = list(transaction.snapshots.outcomes(sweep.as_of).values()).count(Outcome.MEASURED)
    last = transaction.heartbeats.last("collect", HeartbeatKind.PROGRESS)
    is_new = last is None or last.details.get("as_of") != slot
    has_moved = last is not None and (last.details.get("outcomes"), last.details.get("complete", False)) != (outcomes, complete)
    is_due = is_new or (last is not None and not has_moved and now - last.at >= STALLED_AFTER)
    if is_due or has_moved:
        details: dict[str, Json] = {"as_of": slot, "outcomes": outcomes, "complete": complete}
        transaction.heartbeats.record("collect", HeartbeatKind.PROGRESS, at=now, details=details)
    return is_new, is_due


def _outstanding(transaction: Transaction, as_of: datetime) -> tuple[EntityRef, ...]:
    outcomes = transaction.snapshots.outcomes(as_of)
    return tuple(ref for ref in transaction.components.refs() if outcomes.get(ref) is not Outcome.MEASURED)
