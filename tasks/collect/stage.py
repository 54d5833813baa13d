"""The collect stage: one sweep of the current slot, or the rest of it.

    slot's sweep ──closed──> nothing to do
         │ open or missing
         v
    list the catalog ──> measure, in threads ──> close

The main thread writes in batches while the threads fetch. Killed anywhere, the sweep stays open and the next collect continues with
the components that have no outcome or an unknown one. Overdue sweeps are closed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from actions.live.bulk_costs import BulkCosts
from alerts.outage import is_too_many
from clients.http.errors import ServiceError
from domain.clock import format_utc
from domain.component import Component
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import MISSING_COMPONENTS_TTL, Sweep, UnmeasuredFigure, slot_of
from store import Store, SweepClosed, Transaction
from tasks.collect.closing import close, close_overdue, with_cause
from tasks.collect.inventory import take_inventory
from tasks.collect.measuring import NO_PROGRESS, CollectFailed, SweepMeasurer, SweepProgress
from tasks.context import Policy, StageContext
from tasks.routing_keys import seal_keys
from tasks.spans import sweep_span

log = structlog.get_logger(__name__)

_MAX_LOGGED: Final = 5
"""Parts of the catalog that one line names."""

__all__ = ["CollectFailed", "CollectResult", "OpenedSweep", "collect", "open_sweep"]


@dataclass(frozen=True, kw_only=True)
class OpenedSweep:
    """The sweep of the slot: ready to be measured, or closed."""

    sweep: Sweep
    closed_overdue: tuple[Sweep, ...]
    """Sweeps closed at their deadline; may include this one."""
    listing_reason: str = ""
    """Why the catalog's listing is incomplete; empty if it is complete."""


@dataclass(frozen=True, kw_only=True)
class CollectResult:
    """The result of one collect."""

    sweep: Sweep
    """The sweep of the slot, closed."""
    was_closed_before: bool
    attempted: int
    """Components that this call tried to measure."""
    closed_overdue: tuple[Sweep, ...]
    """Older sweeps that this call closed at their deadline."""
    listing_reason: str
    """Why the catalog's listing is incomplete; empty if it is complete."""
    unmeasured_figures: tuple[UnmeasuredFigure, ...] = ()
    """What the sweep knows of no workload of a cluster."""


def collect(context: StageContext, *, progress: SweepProgress = NO_PROGRESS) -> CollectResult:
    """Collect the current slot.

    Raises:
        CollectFailed: the catalog cannot be listed, or ScaleOps is unreachable or refuses our login.
        StoreUnavailable: the database cannot be used.
    """
    opened = _open(context)
    sweep, overdue = opened.sweep, opened.closed_overdue
    if sweep.closed_at is not None:
        return CollectResult(
            sweep=sweep, was_closed_before=sweep not in overdue, attempted=0, closed_overdue=overdue, listing_reason=""
        )
    with sweep_span(context.tracer, "collect", sweep.as_of):
        return _collect_open(context, opened, progress)


def _collect_open(context: StageContext, opened: OpenedSweep, progress: SweepProgress) -> CollectResult:
    sweep, overdue = opened.sweep, opened.closed_overdue
    bulk_costs = BulkCosts(sweep.as_of)
    measurer = SweepMeasurer(context, sweep, progress=progress, bulk_costs=bulk_costs)
    opened = _with_listing(context, opened, progress=progress, on_first_page=measurer.prefetch)
    take_inventory(context, sweep.as_of, bulk_costs)
    with context.store.reading() as transaction:
        outcomes = transaction.snapshots.outcomes(sweep.as_of)
        total = transaction.components.count()
    done = {ref for ref, outcome in outcomes.items() if outcome is Outcome.MEASURED}
    progress.started(total=total, done=len(done))
    with suppress(SweepClosed):  # by a concurrent collect of the same slot
        measurer.run(component for component in stream_components(context.store) if component.ref not in done)
    missing_because = with_cause(context, sweep, measurer.out_of_time)
    closed = close(context, sweep.as_of, now=context.clock(), missing_because=missing_because)
    with context.store.reading() as transaction:
        figures = transaction.clusters.unmeasured_figures(sweep.as_of)
    return CollectResult(
        sweep=closed,
        was_closed_before=False,
        attempted=measurer.started,
        closed_overdue=overdue,
        listing_reason=opened.listing_reason,
        unmeasured_figures=figures,
    )


def open_sweep(context: StageContext) -> OpenedSweep:
    """Close overdue sweeps, open the current slot's and list the catalog into it. A closed sweep is returned as it is.

    Raises:
        CollectFailed: the catalog cannot be listed.
        StoreUnavailable: the database cannot be used.
    """
    opened = _open(context)
    if opened.sweep.closed_at is not None:
        return opened
    with sweep_span(context.tracer, "open", opened.sweep.as_of):
        return _with_listing(context, opened)


def _open(context: StageContext) -> OpenedSweep:
    now = context.clock()
    as_of = slot_of(now, context.policy.collect_every)
    overdue = close_overdue(context, now=now)
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
    if sweep is not None and sweep.closed_at is not None:
        return OpenedSweep(sweep=sweep, closed_overdue=overdue)
    _ = context.services.catalog, context.services.scaleops  # raises for a missing setting before any row is written
    with context.store.transaction() as transaction:
        sweep = transaction.sweeps.open(as_of, opened_at=now)
    return OpenedSweep(sweep=sweep, closed_overdue=overdue)


def _with_listing(
    context: StageContext,
    opened: OpenedSweep,
    *,
    progress: SweepProgress = NO_PROGRESS,
    on_first_page: Callable[[], None] = lambda: None,
) -> OpenedSweep:
    if opened.sweep.listing_complete:
        return opened
    as_of = opened.sweep.as_of
    try:
        reason = _list_catalog(context, as_of, progress, on_first_page)
    except ServiceError as error:
        message = f"the catalog could not be listed, so the sweep of {format_utc(as_of)} stays open: {error}"
        raise CollectFailed(message) from error
    with context.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of) or opened.sweep
    return replace(opened, sweep=sweep, listing_reason=reason)


def _list_catalog(context: StageContext, as_of: datetime, progress: SweepProgress, on_first_page: Callable[[], None]) -> str:
    """Store the listing, one transaction per page; return why it is incomplete, or an empty string.

    `on_first_page` is called when the first page has arrived, so that other work can start while the rest is listed.
    Raises ServiceError if the first page cannot be fetched; nothing has been changed then.
    """
    listing = context.services.catalog.listing()
    sealer = context.services.sealer
    with context.store.transaction() as transaction:
        seal_keys(transaction, sealer, context.services.configured_routing_keys)
    seen = 0
    for number, page in enumerate(listing):
        if number == 0:
            on_first_page()
        with context.store.transaction() as transaction:
            transaction.components.record_page(page.components, page.teams, as_of=as_of)
            seal_keys(transaction, sealer, page.routing_keys.values())
        seen += len(page.components)
        progress.listed(seen)
    if listing.left_aside:
        log.warning(
            "parts of the catalog were left aside", parts=len(listing.left_aside), first=list(listing.left_aside[:_MAX_LOGGED])
        )
    with context.store.transaction() as transaction:
        missing = _missing_at_once(transaction, as_of, context.policy, seen=seen) if listing.is_complete else 0
        known = transaction.components.count()
        reason = listing.reason
        if missing:
            listed = f"{seen} components" if seen else "no component"
            reason = f"the catalog returned {listed}, and {missing} of {known} known ones are missing at once; none is counted as removed"
        complete = listing.is_complete and not missing
        transaction.components.finish_listing(as_of=as_of, complete=complete)
        expected = transaction.components.count()
        transaction.sweeps.record_listing(as_of, expected=expected, complete=complete, missing=missing, reason=reason)
    return reason


def _missing_at_once(transaction: Transaction, as_of: datetime, policy: Policy, *, seen: int) -> int:
    """Return how many known components a complete listing lacks, if they are too many at once to be removed; else 0.

    A token that lost its permission gets an empty list, or one of what is still permitted, and no error. After some days
    components count as removed all the same, but for an empty list.
    """
    known = transaction.components.count()
    if not seen:
        return known
    missing = transaction.components.count_missing(as_of=as_of, seen_since=as_of - MISSING_COMPONENTS_TTL)
    return missing if is_too_many(missing, of=known, policy=policy.alerts) else 0


def stream_components(store: Store) -> Iterator[Component]:
    """Yield every component that is not gone, each page read in a short transaction."""
    after: EntityRef | None = None
    while True:
        with store.reading() as transaction:
            page = transaction.components.page(after=after)
        yield from page
        if not page:
            return
        after = page[-1].ref
