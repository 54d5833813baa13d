"""Measures many components of one sweep: threads fetch, the calling thread writes.

The foreground stage measures a whole sweep with it, a distributed worker a chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from functools import partial
from itertools import chain, islice
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Final, Self, cast

import structlog

from actions.fanout import AdaptiveFanOut, FanOut, ThreadFanOut
from actions.live.bulk_costs import BulkCosts, CollectStopped
from actions.live.measure import MeasureResult, from_bulk, measure, unmeasured, withdraw
from actions.live.sweep_memo import MemoizedScaleOps
from actions.live.upstream import FetchCosts
from actions.ports import BulkScaleOps, ScaleOps
from clients.http.errors import ServiceError
from domain.clock import format_utc
from domain.component import Component
from domain.network_schedule import NETWORK_TTL, RecentNetwork, without_due
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome
from domain.sweeps import Sweep
from store import StoreUnavailable, SweepClosed
from tasks.collect.bulk_withdrawal import untrusted_costs, withdraw_untrusted
from tasks.collect.closing import sweep_deadline
from tasks.context import StageContext

log = structlog.get_logger(__name__)

_EXTRA_THREADS: Final = 4
"""Threads that prepare and parse while the others have a call in flight."""
_BATCH_SIZE: Final = 100
"""Measurements per transaction, at most. Each statement waits for the one interpreter while the threads use it."""
_AHEAD: Final = _BATCH_SIZE
"""Components that wait for a thread, at most: enough to keep the threads busy while a batch is written."""
_MAX_INITIAL_FAILURES: Final = 3
"""Components in a row for which ScaleOps was unavailable, before any was measured: it is down, or our credentials are wrong."""
_PAGE_SIZE: Final = 200
"""Components whose earlier network figures are read at a time."""
_CLOCK_INTERVAL_S: Final = 1.0
_BATCH_TIMEOUT_S: Final = 0.1
"""An incomplete batch is written when no result arrives for this long."""


class CollectFailed(Exception):
    """The catalog or ScaleOps as a whole is unavailable. The sweep stays open."""


class SweepProgress:
    """Receives the progress of a sweep in the stage's main thread, and ignores it."""

    def listed(self, components: int) -> None:
        """`components` have been listed so far."""

    def started(self, *, total: int, done: int) -> None:
        """The sweep has `total` components, `done` of which were measured before."""

    def measured(self, *, known: int, unknown: int) -> None:
        """This many more components have an outcome."""


NO_PROGRESS: Final = SweepProgress()


class MeasurePool:
    """The threads that measure. A worker keeps them from chunk to chunk: starting them costs as much as measuring a component or two.

    They start with the first use, so it may be created before a fork and used after it.
    """

    def __init__(self, max_in_flight: int) -> None:
        self.size = max_in_flight + _EXTRA_THREADS
        """Components measured at a time."""
        self.fan_out = ThreadFanOut(max_in_flight)
        self._components = ThreadPoolExecutor(max_workers=self.size, thread_name_prefix="component")

    def submit(self, work: Callable[[], MeasureResult]) -> Future[MeasureResult]:
        """Measure one component in a thread."""
        return self._components.submit(work)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._components.shutdown(cancel_futures=True)
        self.fan_out.__exit__(kind, error, trace)


class _CancellableScaleOps:
    """Passes every call on until it is cancelled; from then on each fails, so that no thread waits for an unreachable ScaleOps."""

    def __init__(self, scaleops: ScaleOps) -> None:
        self._upstream = scaleops
        self._cancelled_because: str | None = None

    def cancel(self, reason: str) -> None:
        """Fail all further calls."""
        self._cancelled_because = reason

    def __getattr__(self, call: str) -> object:
        if self._cancelled_because is not None:
            raise CollectStopped(self._cancelled_because)
        return getattr(self._upstream, call)


class SweepMeasurer:
    """Measures components of one sweep in threads, and writes the results in batches in the calling thread.

    `memoize` wraps ScaleOps so that what several components need is fetched once: per process, or for all workers. When `may_begin`
    returns False no further component is started; the rest gets no outcome. Without a `pool` it starts its own threads, and without
    `bulk_costs` it fetches its own.
    """

    def __init__(
        self,
        context: StageContext,
        sweep: Sweep,
        *,
        progress: SweepProgress = NO_PROGRESS,
        memoize: Callable[[ScaleOps], ScaleOps] = MemoizedScaleOps,
        may_begin: Callable[[], bool] = lambda: True,
        pool: MeasurePool | None = None,
        bulk_costs: BulkCosts | None = None,
    ) -> None:
        self._context = context
        self._bulk_costs = (bulk_costs or BulkCosts(sweep.as_of)) if context.policy.uses_bulk else None
        self._pool = pool
        self._as_of = sweep.as_of
        self._deadline = sweep_deadline(context.policy, sweep)
        self.out_of_time = f"the sweep of {format_utc(sweep.as_of)} ran out of time before this component was measured"
        """The reason recorded for components that were not measured before the deadline."""
        self._progress = progress
        self._may_begin = may_begin
        self._scaleops = _CancellableScaleOps(context.services.scaleops)
        self._memo = memoize(cast("ScaleOps", self._scaleops))
        self._threads = context.policy.max_in_flight + _EXTRA_THREADS if pool is None else pool.size
        self._results: SimpleQueue[Future[MeasureResult]] = SimpleQueue()
        self._pending: set[Future[MeasureResult]] = set()
        self._in_progress = 0
        self._has_prefetched = False
        self._consecutive_failures = 0
        self._has_measured = False
        self._last_failure = ""
        self.started = 0
        """Components started so far."""

    def prefetch(self) -> None:
        """Log in and fetch in the background what every component needs, once."""
        if not self._has_prefetched:
            self._has_prefetched = True
            Thread(target=self._prefetch_flags, name="prefetch", daemon=True).start()

    def _prefetch_flags(self) -> None:
        with suppress(ServiceError):  # the components that need the flags get the error
            self._memo.network_flags()

    def run(self, components: Iterator[Component]) -> None:
        """Measure and write.

        Raises:
            CollectFailed: ScaleOps is unavailable.
            SweepClosed: another collect closed the sweep meanwhile.
        """
        with ExitStack() as opened:
            pool = self._pool or opened.enter_context(MeasurePool(self._context.policy.max_in_flight))
            fan_out = AdaptiveFanOut(pool.fan_out, is_saturated=self._are_threads_busy)
            try:
                outstanding = chain(components, self._components(self._settle_checks()))
                while True:
                    self._measure_all(pool, fan_out, outstanding)
                    withdrawn = self._settle_checks()
                    if not withdrawn:
                        break
                    outstanding = chain(self._components(withdrawn))
            finally:
                self._scaleops.cancel("the collect was stopped")
                for future in self._pending:
                    future.cancel()
                wait(self._pending)
                self._record_checks()

    def _settle_checks(self) -> tuple[EntityRef, ...]:
        """Record what was found about the bulk costs, adopt what other processes found, and withdraw what used an untrusted response.

        Returns the components to measure again.
        """
        if self._bulk_costs is None:
            return ()
        self._record_checks()
        self._bulk_costs.distrust(untrusted_costs(self._context.store, self._as_of))
        return withdraw_untrusted(self._context.store, self._as_of)

    def _record_checks(self) -> None:
        checks = () if self._bulk_costs is None else self._bulk_costs.checks()
        if checks:
            with self._context.store.transaction() as transaction:
                transaction.bulk_checks.record(checks)

    def _components(self, refs: Sequence[EntityRef]) -> Iterator[Component]:
        for start in range(0, len(refs), _PAGE_SIZE):
            with self._context.store.reading() as transaction:
                yield from transaction.components.by_refs(refs[start : start + _PAGE_SIZE])

    def _measure_all(self, pool: MeasurePool, fan_out: FanOut, components: Iterator[Component]) -> None:
        has_more = True
        outstanding = self._with_recent_network(components)
        batch: list[MeasureResult] = []
        while has_more or self._in_progress:
            if self._is_out_of_time() or not self._may_begin():
                has_more = False
                self._withdraw_waiting()
            while has_more and self._in_progress < self._threads + _AHEAD:
                following = next(outstanding, None)
                has_more = following is not None
                if following is not None:
                    self._start(pool, fan_out, *following)
            result = self._next_result(_BATCH_TIMEOUT_S if batch else _CLOCK_INTERVAL_S) if self._in_progress else None
            if result is not None:
                batch.append(result)
                self._track_availability(result)
            if result is None or not self._in_progress or len(batch) >= _BATCH_SIZE or self._is_scaleops_down():
                self._write(batch)
                batch = []
            if self._is_scaleops_down():
                raise self._unavailable()
        if self._last_failure and not self._has_measured:
            raise self._unavailable()

    def _with_recent_network(self, components: Iterator[Component]) -> Iterator[tuple[Component, RecentNetwork]]:
        """Yield each component with the network figures that are not fetched again in this slot."""
        every = self._context.policy.collect_every
        while page := tuple(islice(components, _PAGE_SIZE)):
            with self._context.store.reading() as transaction:
                recent = transaction.snapshots.recent_network(
                    [component.ref for component in page], after=self._as_of - NETWORK_TTL
                )
            yield from ((component, without_due(recent.get(component.ref, {}), self._as_of, every=every)) for component in page)

    def _start(self, pool: MeasurePool, fan_out: FanOut, component: Component, recent_network: RecentNetwork) -> None:
        if not self.started:
            # Every component needs the flags; without this the first ones would all wait for that one call.
            self.prefetch()
        future = pool.submit(partial(self._measure, component, recent_network, fan_out))
        self._pending.add(future)
        future.add_done_callback(self._results.put)
        self.started += 1
        self._in_progress += 1

    def _withdraw_waiting(self) -> None:
        """Let the components that no thread has begun get no outcome."""
        for future in self._pending:
            future.cancel()

    def _are_threads_busy(self) -> bool:
        """Return True if other components use all threads; False before the first result, while all wait for shared responses."""
        return self._threads <= self._in_progress < self.started

    def _measure(self, component: Component, recent_network: RecentNetwork, fan_out: FanOut) -> MeasureResult:
        try:
            result = measure(
                component,
                self._memo,
                as_of=self._as_of,
                namespaces_allowed=self._context.policy.namespaces_allowed,
                recent_network=recent_network,
                cost_source=self._cost_source(component),
                fan_out=fan_out,
            )
            return result if self._bulk_costs is None else from_bulk(result, self._bulk_costs.used_by(component.ref))
        except Exception as error:
            # A defect that one component triggers must not cost the others their measurement.
            log.exception("measuring failed", component=str(component.ref))
            reason = f"an internal error of scaleops-worker ({type(error).__name__}); see the log"
            return MeasureResult(measurement=unmeasured(component, as_of=self._as_of, reason=reason))

    def _cost_source(self, component: Component) -> FetchCosts | None:
        if self._bulk_costs is None:
            return None
        return partial(self._bulk_costs.rows_of, ref=component.ref, scaleops=cast("BulkScaleOps", self._scaleops))

    def _next_result(self, timeout_s: float) -> MeasureResult | None:
        try:
            future = self._results.get(timeout=timeout_s)
        except Empty:
            return None
        self._pending.discard(future)
        self._in_progress -= 1
        if future.cancelled():
            self.started -= 1
            return None
        return future.result()

    def _track_availability(self, result: MeasureResult) -> None:
        self._consecutive_failures = self._consecutive_failures + 1 if result.is_scaleops_down else 0
        if result.is_scaleops_down:
            self._last_failure = result.measurement.snapshot.reason
        elif result.measurement.snapshot.outcome is Outcome.MEASURED:
            self._has_measured = True

    def _is_scaleops_down(self) -> bool:
        return self._consecutive_failures >= (2 * self._threads if self._has_measured else _MAX_INITIAL_FAILURES)

    def _write(self, batch: list[MeasureResult]) -> None:
        if not batch:
            return
        measurements = [result.measurement for result in batch]
        try:
            self._put(measurements)
        except (StoreUnavailable, SweepClosed):
            raise
        except Exception:
            # What one component has and the database does not take must not cost the others their measurement.
            log.exception("storing a batch failed; storing its components one by one", components=len(batch))
            measurements = [self._put_one(measurement) for measurement in measurements]
        known = sum(1 for measurement in measurements if measurement.snapshot.outcome is Outcome.MEASURED)
        self._progress.measured(known=known, unknown=len(batch) - known)

    def _put(self, measurements: Sequence[Measurement]) -> None:
        with self._context.store.transaction() as transaction:
            transaction.snapshots.put_all(measurements)

    def _put_one(self, measurement: Measurement) -> Measurement:
        try:
            self._put([measurement])
        except (StoreUnavailable, SweepClosed):
            raise
        except Exception as error:
            log.exception("storing a measurement failed", component=str(measurement.snapshot.ref))
            reason = f"what was measured cannot be stored ({type(error).__name__}); see the log"
            measurement = withdraw(measurement, reason=reason)
            self._put([measurement])
        return measurement

    def _unavailable(self) -> CollectFailed:
        return CollectFailed(
            f"ScaleOps is unavailable, so the sweep of {format_utc(self._as_of)} stays open: {self._last_failure}"
        )

    def _is_out_of_time(self) -> bool:
        if self._context.clock() < self._deadline:
            return False
        self._scaleops.cancel(self.out_of_time)
        return True
