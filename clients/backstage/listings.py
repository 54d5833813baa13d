"""Streams a listing of the catalog: pages of components, then the teams that own them and their parent groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clients.backstage.entities import EntityDocument, EntityParser, is_in_scope, routing_keys_of, team_without_entity
from clients.http.errors import ServiceError
from domain.component import CatalogPage, Component, Team
from domain.money import format_count
from domain.refs import UNOWNED, EntityRef

_MAX_NAMED: Final = 5
"""Entities that the reason of an incomplete listing names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRows:
    """The rows of one page: those that are entities, and a sentence for each that could not be read."""

    documents: Sequence[EntityDocument]
    unreadable: Sequence[str] = ()
    count: int
    """Rows of any kind."""


FetchByRefs = Callable[[Sequence[EntityRef]], Sequence[EntityDocument | None]]
"""Returns entities in the order of their references; None for an unknown one."""


class CatalogListing:
    """Implements `actions.ports.Listing` with one page and the set of owners in memory.

    If the catalog fails after the first page, the listing ends early, with `is_complete` False and the reason. `shortfall` gets the
    number of rows, repeated ones included, and returns why they are not all; a catalog counts an entity that moved to a later page twice.
    """

    def __init__(
        self,
        pages: Callable[[], Iterator[EntityRows]],
        by_refs: FetchByRefs,
        *,
        parser: EntityParser,
        shortfall: Callable[[int], str] = lambda _: "",
        left_aside: Sequence[str] = (),
    ) -> None:
        self._pages = pages
        self._by_refs = by_refs
        self._parser = parser
        self._shortfall_of = shortfall
        self._seen: set[EntityRef] = set()
        self._rows = 0
        self._unreadable: list[str] = []
        self._is_known: dict[EntityRef, bool] = {}
        self._reason = "the listing was not read to its end"
        self._left_aside = tuple(left_aside)

    @property
    def is_complete(self) -> bool:
        """True if everything in scope was listed; False until the last page."""
        return not self._reason

    @property
    def reason(self) -> str:
        """Why the listing is not complete; empty if it is."""
        return self._reason

    @property
    def left_aside(self) -> tuple[str, ...]:
        """What was not read, one sentence each. It makes the listing incomplete only where it may be a component."""
        return self._left_aside

    def __iter__(self) -> Iterator[CatalogPage]:
        """Yield the pages. Raises ServiceError if the first cannot be fetched."""
        owners: dict[EntityRef, None] = {}
        problem = ""
        is_first = True
        try:
            for rows in self._pages():
                is_first = False
                page = self._component_page(rows)
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

    def _component_page(self, rows: EntityRows) -> CatalogPage:
        self._rows += rows.count
        self._unreadable += rows.unreadable
        # An entity may move to a later page, and by-query also returns those with blank annotations.
        chosen = {document.ref: document for document in rows.documents if document.ref not in self._seen}
        self._seen.update(chosen)
        parsed = [document for document in chosen.values() if is_in_scope(document)]
        self._find_known([ref for document in parsed for ref in document.claims.undecided])
        components: list[Component] = [self._parser.component(document, find_known=self._find_known) for document in parsed]
        return CatalogPage(components=tuple(components), routing_keys=routing_keys_of(parsed))

    def _find_known(self, refs: Sequence[EntityRef]) -> Collection[EntityRef]:
        missing = [ref for ref in dict.fromkeys(refs) if ref not in self._is_known]
        if missing:
            found = self._by_refs(missing)
            self._is_known.update({ref: document is not None for ref, document in zip(missing, found, strict=True)})
        return {ref for ref in refs if self._is_known[ref]}

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
        if not self._unreadable:
            return self._shortfall_of(self._rows)
        found = len(self._unreadable)
        more = f"; and {found - _MAX_NAMED} more" if found > _MAX_NAMED else ""
        counted = format_count(found, "entity", "entities")
        return f"{counted} of the catalog could not be read: {'; '.join(self._unreadable[:_MAX_NAMED])}{more}"
