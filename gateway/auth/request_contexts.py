"""The context of each request: the catalog as the caller sees it, and history as far as the caller may see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from actions.action_pools import ActionPools
from actions.context import HistoryContext, LiveContext, RequestContext
from actions.ports import Catalog, Listing
from domain.component import Component
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.auth.visibility import Visibility, http_errors_as_action_errors
from gateway.request import GatewayRequest

STORED_THREADS: Final = 8
"""Threads for actions over stored history."""


class RequestContexts:
    """Builds a context per request, and owns the threads that actions run in. One per gateway: that bounds its threads."""

    def __init__(
        self,
        *,
        live: LiveContext,
        history: HistoryContext,
        visibility: Visibility,
        user_catalog: Callable[[Caller], Catalog],
        live_threads: int,
    ) -> None:
        self.pools = ActionPools(live=live_threads, stored=STORED_THREADS)
        self._live = live
        self._history = history
        self._visibility = visibility
        self._user_catalog = user_catalog

    def context_for(self, request: GatewayRequest) -> RequestContext:
        """Return the context of a request. To be called on the event loop."""
        caller = request.require_caller()
        if caller.sees_everything:
            return RequestContext(live=self._live, history=self._history)
        catalog = CallerCatalog(lambda: self._user_catalog(caller))
        viewer = self._visibility.viewer_for(caller, asyncio.get_running_loop())
        return RequestContext(live=replace(self._live, catalog=catalog), history=self._history, viewer=viewer)


class CallerCatalog:
    """The catalog as a caller sees it. The token is minted on first use, because that may write a row."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def component(self, ref: EntityRef) -> Component:
        """Return one component. Raises ServiceError, ActionError."""
        with http_errors_as_action_errors():
            return self._catalog().component(ref)

    def listing(self) -> Listing:
        """Return the components. Raises ServiceError, ActionError."""
        with http_errors_as_action_errors():
            return self._catalog().listing()
