"""When the network of a workload is measured again: once a day, components spread evenly over the slots of the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from domain.refs import EntityRef, bucket_of
from domain.snapshots import NetworkUse
from domain.sweeps import DAY, slot_of
from domain.workload import WorkloadKey

NETWORK_TTL: Final = DAY
"""Figures of this age are measured again, whatever the slot of their component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFigures:
    """The network of one workload as an earlier sweep measured it."""

    use: NetworkUse
    as_of: datetime


RecentNetwork: TypeAlias = Mapping[WorkloadKey, NetworkFigures]
"""Figures that are younger than `NETWORK_TTL`, by workload."""


def is_network_due(ref: EntityRef, as_of: datetime, *, every: timedelta) -> bool:
    """Return True in one slot of each UTC day: the one that a stable hash of the reference chooses."""
    slots = max(1, DAY // every)
    return (as_of - slot_of(as_of, DAY)) // every == bucket_of(str(ref), slots)
