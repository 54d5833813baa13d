"""Watch sweeps: between two full sweeps, the workloads in danger and nothing else.

    slot ──a full sweep's, done, or another one is running──> nothing to do
      │ claimed; one whose worker died is closed as failed
      v
    inventory (where the newest full sweep proved it), else one query per component ──> closed, with what matters, in one transaction

Components are asked where the inventory of a cluster is not trusted: these are requests of a full sweep. So such a watch sweep does not begin
while one is open, and ends when one is due: it never delays one.
Stored are the workloads in danger and, of components whose alert is not quiet, all that were returned: a workload that is not stored
is unknown. When too many are missing, nothing counts as clear: only the workloads in danger are stored, and the sweep counts as failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

import structlog

from actions.fanout import sequential
from actions.live.measure import point_of_workload
from actions.live.upstream import ComponentWorkloads, fetch_workloads
from alerts.outage import is_too_many
from alerts.policy import Rule
from alerts.rules import is_under_provisioned
from alerts.states import TRACKED_PHASES
from clients.http.errors import ServiceError
from domain.bulk_trust import clusters_without_inventory
from domain.component import Component
from domain.measures import Unknown
from domain.selectors import InvalidSelector
from domain.snapshots import WorkloadPoint
from domain.sweeps import Sweep, WatchSource, WatchSweep, slot_of
from domain.workload import Workload, WorkloadKey
from store import Transaction
from store.queries.points import stored_key
from tasks.collect.stage import stream_components
from tasks.collect.watch_notices import failure_notice
from tasks.context import Policy, StageContext
from tasks.spans import watch_span

log = structlog.get_logger(__name__)

DEAD_AFTER: Final = timedelta(minutes=5)
"""A watch sweep whose worker recorded no progress for this long is taken over."""
MAX_DURATION: Final = timedelta(minutes=25)
"""A watch sweep that takes longer is given up; the slots that pass meanwhile are skipped."""
MAX_WAIT_FOR_FULL_SWEEP: Final = timedelta(hours=1)
"""A full sweep that takes longer is not waited for any more."""
_DIED: Final = "its worker stopped before it was done"
_TOUCH_EVERY: Final = timedelta(seconds=30)
_ROWS_PER_TOUCH: Final = 500
_MAX_INITIAL_FAILURES: Final = 3
_NOT_WATCHED: Final = Unknown("a watch sweep does not measure it")


@dataclass(frozen=True, kw_only=True)
class WatchResult:
    """What one call did."""

    sweep: WatchSweep | None
    """The watch sweep that this call closed; None: there was nothing to do."""
    reason: str = ""
    """Why there was nothing to do."""
    in_danger: int = 0
    """Workloads of components that are in danger."""


def watch(context: StageContext) -> WatchResult:
    """Do the watch sweep of the current slot, unless it is the slot of a full sweep or another worker does it.

    A failure is stored with the sweep, and changes no alert.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    policy, now = context.policy, context.clock()
    if not policy.watch_every:
        return WatchResult(sweep=None, reason="watch sweeps are switched off (WORKER_WATCH_EVERY=0)")
    as_of = slot_of(now, policy.watch_every)
    if as_of == slot_of(now, policy.collect_every):
        return WatchResult(sweep=None, reason="this slot is a full sweep's")
    with context.store.reading() as transaction:
        full = transaction.sweeps.closed_before(as_of)
        if full is None:
            return WatchResult(sweep=None, reason="no full sweep has been closed yet")
        unlisted = clusters_without_inventory(transaction.bulk_checks.of_sweep(full.as_of)) if policy.uses_bulk else None
        source = WatchSource.COMPONENTS if unlisted is None or unlisted else WatchSource.INVENTORY
        if reason := _reason_to_wait(transaction, as_of, now, source):
            return WatchResult(sweep=None, reason=reason)
    _ = context.services.scaleops  # raises for a missing setting before any row is written
    with context.store.transaction() as transaction:
        if transaction.watch_sweeps.close_dead(before=as_of, dead_before=now - DEAD_AFTER, at=now, failure=_DIED):
            _put_notice(transaction, policy, now)
        if not transaction.watch_sweeps.claim(as_of, now=now, dead_before=now - DEAD_AFTER):
            return WatchResult(sweep=None, reason="another worker does this slot")
    with watch_span(context.tracer, "measure", as_of):
        return _Watcher(context, as_of, opened_at=now, full=full, source=source, unlisted=unlisted).run()


def _reason_to_wait(transaction: Transaction, as_of: datetime, now: datetime, source: WatchSource) -> str:
    """Return why the watch sweep of this slot does not begin now; empty if it may."""
    done, running = transaction.watch_sweeps.get(as_of), transaction.watch_sweeps.running(alive_since=now - DEAD_AFTER)
    if done is not None and done.closed_at is not None:
        return "this slot is done"
    if running is not None:
        return f"the watch sweep of {running.as_of:%H:%M} UTC is still running"
    if source is WatchSource.COMPONENTS:
        for sweep in transaction.sweeps.unclosed():
            if now - sweep.opened_at < MAX_WAIT_FOR_FULL_SWEEP:
                return f"the full sweep of {sweep.as_of:%H:%M} UTC makes the same requests"
    return ""


def _put_notice(transaction: Transaction, policy: Policy, now: datetime) -> None:
    notice = failure_notice(transaction, policy, now)
    if notice is not None:
        transaction.outbox.put([notice])


class _WatchFailed(Exception):
    """ScaleOps is unavailable, or there is no time left."""


class _Watcher:
    """One claimed watch sweep. `unlisted` are the clusters without a trusted inventory; None: all."""

    def __init__(
        self,
        context: StageContext,
        as_of: datetime,
        *,
        opened_at: datetime,
        full: Sweep,
        source: WatchSource,
        unlisted: frozenset[str] | None,
    ) -> None:
        self._context = context
        self._as_of = as_of
        self._opened_at = self._touched_at = opened_at
        self._full = full
        self._source = source
        self._unlisted = unlisted
        self._full_sweep_due = slot_of(as_of, context.policy.collect_every) + context.policy.collect_every
        self._seen: set[WorkloadKey] = set()
        self._kept: dict[WorkloadKey, WorkloadPoint] = {}

    def run(self) -> WatchResult:
        """Fetch, and close with what was found."""
        with self._context.store.reading() as transaction:
            owned = transaction.watch_sweeps.owned_keys(self._full.as_of)
            watched = _watched_keys(transaction, self._full.as_of)
        try:
            self._read(self._workloads(), owned, watched)
        except (ServiceError, _WatchFailed) as error:
            failure = str(error)
        else:
            missing = len(owned) - len(self._seen)
            is_short = is_too_many(missing, of=len(owned), policy=self._context.policy.alerts)
            failure = f"{missing} of {len(owned)} workloads that components own are missing in it" if is_short else ""
        return self._close(failure)

    def _read(self, workloads: Iterable[Workload], owned: Collection[WorkloadKey], watched: Collection[WorkloadKey]) -> None:
        """Keep what matters, as the rows arrive. Of two rows of one workload the one in danger counts."""
        for number, workload in enumerate(workloads):
            if number % _ROWS_PER_TOUCH == 0:
                self._touch()
            key = stored_key(workload.key)
            if key not in owned:
                continue
            self._seen.add(key)
            point = point_of_workload(
                workload,
                as_of=self._as_of,
                cost_7d=_NOT_WATCHED,
                network=_NOT_WATCHED,
                network_as_of=None,
                pod_hours_7d=_NOT_WATCHED,
                spot_hours_7d=_NOT_WATCHED,
            )
            is_in_danger = is_under_provisioned(point)
            if is_in_danger or (key in watched and key not in self._kept):
                self._kept[key] = point

    def _workloads(self) -> Iterator[Workload]:
        """Yield the inventory of the clusters where it is trusted, and the workloads of the components on the others."""
        components = stream_components(self._context.store)
        if self._unlisted is None:
            yield from self._of_components(components)
            return
        for workload in self._context.services.scaleops.all_workloads():
            if workload.key.cluster not in self._unlisted:
                yield workload
        if self._unlisted:
            with self._context.store.reading() as transaction:
                asked = transaction.watch_sweeps.owners_on(self._unlisted, full=self._full.as_of)
            for workload in self._of_components(component for component in components if component.ref in asked):
                if workload.key.cluster in self._unlisted:
                    yield workload

    def _of_components(self, components: Iterator[Component]) -> Iterator[Workload]:
        """Yield the workloads of components, some components at a time, in the order of the catalog.

        One that cannot be listed has none, so its workloads are unknown.
        """
        fetch = partial(
            fetch_workloads,
            scaleops=self._context.services.scaleops,
            namespaces_allowed=self._context.policy.namespaces_allowed,
            fan_out=sequential,
        )
        threads = self._context.policy.max_in_flight
        down = measured = 0
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="watch") as pool:
            try:
                for fetched in _in_order(pool, fetch, components, at_once=2 * threads):
                    self._touch()
                    try:
                        workloads = fetched.result().workloads
                    except InvalidSelector:
                        continue
                    except ServiceError as error:
                        down = down + 1 if error.service_down else 0
                        if down >= (2 * threads if measured else _MAX_INITIAL_FAILURES):
                            raise
                        continue
                    down, measured = 0, measured + 1
                    yield from workloads
            finally:
                pool.shutdown(cancel_futures=True)

    def _touch(self) -> None:
        now = self._context.clock()
        if now - self._opened_at > MAX_DURATION:
            message = f"it took longer than {MAX_DURATION // timedelta(minutes=1)} minutes"
            raise _WatchFailed(message)
        if self._source is WatchSource.COMPONENTS and now >= self._full_sweep_due:
            message = f"it was not done when the full sweep of {self._full_sweep_due:%H:%M} UTC was due"
            raise _WatchFailed(message)
        if now - self._touched_at >= _TOUCH_EVERY:
            self._touched_at = now
            with self._context.store.transaction() as transaction:
                transaction.watch_sweeps.touch(self._as_of, opened_at=self._opened_at, now=now)

    def _close(self, failure: str) -> WatchResult:
        in_danger = [point for point in self._kept.values() if is_under_provisioned(point)]
        found = in_danger if failure else self._kept.values()
        now = self._context.clock()
        with self._context.store.transaction() as transaction:
            is_ours = transaction.watch_sweeps.close(
                self._as_of, opened_at=self._opened_at, closed_at=now, source=self._source, failure=failure, found=found
            )
            if is_ours:
                _put_notice(transaction, self._context.policy, now)
            sweep = transaction.watch_sweeps.get(self._as_of) if is_ours else None
        if failure:
            log.warning("watch sweep failed", sweep=self._as_of.isoformat(), reason=failure)
        return WatchResult(sweep=sweep, in_danger=len(in_danger), reason="" if is_ours else "another worker took it over")


def _watched_keys(transaction: Transaction, full: datetime) -> frozenset[WorkloadKey]:
    """Return the workloads of the components whose alert is not quiet."""
    states = transaction.alerts.states(statuses=TRACKED_PHASES)
    refs = sorted({state.ref for state in states if state.rule == Rule.UNDER_PROVISIONED.value})
    measurements = (
        one for start in range(0, len(refs), 200) for one in transaction.snapshots.of_components(refs[start : start + 200], full)
    )
    return frozenset(key for measurement in measurements for key in measurement.snapshot.workloads)


def _in_order(
    pool: ThreadPoolExecutor, fetch: Callable[[Component], ComponentWorkloads], components: Iterator[Component], *, at_once: int
) -> Iterator[Future[ComponentWorkloads]]:
    pending = deque(pool.submit(fetch, component) for component in islice(components, at_once))
    while pending:
        yield pending.popleft()
        pending.extend(pool.submit(fetch, component) for component in islice(components, 1))
