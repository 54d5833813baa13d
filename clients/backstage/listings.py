"""A listing of the catalog as it streams: pages of components first, then the teams that own them and their parent groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from clients.backstage.entities import EntityDocument, EntityParser, is_in_scope, routing_keys_of, team_without_entity
from clients.http.client import ServiceError
from domain.component import CatalogPage, Component, Team
from domain.refs import UNOWNED, EntityRef, InvalidReference

Documents = Sequence[EntityDocument | None]
"""None: an entity that could not be read."""


class CatalogListing:
    """Streams a catalog; see `actions.ports.Listing`. Memory holds one page and the set of owners.

    A catalog that breaks off after its first page is listed as far as it came, and says why it is not complete.
    """

    def __init__(
        self,
        pages: Callable[[], Iterator[Documents]],
        by_refs: Callable[[Sequence[EntityRef]], Documents],
        *,
        reader: EntityParser,
        expected: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._pages = pages
        self._by_refs = by_refs
        self._reader = reader
        self._expected = expected
        self._seen: set[EntityRef] = set()
        self._unreadable = 0
        self._reason = "it was not read to its end"

    @property
    def is_complete(self) -> bool:
        """Say whether everything in scope was listed; false until the pages are through."""
        return not self._reason

    @property
    def reason(self) -> str:
        """Why it is not complete; empty when it is."""
        return self._reason

    def __iter__(self) -> Iterator[CatalogPage]:
        """Stream the pages. Raises ServiceError when not even the first can be had."""
        owners: dict[EntityRef, None] = {}
        trouble = ""
        is_first = True
        try:
            for documents in self._pages():
                is_first = False
                page = self._component_page(documents)
                owners.update(dict.fromkeys(component.team for component in page.components if component.team != UNOWNED))
                yield page
        except ServiceError as failure:
            if is_first:
                raise
            trouble = str(failure)
        try:
            yield from self._team_pages(list(owners))
        except ServiceError as failure:
            trouble = trouble or str(failure)
        self._reason = trouble or self._shortfall()

    def _component_page(self, documents: Documents) -> CatalogPage:
        components: list[Component] = []
        kept: list[EntityDocument] = []
        for document in documents:
            component = None if document is None else self._component(document)
            if document is None or component is None:
                self._unreadable += 1
            elif component.ref not in self._seen:  # an entity may move between pages while they are read
                self._seen.add(component.ref)
                if is_in_scope(document):  # the catalog also lists annotations that are blank
                    components.append(component)
                    kept.append(document)
        return CatalogPage(components=tuple(components), routing_keys=routing_keys_of(kept))

    def _component(self, document: EntityDocument) -> Component | None:
        try:
            return self._reader.component(document)
        except InvalidReference:
            return None

    def _team_pages(self, wanted: list[EntityRef]) -> Iterator[CatalogPage]:
        """Look up owners, then their parents, until no new one is named."""
        known: set[EntityRef] = set(wanted)
        while wanted:
            teams: list[Team] = []
            kept: list[EntityDocument] = []
            for ref, document in zip(wanted, self._by_refs(wanted), strict=True):
                if document is None:
                    teams.append(team_without_entity(ref))
                else:
                    teams.append(self._reader.team(document))
                    kept.append(document)
            yield CatalogPage(teams=tuple(teams), routing_keys=routing_keys_of(kept))
            wanted = list(dict.fromkeys(team.parent for team in teams if team.parent is not None and team.parent not in known))
            known.update(wanted)

    def _shortfall(self) -> str:
        if self._unreadable:
            return f"{self._unreadable} entities of the catalog could not be read"
        expected = self._expected()
        if expected is not None and len(self._seen) < expected:
            return f"the catalog speaks of {expected} entities and listed {len(self._seen)}"
        return ""
