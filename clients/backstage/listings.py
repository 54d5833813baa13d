"""Streams a listing of the catalog: pages of components, then the teams that own them and their parent groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from clients.backstage.entities import EntityDocument, EntityParser, is_in_scope, routing_keys_of, team_without_entity
from clients.http.errors import ServiceError
from domain.component import CatalogPage, Component, Team
from domain.refs import UNOWNED, EntityRef, InvalidReference

Documents = Sequence[EntityDocument | None]
"""None: an entity that could not be parsed."""


class CatalogListing:
    """Implements `actions.ports.Listing` with one page and the set of owners in memory.

    If the catalog fails after the first page, the listing ends early, with `is_complete` False and the reason.
    """

    def __init__(
        self,
        pages: Callable[[], Iterator[Documents]],
        by_refs: Callable[[Sequence[EntityRef]], Documents],
        *,
        parser: EntityParser,
        expected: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._pages = pages
        self._by_refs = by_refs
        self._parser = parser
        self._expected = expected
        self._seen: set[EntityRef] = set()
        self._unreadable = 0
        self._reason = "the listing was not read to its end"

    @property
    def is_complete(self) -> bool:
        """True if everything in scope was listed; False until the last page."""
        return not self._reason

    @property
    def reason(self) -> str:
        """Why the listing is not complete; empty if it is."""
        return self._reason

    def __iter__(self) -> Iterator[CatalogPage]:
        """Yield the pages. Raises ServiceError if the first cannot be fetched."""
        owners: dict[EntityRef, None] = {}
        problem = ""
        is_first = True
        try:
            for documents in self._pages():
                is_first = False
                page = self._component_page(documents)
                owners.update(dict.fromkeys(component.team for component in page.components if component.team != UNOWNED))
                yield page
        except ServiceError as error:
            if is_first:
                raise
            problem = str(error)
        try:
            yield from self._team_pages(list(owners))
        except ServiceError as error:
            problem = problem or str(error)
        self._reason = problem or self._shortfall()

    def _component_page(self, documents: Documents) -> CatalogPage:
        components: list[Component] = []
        parsed: list[EntityDocument] = []
        for document in documents:
            component = None if document is None else self._component(document)
            if document is None or component is None:
                self._unreadable += 1
            elif component.ref not in self._seen:  # an entity may move to a later page
                self._seen.add(component.ref)
                if is_in_scope(document):  # by-query also returns blank annotations
                    components.append(component)
                    parsed.append(document)
        return CatalogPage(components=tuple(components), routing_keys=routing_keys_of(parsed))

    def _component(self, document: EntityDocument) -> Component | None:
        try:
            return self._parser.component(document)
        except InvalidReference:
            return None

    def _team_pages(self, refs: list[EntityRef]) -> Iterator[CatalogPage]:
        """Fetch the owners, then their parents, until there is no new one."""
        known: set[EntityRef] = set(refs)
        while refs:
            teams: list[Team] = []
            parsed: list[EntityDocument] = []
            for ref, document in zip(refs, self._by_refs(refs), strict=True):
                if document is None:
                    teams.append(team_without_entity(ref))
                else:
                    teams.append(self._parser.team(document))
                    parsed.append(document)
            yield CatalogPage(teams=tuple(teams), routing_keys=routing_keys_of(parsed))
            refs = list(dict.fromkeys(team.parent for team in teams if team.parent is not None and team.parent not in known))
            known.update(refs)

    def _shortfall(self) -> str:
        if self._unreadable:
            return f"{self._unreadable} entities of the catalog could not be read"
        expected = self._expected()
        if expected is not None and len(self._seen) < expected:
            return f"the catalog announced {expected} entities and listed {len(self._seen)}"
        return ""
