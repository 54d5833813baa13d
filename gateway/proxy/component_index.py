"""Components by the labels of their selectors, as the service reads the catalog. It does not decide who may see a component."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from actions.ports import Catalog
from clients.http.errors import ErrorKind, ServiceError
from clients.http.single_flight import AsyncSingleFlight
from domain.clock import Clock
from domain.ownership import Ownership, ownership_of
from domain.refs import EntityRef
from domain.selectors import InvalidSelector

TTL: Final = timedelta(minutes=5)
"""An older index is still used while the catalog is read again."""
RETRY_COOLDOWN: Final = timedelta(seconds=30)
"""Unknown labels may belong to a new component, so they reread the catalog, but not more often than this."""
FIRST_READ_COOLDOWN: Final = timedelta(seconds=5)

Labels = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    by_labels: Mapping[Labels, tuple[Ownership, ...]] = field(repr=False)
    by_ref: Mapping[EntityRef, Ownership] = field(repr=False)
    read_at: datetime


class ComponentIndex:
    """For one event loop. Reads the catalog in its own thread."""

    def __init__(self, catalog: Catalog, namespaces_allowed: Mapping[EntityRef, tuple[str, ...]], *, clock: Clock) -> None:
        self._catalog = catalog
        self._namespaces_allowed = namespaces_allowed
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="component-index")
        self._index: _Index | None = None
        self._reads: AsyncSingleFlight[None, _Index] = AsyncSingleFlight()
        self._tried_at: datetime | None = None

    async def find(self, labels: Collection[str]) -> tuple[Ownership, ...]:
        """Return what the components own whose selector has exactly these labels.

        Raises:
            ServiceError: the catalog was never read, and cannot be read now.
        """
        wanted = frozenset(labels)
        index = self._index
        if index is None:
            if not self._may_read() and None not in self._reads:
                message = "the catalog could not be read; the next attempt is in a few seconds"
                raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=5)
            index = await self._read()
        elif self._clock() - index.read_at >= TTL and self._may_read():
            self._start_read()
        found = index.by_labels.get(wanted, ())
        if not found and self._may_read():
            found = (await self._read()).by_labels.get(wanted, ())
        return found

    def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _may_read(self) -> bool:
        cooldown = FIRST_READ_COOLDOWN if self._index is None else RETRY_COOLDOWN
        return self._tried_at is None or self._clock() - self._tried_at >= cooldown

    async def _read(self) -> _Index:
        try:
            return await asyncio.shield(self._start_read())
        except ServiceError:
            if self._index is None:
                raise
            return self._index

    def _start_read(self) -> asyncio.Task[_Index]:
        if None not in self._reads:
            self._tried_at = self._clock()
        return self._reads.start(None, self._read_catalog)

    async def _read_catalog(self) -> _Index:
        now = self._clock()
        by_ref, is_complete = await asyncio.get_running_loop().run_in_executor(self._thread, self._list)
        if not is_complete and self._index is not None:
            by_ref = {**self._index.by_ref, **by_ref}
        by_labels: dict[Labels, list[Ownership]] = defaultdict(list)
        for ownership in by_ref.values():
            plan = ownership.plan
            # A cost query names the labels of all queries together.
            for labels in {frozenset(labels) for labels in (*plan.queries, plan.labels)}:
                by_labels[labels].append(ownership)
        self._index = _Index(by_labels={labels: tuple(found) for labels, found in by_labels.items()}, by_ref=by_ref, read_at=now)
        return self._index

    def _list(self) -> tuple[dict[EntityRef, Ownership], bool]:
        listing = self._catalog.listing()
        by_ref: dict[EntityRef, Ownership] = {}
        for page in listing:
            for component in page.components:
                try:
                    by_ref[component.ref] = ownership_of(component, self._namespaces_allowed)
                except InvalidSelector:
                    continue  # no query finds its workloads
        return by_ref, listing.is_complete
