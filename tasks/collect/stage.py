"""The collect stage: one sweep of the current slot, or what is left of it.

    slot's sweep ──closed──> nothing is asked
         │ open, or not there
         v
    list the catalog ──> measure, in threads ──> close: name what is missing, carry lost clusters forward

The main thread writes, a batch at a time, while the threads ask. Killed anywhere, the sweep stays open, and the next collect
goes on with what has no outcome or an unknown one. Sweeps whose time is up are closed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from clients.http.client import ServiceError
from domain.component import Component
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import Sweep, slot_of
from store import Store, SweepClosed
from tasks.collect.closing import close, close_overdue, in_words
from tasks.collect.listing import list_catalog
from tasks.collect.measuring import CollectFailed, SweepMeasurer
from tasks.collect.progress import QUIET, Progress
from tasks.context import StageContext

__all__ = ["CollectFailed", "CollectResult", "OpenedSweep", "collect", "open_sweep"]


@dataclass(frozen=True, kw_only=True)
class OpenedSweep:
    """The sweep of the slot, ready to be measured, or closed already."""

    sweep: Sweep
    closed_overdue: tuple[Sweep, ...]
    """Older sweeps that were closed because their time was up; it may be among them itself."""
    listing_reason: str = ""
    """Why the catalog could not be listed whole; empty when it was."""


@dataclass(frozen=True, kw_only=True)
class CollectResult:
    """What one collect did."""

    sweep: Sweep
    """The sweep of the slot, closed."""
    was_closed_before: bool
    """The slot was done already, and nothing was asked."""
    asked: int
    """Components this call asked about."""
    closed_overdue: tuple[Sweep, ...]
    """Older sweeps that this call closed because their time was up."""
    listing_reason: str
    """Why the catalog could not be listed whole; empty when it was."""


def collect(context: StageContext, *, progress: Progress = QUIET) -> CollectResult:
    """Collect the slot of the present instant.

    Raises:
        CollectFailed: the catalog cannot be listed, or ScaleOps cannot be reached or refuses our login.
        StoreUnavailable: the database cannot be used.
    """
    opened = _open(context)
    sweep, overdue = opened.sweep, opened.closed_overdue
    if sweep.closed_at is not None:
        return CollectResult(
            sweep=sweep, was_closed_before=sweep not in overdue, asked=0, closed_overdue=overdue, listing_reason=""
        )
    work = SweepMeasurer(context, sweep, progress=progress)
    opened = _with_listing(context, opened, progress=progress, once_it_answers=work.ask_ahead)
    with context.store.reading() as transaction:
        outcomes = transaction.snapshots.outcomes(sweep.as_of)
        total = transaction.components.count()
    done = {ref for ref, outcome in outcomes.items() if outcome is Outcome.MEASURED}
    progress.started(total=total, done=len(done))
    with suppress(SweepClosed):  # by another collect of the same slot, which was faster: its line stands
        work.run(_waiting(context.store, done))
    closed = close(context, sweep.as_of, now=context.clock(), missing_because=work.out_of_time)
    reason = opened.listing_reason
    return CollectResult(sweep=closed, was_closed_before=False, asked=work.asked, closed_overdue=overdue, listing_reason=reason)


def open_sweep(context: StageContext, *, progress: Progress = QUIET) -> OpenedSweep:
    """Close what is overdue, open the sweep of the present slot and list the catalog into it; a closed one is answered as it is.

    Raises:
        CollectFailed: the catalog cannot be listed.
        StoreUnavailable: the database cannot be used.
    """
    opened = _open(context)
    return opened if opened.sweep.closed_at is not None else _with_listing(context, opened, progress=progress)


def _open(context: StageContext) -> OpenedSweep:
    now = context.clock()
    as_of = slot_of(now, context.policy.collect_every)
    overdue = close_overdue(context, now=now)
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
    if sweep is not None and sweep.closed_at is not None:
        return OpenedSweep(sweep=sweep, closed_overdue=overdue)
    _ = context.services.catalog, context.services.scaleops  # both are needed: a missing setting is told before any row
    with context.store.transaction() as transaction:
        sweep = transaction.sweeps.open(as_of, opened_at=now)
    return OpenedSweep(sweep=sweep, closed_overdue=overdue)


def _with_listing(
    context: StageContext, opened: OpenedSweep, *, progress: Progress, once_it_answers: Callable[[], None] = lambda: None
) -> OpenedSweep:
    if opened.sweep.listing_complete:
        return opened
    as_of = opened.sweep.as_of
    try:
        catalog = context.services.catalog
        listed = list_catalog(context, catalog, as_of=as_of, progress=progress, once_it_answers=once_it_answers)
    except ServiceError as failure:
        message = f"the catalog could not be listed, so the sweep of {in_words(as_of)} stays open: {failure}"
        raise CollectFailed(message) from failure
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of) or opened.sweep
    return replace(opened, sweep=sweep, listing_reason=listed.reason)


def _waiting(store: Store, done: set[EntityRef]) -> Iterator[Component]:
    """Stream the components that are to be measured, a page at a time, each page in a short transaction of its own."""
    after: EntityRef | None = None
    while True:
        with store.reading() as transaction:
            page = transaction.components.page(after=after)
        yield from (component for component in page if component.ref not in done)
        if not page:
            return
        after = page[-1].ref
