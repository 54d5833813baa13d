"""A simulated day of sweeps, and the calls to ScaleOps that it may make."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from domain.component import Component
from domain.selectors import plan_for
from domain.snapshots import NetworkOff
from store import Store
from tasks.collect.stage import collect
from tasks.collect.watch import watch
from tasks.context import StageContext
from tests.stage_factories import ManualClock

FULL_EVERY: Final = timedelta(hours=6)
WATCH_EVERY: Final = timedelta(minutes=15)
FULL_SWEEPS: Final = 4
SLOTS: Final = 96
WATCH_SWEEPS: Final = SLOTS - FULL_SWEEPS


def sweep_day(
    context: StageContext,
    clock: ManualClock,
    day: datetime,
    *,
    before_full: Callable[[datetime], object] = lambda _: None,
    one_watch_in: int = 1,
) -> None:
    """Do the sweeps of a day, each a minute after its slot began, or one watch sweep in N and all full ones.

    `before_full` is called with the slot of each full sweep.
    """
    per_full = SLOTS // FULL_SWEEPS
    for number in range(SLOTS):
        if number % per_full and number % per_full % one_watch_in:
            continue
        slot = day + number * WATCH_EVERY
        clock.advance(slot + timedelta(minutes=1) - clock.now)
        if number % per_full:
            swept = watch(context).sweep
            assert swept is not None
            assert not swept.failure
        else:
            before_full(slot)
            assert not collect(context).sweep.unknown


def allowed_calls(*, full_sweeps: int, watch_sweeps: int, clusters: int, selectors: int, watched: int) -> int:
    """Return the calls that sweeps may make in a row, logins and what is compared or repeated for single components apart.

    Args:
        full_sweeps: one call for the inventory, one for the flags, two per cluster, one per component and expanded selector, and a
            quarter of the networks each.
        watch_sweeps: one call for the inventory each.
        clusters: clusters with workloads.
        selectors: queries of all components.
        watched: distinct workloads of components on clusters whose network is monitored.
    """
    return full_sweeps * (2 + 2 * clusters + selectors) + math.ceil(full_sweeps * watched / FULL_SWEEPS) + watch_sweeps


def count_selectors(components: Iterable[Component]) -> int:
    """Return how many queries list the workloads of these components."""
    return sum(len(plan_for(component).queries) for component in components)


def count_watched(store: Store, as_of: datetime) -> int:
    """Return how many distinct workloads of a sweep are on clusters whose network is monitored."""
    with store.reading() as transaction:
        points = [point for one in transaction.snapshots.of_sweep(as_of) for point in one.points]
    return len({point.key for point in points if not isinstance(point.network, NetworkOff)})
