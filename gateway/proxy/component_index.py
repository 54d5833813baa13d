"""Which components ask ScaleOps by which labels: the catalog turned round, as the service sees it. It says what exists, never who may see it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from actions.ports import Catalog
from clients.http.client import ErrorKind, ServiceError
from domain.clock import Clock
from domain.component import Component
from domain.refs import EntityRef
from domain.selectors import InvalidSelector, plan_for

FRESH_FOR: Final = timedelta(minutes=5)
COOL_DOWN: Final = timedelta(seconds=30)
"""Labels that nobody has read the catalog anew, for they may be a new component's; not more often than this."""

Labels = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    by_labels: Mapping[Labels, tuple[Component, ...]] = field(repr=False)
    by_ref: Mapping[EntityRef, Component] = field(repr=False)
    read_at: datetime


class ComponentIndex:
    """Components by the labels of their selectors, for one event loop. The catalog is read in a thread of its own."""

    def __init__(self, catalog: Catalog, *, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="component-index")
        self._index: _Index | None = None
        self._reading: asyncio.Task[_Index] | None = None
        self._tried_at: datetime | None = None

    async def asking_by(self, labels: Collection[str]) -> tuple[Component, ...]:
        """Answer the components whose selector comes to exactly these labels.

        Raises:
            ServiceError: the catalog was never read, and cannot be now.
        """
        wanted = frozenset(labels)
        index = await self._current()
        found = index.by_labels.get(wanted, ())
        if not found and self._may_try():
            found = (await self._read()).by_labels.get(wanted, ())
        return found

    async def components(self, refs: Collection[EntityRef]) -> tuple[Component, ...]:
        """Answer those of the entities that are components in scope. Raises ServiceError like `asking_by`."""
        index = await self._current()
        return tuple(index.by_ref[ref] for ref in refs if ref in index.by_ref)

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _current(self) -> _Index:
        index = self._index
        if index is None:
            if not self._may_try() and self._reading is None:
                message = "the catalog could not be read just now"
                raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=5)
            return await self._read()
        if self._clock() - index.read_at >= FRESH_FOR and self._may_try():
            self._start_reading()
        return index

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= (COOL_DOWN if self._index else _FIRST_COOL_DOWN)

    async def _read(self) -> _Index:
        task = self._start_reading()
        try:
            return await asyncio.shield(task)
        except ServiceError:
            if self._index is None:
                raise
            return self._index

    def _start_reading(self) -> asyncio.Task[_Index]:
        if self._reading is None:
            self._tried_at = self._clock()
            self._reading = asyncio.create_task(self._read_in_the_thread())
            self._reading.add_done_callback(self._forget)
        return self._reading

    def _forget(self, done: asyncio.Task[_Index]) -> None:
        self._reading = None
        if not done.cancelled():
            done.exception()

    async def _read_in_the_thread(self) -> _Index:
        now = self._clock()
        listed, is_complete = await asyncio.get_running_loop().run_in_executor(self._thread, self._list)
        by_ref = {component.ref: component for component in listed}
        if not is_complete and self._index is not None:
            by_ref = {**self._index.by_ref, **by_ref}
        by_labels: dict[Labels, list[Component]] = defaultdict(list)
        for component in by_ref.values():
            for labels in _label_sets_of(component):
                by_labels[labels].append(component)
        index = _Index(by_labels={labels: tuple(found) for labels, found in by_labels.items()}, by_ref=by_ref, read_at=now)
        self._index = index
        return index

    def _list(self) -> tuple[list[Component], bool]:
        listing = self._catalog.listing()
        components = [component for page in listing for component in page.components]
        return components, listing.is_complete


_FIRST_COOL_DOWN: Final = timedelta(seconds=5)


def _label_sets_of(component: Component) -> set[Labels]:
    """Answer the labels of each of its queries, and of all of them together, as the cost endpoint is asked."""
    try:
        plan = plan_for(component)
    except InvalidSelector:
        return set()
    return {frozenset(labels) for labels in (*plan.queries, plan.labels)}
