"""The collect stage: one sweep of the current slot, or what is left of it.

    slot's sweep ──closed──> nothing is asked
         │ open, or not there
         v
    list the catalog ──> measure, in threads ──> close: name what is missing, carry lost clusters forward

The main thread writes, a batch at a time, while the threads ask. Killed anywhere, the sweep stays open, and the next collect
goes on with what has no outcome or an unknown one. Sweeps whose time is up are closed first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Final

from actions.asked_once import AskedOnce
from actions.fanout import Threads
from actions.measure import Measuring, measure, unmeasured
from actions.ports import ScaleOps
from clients.calls import CallFailed
from domain.component import Component
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import Sweep, deadline_of, slot_of
from store import Store, SweepClosed
from tasks.closing import close, close_overdue, in_words
from tasks.listing import list_catalog
from tasks.parts import Parts
from tasks.progress import QUIET, Progress
from tasks.stopping import Stoppable

log = logging.getLogger(__name__)

_MORE_THREADS: Final = 4
"""Threads that prepare and digest while the others have a call in flight."""
_BATCH: Final = 64
"""Measurements written in one transaction, at most."""
_AWAY_AT_FIRST: Final = 3
"""So many components found ScaleOps away and none found it there: it is down, or our credentials are wrong."""
_LOOK_AT_CLOCK_EVERY_S: Final = 1.0


class CollectFailed(Exception):
    """The catalog or ScaleOps as a whole could not be asked. The sweep stays open; the sentence says so."""


@dataclass(frozen=True, kw_only=True)
class Collected:
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


def collect(parts: Parts, *, progress: Progress = QUIET) -> Collected:
    """Collect the slot of the present instant.

    Raises:
        CollectFailed: the catalog cannot be listed, or ScaleOps cannot be reached or refuses our login.
        StoreUnavailable: the database cannot be used.
    """
    now = parts.clock()
    as_of = slot_of(now, parts.policy.collect_every)
    overdue = close_overdue(parts, now=now)
    with parts.store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
    if sweep is not None and sweep.closed_at is not None:
        return Collected(sweep=sweep, was_closed_before=sweep not in overdue, asked=0, closed_overdue=overdue, listing_reason="")
    catalog, scaleops = parts.services.catalog, parts.services.scaleops
    with parts.store.transaction() as transaction:
        sweep = transaction.sweeps.open(as_of, opened_at=now)
    reason = ""
    if not sweep.listing_complete:
        try:
            reason = list_catalog(parts, catalog, as_of=as_of, progress=progress).reason
        except CallFailed as failure:
            message = f"the catalog could not be listed, so the sweep of {in_words(as_of)} stays open: {failure}"
            raise CollectFailed(message) from failure
    deadline = deadline_of(as_of, opened_at=sweep.opened_at, limit=parts.policy.sweep_limit, every=parts.policy.collect_every)
    out_of_time = f"the sweep of {in_words(as_of)} ran out of time before this component was measured"
    work = _Round(parts, scaleops, as_of=as_of, deadline=deadline, out_of_time=out_of_time, progress=progress)
    with suppress(SweepClosed):  # by another collect of the same slot, which was faster: its line stands
        work.run()
    closed = close(parts, as_of, now=parts.clock(), missing_because=out_of_time)
    return Collected(sweep=closed, was_closed_before=False, asked=work.asked, closed_overdue=overdue, listing_reason=reason)


class _Round:
    """Measures every component that has no outcome yet, or an unknown one."""

    def __init__(
        self, parts: Parts, scaleops: ScaleOps, *, as_of: datetime, deadline: datetime, out_of_time: str, progress: Progress
    ) -> None:
        self._parts = parts
        self._as_of = as_of
        self._deadline = deadline
        self._out_of_time = out_of_time
        self._progress = progress
        self._stoppable = Stoppable(scaleops)
        self._memo = AskedOnce(self._stoppable)
        self._threads = parts.policy.max_in_flight + _MORE_THREADS
        self._results: SimpleQueue[Future[Measuring]] = SimpleQueue()
        self._away_in_a_row = 0
        self._found_there = False
        self._last_away = ""
        self.asked = 0
        """Components asked about so far."""

    def run(self) -> None:
        """Measure and write.

        Raises:
            CollectFailed: ScaleOps is away.
            SweepClosed: another collect closed the sweep meanwhile.
        """
        with self._parts.store.reading() as transaction:
            outcomes = transaction.snapshots.outcomes(self._as_of)
            total = transaction.components.count()
        done = {ref for ref, outcome in outcomes.items() if outcome is Outcome.MEASURED}
        self._progress.started(total=total, done=len(done))
        with Threads(self._parts.policy.max_in_flight) as fan_out:
            pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="component")
            try:
                self._measure_all(pool, fan_out, _waiting(self._parts.store, done))
            finally:
                self._stoppable.stop("the collect was stopped")
                pool.shutdown(cancel_futures=True)

    def _measure_all(self, pool: ThreadPoolExecutor, fan_out: Threads, waiting: Iterator[Component]) -> None:
        in_progress = 0
        more = True
        while more or in_progress:
            more = not self._is_out_of_time() and more
            while more and in_progress < 2 * self._threads:
                component = next(waiting, None)
                if component is None:
                    more = False
                    break
                pool.submit(self._measure, component, fan_out).add_done_callback(self._results.put)
                self.asked += 1
                in_progress += 1
            finished = self._finished() if in_progress else []
            self._write(finished)
            in_progress -= len(finished)
            self._give_up_if_away()
        if self._last_away and not self._found_there:
            raise self._away()

    def _measure(self, component: Component, fan_out: Threads) -> Measuring:
        policy = self._parts.policy
        try:
            return measure(
                component,
                self._memo,
                as_of=self._as_of,
                currency=policy.currency,
                namespaces_allowed=policy.namespaces_allowed,
                link=policy.dashboard_link,
                fan_out=fan_out,
            )
        except Exception as error:
            # A defect that one component brings to light must not cost the others their measurement.
            log.exception("measuring %s failed", component.ref)
            reason = f"scaleops-worker itself failed on it ({type(error).__name__}); the log says where"
            return Measuring(measurement=unmeasured(component, as_of=self._as_of, reason=reason))

    def _finished(self) -> list[Measuring]:
        """Wait for a result, a moment at most, and take what else is there."""
        finished: list[Measuring] = []
        try:
            finished.append(self._results.get(timeout=_LOOK_AT_CLOCK_EVERY_S).result())
            while len(finished) < _BATCH:
                finished.append(self._results.get_nowait().result())
        except Empty:
            pass  # there is no more for now
        return finished

    def _write(self, finished: list[Measuring]) -> None:
        if not finished:
            return
        with self._parts.store.transaction() as transaction:
            transaction.snapshots.put_all([one.measurement for one in finished])
            transaction.snapshots.put_raw(
                self._as_of, {one.measurement.snapshot.ref: one.answers for one in finished if one.answers}
            )
        for one in finished:
            self._away_in_a_row = self._away_in_a_row + 1 if one.scaleops_is_away else 0
            if one.scaleops_is_away:
                self._last_away = one.measurement.snapshot.reason
            elif one.measurement.snapshot.outcome is Outcome.MEASURED:
                self._found_there = True
        known = sum(1 for one in finished if one.measurement.snapshot.outcome is Outcome.MEASURED)
        self._progress.measured(known=known, unknown=len(finished) - known)

    def _give_up_if_away(self) -> None:
        patience = 2 * self._threads if self._found_there else _AWAY_AT_FIRST
        if self._away_in_a_row >= patience:
            raise self._away()

    def _away(self) -> CollectFailed:
        return CollectFailed(
            f"ScaleOps could not be asked, so the sweep of {in_words(self._as_of)} stays open: {self._last_away}"
        )

    def _is_out_of_time(self) -> bool:
        if self._parts.clock() < self._deadline:
            return False
        self._stoppable.stop(self._out_of_time)
        return True


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
