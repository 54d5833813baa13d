"""One sweep measured by many workers: what is still to be measured, in chunks, and one chunk of it.

    tick ──> sweep of the slot opened and listed ──> chunks are rung out
      │                                                 │ measured anywhere; the last one closes the sweep
      └── nothing came in for STALLED_AFTER ──> what is outstanding is rung out again

The rows are the work list, so a message that is lost, doubled, late or out of order costs a look at them and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from actions.live.sweep_memo import MemoizedScaleOps
from actions.ports import ScaleOps
from domain.messages import Json
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import Sweep
from store import HeartbeatKind, SweepClosed, Transaction
from tasks.collect.closing import close
from tasks.collect.measuring import MeasurePool, SweepMeasurer
from tasks.collect.stage import open_sweep
from tasks.context import StageContext

CHUNK: Final = 25
"""Components a message names."""
STALLED_AFTER: Final = timedelta(minutes=2)
"""So long without another outcome, and the messages of a sweep count as lost."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some components of one sweep. Keys and an instant: what a message may carry."""

    as_of: datetime
    refs: tuple[EntityRef, ...]


@dataclass(frozen=True, kw_only=True)
class AdvanceResult:
    """What one look at the open sweep came to."""

    chunks: tuple[Chunk, ...] = ()
    """To be measured now."""
    closed: tuple[Sweep, ...] = ()
    """Sweeps this step closed: they can be evaluated."""
    opened: Sweep | None = None
    """The sweep whose chunks were rung out for the first time."""


def advance_sweep(context: StageContext, *, size: int = CHUNK) -> AdvanceResult:
    """Do whatever the sweep of the present slot needs next; mostly nothing. To be called again and again.

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
        is_new, is_due = _note_progress(transaction, sweep, now)
        refs = _outstanding(transaction, sweep.as_of) if is_due else ()
    chunks = tuple(Chunk(as_of=sweep.as_of, refs=refs[start : start + size]) for start in range(0, len(refs), size))
    return AdvanceResult(chunks=chunks, closed=closed, opened=sweep if is_new else None)


def measure_chunk(
    context: StageContext,
    chunk: Chunk,
    *,
    remember: Callable[[ScaleOps], ScaleOps] = MemoizedScaleOps,
    may_begin: Callable[[], bool] = lambda: True,
    crew: MeasurePool | None = None,
) -> Sweep | None:
    """Measure what has no good outcome yet of a chunk; answer the sweep if that completed and closed it.

    Raises:
        CollectFailed: ScaleOps is away. The sweep stays open.
        StoreUnavailable: the database cannot be used.
    """
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(chunk.as_of)
        if sweep is None or sweep.closed_at is not None:
            return None
        outcomes = transaction.snapshots.outcomes_of(chunk.refs, chunk.as_of)
        components = transaction.components.some(chunk.refs)
    waiting = [component for component in components if outcomes.get(component.ref) is not Outcome.MEASURED]
    if waiting:
        with suppress(SweepClosed):  # its time was up, and a tick closed it: its line stands
            SweepMeasurer(context, sweep, remember=remember, may_begin=may_begin, crew=crew).run(iter(waiting))
    return close_if_complete(context, chunk.as_of)


def close_if_complete(context: StageContext, as_of: datetime) -> Sweep | None:
    """Close a sweep in which every component has an outcome. None: it is not so, or it was closed before.

    One in which so much is unknown that it is an outage stays open: nobody would be judged by it, and until its time is up it is
    rung out again, so that a ScaleOps that was away for minutes does not cost the whole slot. It is closed then when nothing is
    unknown any more, or when asking again moves nothing.
    """
    now = context.clock()
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
        if sweep is None or sweep.closed_at is not None:
            return None
        if transaction.snapshots.count(as_of) < transaction.components.count():
            return None
        outcomes = transaction.snapshots.outcomes(as_of)
        if any(ref not in outcomes for ref in _all(transaction)):
            return None
        if is_outage(outcomes, before=_measured_before(transaction, as_of), share=context.policy.alerts.outage_share):
            return None
        if Outcome.UNKNOWN in outcomes.values() and _is_being_asked_again(transaction, as_of, now):
            return None
    return close(context, as_of, now=now, missing_because="it joined the catalog while the sweep was closed")


def is_outage(outcomes: Mapping[EntityRef, Outcome], *, before: Collection[EntityRef], share: Decimal) -> bool:
    """Say whether more than a share of those that were measured `before` is unknown now; of all, when none was."""
    looked_at = [outcome for ref, outcome in outcomes.items() if ref in before] or list(outcomes.values())
    return looked_at.count(Outcome.UNKNOWN) > share * len(looked_at)


def _measured_before(transaction: Transaction, as_of: datetime) -> frozenset[EntityRef]:
    last = transaction.sweeps.closed_before(as_of)
    outcomes = {} if last is None else transaction.snapshots.outcomes(last.as_of)
    return frozenset(ref for ref, outcome in outcomes.items() if outcome is Outcome.MEASURED)


def _is_being_asked_again(transaction: Transaction, as_of: datetime, now: datetime) -> bool:
    """Say whether chunks were rung out again after an outage, and still move."""
    last = transaction.heartbeats.last("collect", HeartbeatKind.PROGRESS)
    if last is None or last.details.get("as_of") != as_of.isoformat():
        return False
    return last.details.get("complete") is True and now - last.at < STALLED_AFTER


def _note_progress(transaction: Transaction, sweep: Sweep, now: datetime) -> tuple[bool, bool]:
    """Say whether the sweep is new, and whether its outstanding chunks are to be rung out now; remember when it moved last.

    One in which everybody has an outcome and that is not closed moves with those that are measured after all.
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
    return tuple(ref for ref in _all(transaction) if outcomes.get(ref) is not Outcome.MEASURED)


def _all(transaction: Transaction) -> tuple[EntityRef, ...]:
    return tuple(component.ref for component in transaction.components.all())
