"""Questions on behalf of a caller of the gateway: the catalog as they see it, history as far as they may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus

from actions.action_pools import ActionPools
from actions.context import BatchViewer, RequestContext, Viewer
from actions.errors import NotAllowedError, ServiceUnavailableError
from actions.ports import Catalog, Listing
from domain.component import Component
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.responses import HttpError
from gateway.subapps import SubAppContext
from wiring.config_file import read_config_file
from wiring.contexts import history_context
from wiring.policy import build_policy

STORED: int = 8
"""Threads for questions that the store answers."""


class RequestContexts:
    """Makes an asker of every caller."""

    def __init__(self, rooms: SubAppContext) -> None:
        settings = rooms.settings
        policy = build_policy(settings, read_config_file(settings.worker_config_file))
        self._rooms = rooms
        self.archive = history_context(rooms.store, policy, clock=rooms.desk.clock)
        self.lanes = ActionPools(live=settings.scaleops_max_concurrency, stored=STORED)

    def asker_of(self, caller: Caller) -> RequestContext:
        """Answer where this caller asks. Call it on the event loop."""
        desk = self._rooms.desk
        if caller.sees_everything:
            return RequestContext(live=desk, history=self.archive)
        catalog = CallerCatalog(lambda: self._rooms.catalog_as(caller))
        return RequestContext(live=replace(desk, catalog=catalog), history=self.archive, viewer=self._viewer(caller))

    def _viewer(self, caller: Caller) -> Viewer:
        return CallerView(self._rooms.viewer_for(caller))


class CallerView:
    """A viewer whose refusals are failures of a question."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def __call__(self, ref: EntityRef) -> bool:
        """Say whether an entity may be shown. Raises ServiceError, ActionError."""
        with _refusals_as_failures():
            return self._viewer(ref)

    def filter_visible(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of these may be shown. Raises ServiceError, ActionError."""
        with _refusals_as_failures():
            if isinstance(self._viewer, BatchViewer):
                return self._viewer.filter_visible(refs)
            return frozenset(ref for ref in refs if self._viewer(ref))


class CallerCatalog:
    """The catalog as a caller sees it; their token is made when it is first used, for that may write a row."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def component(self, ref: EntityRef) -> Component:
        """Look up one entity. Raises ServiceError, ActionError."""
        with _refusals_as_failures():
            return self._catalog().component(ref)

    def listing(self) -> Listing:
        """List the components. Raises ServiceError, ActionError."""
        with _refusals_as_failures():
            return self._catalog().listing()


@contextmanager
def _refusals_as_failures() -> Iterator[None]:
    try:
        yield
    except HttpError as refused:
        if refused.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise NotAllowedError(refused.message) from None
        raise ServiceUnavailableError(refused.message) from None
