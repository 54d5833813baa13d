"""What a caller may see: what the catalog shows them. It is queried as the user; its responses are cached for TTL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from cachetools import LRUCache

from actions.context import Viewer
from actions.errors import NotAllowedError, ServiceUnavailableError
from clients.backstage.client import filter_visible
from clients.http.async_client import AsyncHttpClient
from clients.http.errors import ErrorKind, ServiceError
from domain.clock import Clock
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.auth.signing import Signer
from gateway.responses import HttpError, forbidden

TTL: Final = timedelta(seconds=60)
MAX_CALLERS: Final = 1000
MAX_REFS_PER_CALLER: Final = 20_000
TIMEOUT_S: Final = 30.0
"""How long a thread waits for the catalog, whose own timeouts are shorter."""

CatalogLookup = Callable[[Caller, Collection[EntityRef]], Awaitable[frozenset[EntityRef]]]
"""Returns the entities that the caller may see. Raises ServiceError, HttpError, StoreUnavailable."""
Seen = dict[EntityRef, tuple[bool, datetime]]


def backstage_lookup(http: AsyncHttpClient, signer: Signer) -> CatalogLookup:
    """Return a lookup that queries the catalog over HTTP."""

    async def lookup(caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        return await filter_visible(http, tuple(refs), token=await signer.token_for_async(caller))

    return lookup


class Visibility:
    """Caches what the catalog shows to each caller. Bound to one event loop; `viewer_for` serves threads."""

    def __init__(self, lookup: CatalogLookup | None, *, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self._lookup = lookup
        self._timeout_s = timeout_s
        self._clock = clock
        self._seen: LRUCache[tuple[str, str | None], Seen] = LRUCache(MAX_CALLERS)
        self._pending: dict[tuple[str, str | None, EntityRef], asyncio.Task[frozenset[EntityRef]]] = {}

    async def visible(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Return the entities that the caller may see.

        Raises:
            ServiceError: the catalog cannot be queried; nothing counts as visible then.
            HttpError: the caller's token carries no proof for the catalog.
        """
        if caller.sees_everything:
            return frozenset(refs)
        seen = self._seen_by(caller)
        now = self._clock()
        fresh = {ref: seen[ref][0] for ref in refs if ref in seen and now < seen[ref][1]}
        shown = frozenset(ref for ref, is_shown in fresh.items() if is_shown)
        unknown = [ref for ref in refs if ref not in fresh]
        return shown | await self._fetch(caller, unknown) if unknown else shown

    def viewer_for(self, caller: Caller, loop: asyncio.AbstractEventLoop) -> Viewer:
        """Return the viewer of a caller, for use in threads. It waits for the event loop."""
        return BlockingView(lambda refs: _wait(self.visible(caller, refs), loop, self._timeout_s))

    async def _fetch(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        key = caller.subject, caller.actor
        mine = [ref for ref in refs if (*key, ref) not in self._pending]
        tasks = {self._pending[(*key, ref)] for ref in refs if (*key, ref) in self._pending}
        if mine:
            task = asyncio.create_task(self._query(caller, mine))
            for ref in mine:
                self._pending[(*key, ref)] = task
            task.add_done_callback(lambda done: self._remove_pending(key, mine, done))
            tasks.add(task)
        results = await asyncio.gather(*(asyncio.shield(task) for task in tasks))
        return frozenset(refs).intersection(frozenset().union(*results))

    def _remove_pending(
        self, key: tuple[str, str | None], refs: Collection[EntityRef], done: asyncio.Task[frozenset[EntityRef]]
    ) -> None:
        for ref in refs:
            self._pending.pop((*key, ref), None)
        if not done.cancelled():
            done.exception()

    async def _query(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        if self._lookup is None:
            message = "Backstage is not configured, so it is unknown what you may see"
            raise forbidden(message)
        shown = await self._lookup(caller, refs)
        expires_at = self._clock() + TTL
        seen = self._seen_by(caller)
        if len(seen) + len(refs) > MAX_REFS_PER_CALLER:
            seen.clear()
        seen.update({ref: (ref in shown, expires_at) for ref in islice(refs, MAX_REFS_PER_CALLER)})
        return shown

    def _seen_by(self, caller: Caller) -> Seen:
        key = caller.subject, caller.actor
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = {}
        return seen


def _wait(
    query: Coroutine[Any, Any, frozenset[EntityRef]], loop: asyncio.AbstractEventLoop, timeout_s: float
) -> frozenset[EntityRef]:
    """Run a query on the event loop and wait in this thread; with a timeout, because the loop may have stopped."""
    future = asyncio.run_coroutine_threadsafe(query, loop)
    try:
        return future.result(timeout_s)
    except FutureTimeoutError:
        future.cancel()
        message = f"the catalog did not return within {timeout_s:g} s what may be shown"
        raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=5) from None


class BlockingView:
    """A viewer for one action in a thread; `filter_visible` queries many entities in one call beforehand."""

    def __init__(self, visible: Callable[[Collection[EntityRef]], frozenset[EntityRef]]) -> None:
        self._visible = visible
        self._looked_at: dict[EntityRef, bool] = {}

    def __call__(self, ref: EntityRef) -> bool:
        """Return True if the entity may be shown. Raises ServiceError, ActionError."""
        if ref not in self._looked_at:
            self.filter_visible((ref,))
        return self._looked_at[ref]

    def filter_visible(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Return the entities that may be shown, and cache it. Raises ServiceError, ActionError."""
        with http_errors_as_action_errors():
            shown = self._visible(refs)
        self._looked_at.update({ref: ref in shown for ref in refs})
        return shown


@contextmanager
def http_errors_as_action_errors() -> Iterator[None]:
    """Raise an HttpError as the ActionError that an action reports."""
    try:
        yield
    except HttpError as error:
        if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise NotAllowedError(error.message) from None
        raise ServiceUnavailableError(error.message) from None
