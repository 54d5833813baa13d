"""What a caller may see: what the catalog shows them. It is asked as the user, and what it said holds for a minute."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Protocol

from actions.context import Viewer, allow_all
from clients.backstage.client import filter_visible
from clients.http.async_client import AsyncHttpClient
from clients.http.errors import ErrorKind, ServiceError
from domain.clock import Clock
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.auth.signing import Signer
from gateway.responses import forbidden

HOLDS_FOR: Final = timedelta(seconds=60)
MOST_CALLERS: Final = 1000
MOST_REFS: Final = 20_000
"""Of one caller."""
PATIENCE_S: Final = 30.0
"""How long a thread waits for the catalog, whose own time-outs are shorter."""
_CATALOG: Final = "catalog"

Seen = dict[EntityRef, tuple[bool, datetime]]


class UserTokens:
    """The token with which the catalog is read as the user behind a call: our own, carrying theirs."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def token_of(self, caller: Caller) -> str:
        """Answer the token. For threads: it may write a row.

        Raises:
            Refused: 403, nothing was sent with which we could ask as this user.
            StoreUnavailable: our key cannot be published.
        """
        if caller.obo is None:
            message = "your token carries no proof (uip) with which the catalog could be asked on your behalf"
            raise forbidden(message)
        return self._signer.token_for(_CATALOG, obo=caller.obo, until=caller.expires_at)

    async def token_on_the_loop(self, caller: Caller) -> str:
        """Answer the same without holding up the event loop."""
        kept = self._signer.kept_token(_CATALOG, obo=caller.obo) if caller.obo is not None else None
        return kept if kept is not None else await asyncio.to_thread(self.token_of, caller)


class CatalogLookup(Protocol):
    """Asks the catalog as a caller."""

    async def __call__(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of the entities are shown. Raises ServiceError, Refused, StoreUnavailable."""


class BackstageLookup:
    """Asks the catalog over HTTP."""

    def __init__(self, line: AsyncHttpClient, tokens: UserTokens) -> None:
        self._line = line
        self._tokens = tokens

    async def __call__(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of the entities are shown."""
        return await filter_visible(self._line, tuple(refs), token=await self._tokens.token_on_the_loop(caller))


class Visibility:
    """Remembers what the catalog shows to whom. Lives on one event loop; `viewer_for` serves threads beside it."""

    def __init__(self, sight: CatalogLookup | None, *, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._sight = sight
        self._patience_s = patience_s
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str | None], Seen] = OrderedDict()
        self._asking: dict[tuple[str, str | None, EntityRef], asyncio.Task[frozenset[EntityRef]]] = {}

    async def visible(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of the entities the caller may see.

        Raises:
            ServiceError: the catalog cannot be asked; nothing is taken for visible then.
            Refused: the caller brought nothing with which it could be asked.
        """
        if caller.sees_everything:
            return frozenset(refs)
        seen = self._seen_by(caller)
        now = self._clock()
        fresh = {ref: seen[ref][0] for ref in refs if ref in seen and now < seen[ref][1]}
        shown = frozenset(ref for ref, is_shown in fresh.items() if is_shown)
        unknown = [ref for ref in refs if ref not in fresh]
        # What was just said is answered from what was just said: it need not have found room in the memory.
        return shown | await self._ask(caller, unknown) if unknown else shown

    def viewer_for(self, caller: Caller, loop: asyncio.AbstractEventLoop) -> Viewer:
        """Answer what questions want: may this entity be shown? For threads; each asks the event loop and waits."""
        if caller.sees_everything:
            return allow_all
        return BlockingView(lambda refs: _wait(self.visible(caller, refs), loop, self._patience_s))

    async def _ask(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        who = caller.subject, caller.actor
        mine = [ref for ref in refs if (*who, ref) not in self._asking]
        tasks = {self._asking[(*who, ref)] for ref in refs if (*who, ref) in self._asking}
        if mine:
            task = asyncio.create_task(self._look(caller, mine))
            for ref in mine:
                self._asking[(*who, ref)] = task
            task.add_done_callback(lambda done: self._forget(who, mine, done))
            tasks.add(task)
        said = await asyncio.gather(*(asyncio.shield(task) for task in tasks))
        return frozenset(refs).intersection(frozenset().union(*said))

    def _forget(self, who: tuple[str, str | None], refs: Collection[EntityRef], done: asyncio.Task[frozenset[EntityRef]]) -> None:
        for ref in refs:
            self._asking.pop((*who, ref), None)
        if not done.cancelled():
            done.exception()

    async def _look(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        if self._sight is None:
            message = "no Backstage is configured that could say what you may see"
            raise forbidden(message)
        shown = await self._sight(caller, refs)
        until = self._clock() + HOLDS_FOR
        seen = self._seen_by(caller)
        if len(seen) + len(refs) > MOST_REFS:
            seen.clear()
        seen.update({ref: (ref in shown, until) for ref in islice(refs, MOST_REFS)})
        return shown

    def _seen_by(self, caller: Caller) -> Seen:
        who = caller.subject, caller.actor
        seen = self._seen.get(who)
        if seen is None:
            while len(self._seen) >= MOST_CALLERS:
                self._seen.popitem(last=False)
            seen = self._seen[who] = {}
        else:
            self._seen.move_to_end(who)
        return seen


def _wait(
    asking: Coroutine[Any, Any, frozenset[EntityRef]], loop: asyncio.AbstractEventLoop, patience_s: float
) -> frozenset[EntityRef]:
    """Wait in a thread for what the event loop finds out; not for ever, for a loop that has stopped answers nobody."""
    asked = asyncio.run_coroutine_threadsafe(asking, loop)
    try:
        return asked.result(patience_s)
    except FutureTimeoutError:
        asked.cancel()
        message = f"the catalog did not say within {patience_s:g} s what may be shown"
        raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=5) from None


class BlockingView:
    """A viewer for one question in a thread; `filter_visible` asks about many entities in one call beforehand."""

    def __init__(self, visible: Callable[[Collection[EntityRef]], frozenset[EntityRef]]) -> None:
        self._visible = visible
        self._looked_at: dict[EntityRef, bool] = {}

    def __call__(self, ref: EntityRef) -> bool:
        """Say whether an entity may be shown. Raises ServiceError."""
        if ref not in self._looked_at:
            self.filter_visible((ref,))
        return self._looked_at[ref]

    def filter_visible(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of these may be shown, and remember it. Raises ServiceError."""
        shown = self._visible(refs)
        self._looked_at.update({ref: ref in shown for ref in refs})
        return shown
