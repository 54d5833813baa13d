"""Measures many components of one sweep: the threads that ask, and the writing of what they found.

The foreground stage measures a whole sweep with it, a distributed worker a chunk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Final, Self

from actions.fanout import AdaptiveFanOut, FanOut, ThreadFanOut
from actions.live.measure import MeasureResult, measure, unmeasured
from actions.live.sweep_memo import MemoizedScaleOps
from actions.ports import ScaleOps
from clients.http.client import ServiceError
from domain.component import Component
from domain.snapshots import Outcome
from domain.sweeps import Sweep, deadline_of
from tasks.collect.cancellation import CancellableScaleOps
from tasks.collect.closing import in_words
from tasks.collect.progress import QUIET, Progress
from tasks.context import StageContext

log = logging.getLogger(__name__)

_MORE_THREADS: Final = 4
"""Threads that prepare and digest while the others have a call in flight."""
_BATCH: Final = 16
"""Measurements written in one transaction, at most. Fewer cost the threads more of the one interpreter than their own work."""
_AWAY_AT_FIRST: Final = 3
"""So many components found ScaleOps away and none found it there: it is down, or our credentials are wrong."""
_LOOK_AT_CLOCK_EVERY_S: Final = 1.0
_GATHER_FOR_S: Final = 0.1
"""A batch that is not full is written when no result comes for so long."""


class CollectFailed(Exception):
    """The catalog or ScaleOps as a whole could not be asked. The sweep stays open; the sentence says so."""


def deadline_in(context: StageContext, sweep: Sweep) -> datetime:
    """Answer when a sweep ends at the latest, by this installation's policy."""
    policy = context.policy
    return deadline_of(sweep.as_of, opened_at=sweep.opened_at, limit=policy.sweep_limit, every=policy.collect_every)


class MeasurePool:
    """The threads that measure. A worker keeps them from chunk to chunk: starting them costs as much as measuring a component or two.

    They start with the first use, so it may be made before a fork and used after it.
    """

    def __init__(self, max_in_flight: int) -> None:
        self.size = max_in_flight + _MORE_THREADS
        """Components at a time."""
        self.questions = ThreadFanOut(max_in_flight)
        self._components = ThreadPoolExecutor(max_workers=self.size, thread_name_prefix="component")

    def measure(self, work: Callable[[], MeasureResult]) -> Future[MeasureResult]:
        """Let a thread measure one component."""
        return self._components.submit(work)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._components.shutdown(cancel_futures=True)
        self.questions.__exit__(kind, error, trace)


class SweepMeasurer:
    """Measures components of one sweep in threads, and writes what came of it, a batch at a time, in the calling thread.

    `remember` wraps ScaleOps so that what several components need is asked once: within this process, or by all workers. While
    `may_begin` says no, no further component is begun; what is left has no outcome then. Without a `crew` it has threads of its own.
    """

    def __init__(
        self,
        context: StageContext,
        sweep: Sweep,
        *,
        progress: Progress = QUIET,
        remember: Callable[[ScaleOps], ScaleOps] = MemoizedScaleOps,
        may_begin: Callable[[], bool] = lambda: True,
        crew: MeasurePool | None = None,
    ) -> None:
        self._context = context
        self._crew = crew
        self._as_of = sweep.as_of
        self._deadline = deadline_in(context, sweep)
        self.out_of_time = f"the sweep of {in_words(sweep.as_of)} ran out of time before this component was measured"
        """What is said of a component that was not measured because of the deadline."""
        self._progress = progress
        self._may_begin = may_begin
        self._stoppable = CancellableScaleOps(context.services.scaleops)
        self._memo = remember(self._stoppable)
        self._threads = context.policy.max_in_flight + _MORE_THREADS if crew is None else crew.size
        self._results: SimpleQueue[Future[MeasureResult]] = SimpleQueue()
        self._begun: set[Future[MeasureResult]] = set()
        self._in_progress = 0
        self._has_asked_ahead = False
        self._away_in_a_row = 0
        self._found_there = False
        self._last_away = ""
        self.asked = 0
        """Components asked about so far."""

    def ask_ahead(self) -> None:
        """Log in and ask what every component needs, once, beside whatever goes on. What comes of it is the memo's to tell."""
        if not self._has_asked_ahead:
            self._has_asked_ahead = True
            Thread(target=self._ask_flags, name="ahead", daemon=True).start()

    def _ask_flags(self) -> None:
        with suppress(ServiceError):  # it is told to the components that ask for the same
            self._memo.network_flags()

    def run(self, waiting: Iterator[Component]) -> None:
        """Measure and write.

        Raises:
            CollectFailed: ScaleOps is away.
            SweepClosed: another collect closed the sweep meanwhile.
        """
        with ExitStack() as opened:
            crew = self._crew or opened.enter_context(MeasurePool(self._context.policy.max_in_flight))
            fan_out = AdaptiveFanOut(crew.questions, are_lines_busy=self._are_lines_busy)
            try:
                self._measure_all(crew, fan_out, waiting)
            finally:
                self._stoppable.stop("the collect was stopped")
                for left in self._begun:
                    left.cancel()
                wait(self._begun)

    def _measure_all(self, crew: MeasurePool, fan_out: FanOut, waiting: Iterator[Component]) -> None:
        more = True
        gathered: list[MeasureResult] = []
        while more or self._in_progress:
            more = not self._is_out_of_time() and self._may_begin() and more
            while more and self._in_progress < 2 * self._threads:
                component = next(waiting, None)
                if component is None:
                    more = False
                    break
                if not self.asked:
                    # Every component needs the flags next; asked only then, they would all wait for that one call.
                    self.ask_ahead()
                begun = crew.measure(partial(self._measure, component, fan_out))
                self._begun.add(begun)
                begun.add_done_callback(self._results.put)
                self.asked += 1
                self._in_progress += 1
            result = self._next_result(_GATHER_FOR_S if gathered else _LOOK_AT_CLOCK_EVERY_S) if self._in_progress else None
            if result is not None:
                self._in_progress -= 1
                gathered.append(result)
                self._note(result)
            if result is None or not self._in_progress or len(gathered) >= _BATCH or self._is_away():
                self._write(gathered)
                gathered = []
            if self._is_away():
                raise self._away()
        if self._last_away and not self._found_there:
            raise self._away()

    def _are_lines_busy(self) -> bool:
        """Whether other components keep all lines busy. Not before the first is done: until then all wait for the same answers."""
        return self._threads <= self._in_progress < self.asked

    def _measure(self, component: Component, fan_out: FanOut) -> MeasureResult:
        try:
            return measure(
                component,
                self._memo,
                as_of=self._as_of,
                namespaces_allowed=self._context.policy.namespaces_allowed,
                fan_out=fan_out,
            )
        except Exception as error:
            # A defect that one component brings to light must not cost the others their measurement.
            log.exception("measuring %s failed", component.ref)
            reason = f"scaleops-worker itself failed on it ({type(error).__name__}); the log says where"
            return MeasureResult(measurement=unmeasured(component, as_of=self._as_of, reason=reason))

    def _next_result(self, patience_s: float) -> MeasureResult | None:
        try:
            done = self._results.get(timeout=patience_s)
        except Empty:
            return None
        self._begun.discard(done)
        return done.result()

    def _note(self, result: MeasureResult) -> None:
        self._away_in_a_row = self._away_in_a_row + 1 if result.is_scaleops_down else 0
        if result.is_scaleops_down:
            self._last_away = result.measurement.snapshot.reason
        elif result.measurement.snapshot.outcome is Outcome.MEASURED:
            self._found_there = True

    def _is_away(self) -> bool:
        return self._away_in_a_row >= (2 * self._threads if self._found_there else _AWAY_AT_FIRST)

    def _write(self, finished: list[MeasureResult]) -> None:
        if not finished:
            return
        with self._context.store.transaction() as transaction:
            transaction.snapshots.put_all([one.measurement for one in finished])
        known = sum(1 for one in finished if one.measurement.snapshot.outcome is Outcome.MEASURED)
        self._progress.measured(known=known, unknown=len(finished) - known)

    def _away(self) -> CollectFailed:
        return CollectFailed(
            f"ScaleOps could not be asked, so the sweep of {in_words(self._as_of)} stays open: {self._last_away}"
        )

    def _is_out_of_time(self) -> bool:
        if self._context.clock() < self._deadline:
            return False
        self._stoppable.stop(self.out_of_time)
        return True
