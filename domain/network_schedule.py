"""When the network of a workload is measured again: once a day, workloads spread evenly over the slots of the day.

By workload and not by component: components that share one measure it in the same slot, so it is fetched once for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from domain.refs import bucket_of
from domain.snapshots import NetworkUse
from domain.sweeps import DAY, slot_of
from domain.workload import WorkloadKey

NETWORK_TTL: Final = DAY
"""Figures of this age are measured again, whatever the slot of their workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFigures:
    """The network of one workload as an earlier sweep measured it."""

    use: NetworkUse
    as_of: datetime


RecentNetwork: TypeAlias = Mapping[WorkloadKey, NetworkFigures]
"""Figures that are younger than `NETWORK_TTL`, by workload."""


def is_network_due(workload: WorkloadKey, as_of: datetime, *, every: timedelta) -> bool:
    """Return True in one slot of each UTC day: the one that a stable hash of the workload chooses."""
    slots = max(1, DAY // every)
    return (as_of - slot_of(as_of, DAY)) // every == bucket_of(str(workload), slots)


def without_due(recent: RecentNetwork, as_of: datetime, *, every: timedelta) -> RecentNetwork:
    """Return the figures that are carried into a sweep, in place of measuring them again."""
    return {key: figures for key, figures in recent.items() if not is_network_due(key, as_of, every=every)}
