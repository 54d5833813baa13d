"""Questions on behalf of a caller of the gateway: the catalog as they see it, history as far as they may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus

from actions.desk import Viewer
from actions.errors import NotAllowedError, ServiceUnavailableError
from actions.history import Archive, LooksAhead
from actions.lanes import Lanes
from actions.offers import Asker
from actions.ports import Catalog, Listing
from domain.component import Component
from domain.refs import EntityRef
from domain.weeks import Schedules
from gateway.answers import Refused
from gateway.callers import Caller
from gateway.sections import Rooms
from wiring.config_file import read_config_file
from wiring.policy import build_policy

STORED: int = 8
"""Threads for questions that the store answers."""


class Asking:
    """Makes an asker of every caller."""

    def __init__(self, rooms: Rooms) -> None:
        settings = rooms.settings
        policy = build_policy(settings, read_config_file(settings.worker_config_file))
        self._rooms = rooms
        self.archive = Archive(
            store=rooms.store,
            clock=rooms.desk.clock,
            currency=policy.currency,
            schedules=Schedules(default=policy.default_schedule, teams=policy.schedules),
            routes=policy.routes,
        )
        self.lanes = Lanes(live=settings.scaleops_max_concurrency, stored=STORED)

    def asker_of(self, caller: Caller) -> Asker:
        """Answer where this caller asks. Call it on the event loop."""
        desk = self._rooms.desk
        if caller.sees_everything:
            return Asker(desk=desk, archive=self.archive)
        catalog = CatalogAsCaller(lambda: self._rooms.catalog_as(caller))
        return Asker(desk=replace(desk, catalog=catalog), archive=self.archive, viewer=self._viewer(caller))

    def _viewer(self, caller: Caller) -> Viewer:
        return SeenByCaller(self._rooms.viewer_for(caller))


class SeenByCaller:
    """A viewer whose refusals are failures of a question."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def __call__(self, ref: EntityRef) -> bool:
        """Say whether an entity may be shown. Raises CallFailed, QuestionFailed."""
        with _refusals_as_failures():
            return self._viewer(ref)

    def look_at(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of these may be shown. Raises CallFailed, QuestionFailed."""
        with _refusals_as_failures():
            if isinstance(self._viewer, LooksAhead):
                return self._viewer.look_at(refs)
            return frozenset(ref for ref in refs if self._viewer(ref))


class CatalogAsCaller:
    """The catalog as a caller sees it; their token is made when it is first used, for that may write a row."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def component(self, ref: EntityRef) -> Component:
        """Look up one entity. Raises CallFailed, QuestionFailed."""
        with _refusals_as_failures():
            return self._catalog().component(ref)

    def listing(self) -> Listing:
        """List the components. Raises CallFailed, QuestionFailed."""
        with _refusals_as_failures():
            return self._catalog().listing()


@contextmanager
def _refusals_as_failures() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise NotAllowedError(refused.message) from None
        raise ServiceUnavailableError(refused.message) from None
