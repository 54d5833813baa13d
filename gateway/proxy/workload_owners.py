"""Which components own a workload, for the network endpoint: it names a workload and no labels.

Two sources: the workload lists that the proxy returned in the last hour, and the newest sweep. The frontend lists a component's
workloads before it queries their network, so the first source usually has the owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cachetools import TTLCache

from domain.clock import Clock
from domain.refs import EntityRef
from domain.workload import WorkloadKey

TTL: Final = timedelta(hours=1)
MAX_WORKLOADS: Final = 100_000


class CachedWorkloadOwners:
    """For one event loop. `from_history` may block and is called in a thread."""

    def __init__(self, from_history: Callable[[WorkloadKey], tuple[EntityRef, ...]], *, clock: Clock) -> None:
        self._from_history = from_history
        self._clock = clock
        self._recent: TTLCache[WorkloadKey, Mapping[EntityRef, datetime], datetime] = TTLCache(MAX_WORKLOADS, TTL, clock)

    def record(self, owner: EntityRef, keys: Iterable[WorkloadKey]) -> None:
        """Record that a response showed these workloads to be the component's own."""
        expires_at = self._clock() + TTL
        for key in keys:
            self._recent[key] = {**self._recent.get(key, {}), owner: expires_at}

    async def recent(self, key: WorkloadKey) -> frozenset[EntityRef]:
        """Return the owners recorded in the last hour; there may be others."""
        now = self._clock()
        return frozenset(ref for ref, expires_at in self._recent.get(key, {}).items() if now < expires_at)

    async def stored(self, key: WorkloadKey) -> frozenset[EntityRef]:
        """Return the owners according to the newest sweep. Raises StoreUnavailable."""
        return frozenset(await asyncio.to_thread(self._from_history, key))
