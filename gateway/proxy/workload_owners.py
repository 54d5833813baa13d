"""Which components a workload belongs to: as the proxy saw it while it answered, and as the newest sweep did.

The network endpoint names one workload and no label, so this is the only way to tell whose it is. The frontend asks for a
component's workloads before it asks for their network, so the first source nearly always knows; what it does not know, a component that
nobody has asked about lately, the second may.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from domain.clock import Clock
from domain.refs import EntityRef
from domain.workload import WorkloadKey

SEEN_FOR: Final = timedelta(hours=1)
MOST_WORKLOADS: Final = 100_000


class CachedWorkloadOwners:
    """Owners of workloads, for one event loop. `from_history` may block and is called in a thread."""

    def __init__(self, from_history: Callable[[WorkloadKey], tuple[EntityRef, ...]], *, clock: Clock) -> None:
        self._from_history = from_history
        self._clock = clock
        self._seen: OrderedDict[WorkloadKey, dict[EntityRef, datetime]] = OrderedDict()

    def note(self, owner: EntityRef, keys: Iterable[WorkloadKey]) -> None:
        """Remember what an answer showed to be a component's own."""
        now = self._clock()
        for key in keys:
            self._seen.setdefault(key, {})[owner] = now
            self._seen.move_to_end(key)
        while len(self._seen) > MOST_WORKLOADS:
            self._seen.popitem(last=False)

    async def recent(self, key: WorkloadKey) -> frozenset[EntityRef]:
        """Answer the components that answers of the last hour showed to claim a workload; there may be others."""
        earliest = self._clock() - SEEN_FOR
        return frozenset(ref for ref, at in self._seen.get(key, {}).items() if at > earliest)

    async def stored(self, key: WorkloadKey) -> frozenset[EntityRef]:
        """Answer the components that claimed a workload in the newest sweep. Raises StoreUnavailable."""
        return frozenset(await asyncio.to_thread(self._from_history, key))
