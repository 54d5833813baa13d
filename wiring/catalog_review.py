"""Reads the whole catalog once, to check what its entities say: for `check-config`."""

from __future__ import annotations

from dataclasses import dataclass

from actions.ports import Catalog
from domain.component import RoutingKey
from domain.money import format_count
from domain.refs import UNOWNED, EntityRef
from domain.selectors import InvalidSelector, plan_for


@dataclass(frozen=True, kw_only=True)
class CatalogReview:
    """What was found."""

    components: int
    incomplete_reason: str
    """Why components may be missing; empty if none can be."""
    problems: tuple[str, ...]
    """What cannot be used, one sentence each."""
    refs: frozenset[EntityRef]
    teams: frozenset[EntityRef]
    """Owners of these components that are entities, and their parent groups."""
    keys: tuple[RoutingKey, ...]
    """The PagerDuty keys of annotations, each once."""

    def __str__(self) -> str:
        counted = f"{format_count(self.components, 'component')} with a label selector or kubernetes-id"
        if self.problems:
            counted += f", {format_count(len(self.problems), 'problem')}"
        return f"{counted}; incomplete: {self.incomplete_reason}" if self.incomplete_reason else counted


def review_catalog(catalog: Catalog) -> CatalogReview:
    """List the catalog and check every selector, owner and route in it. Raises ServiceError."""
    listing = catalog.listing()
    problems: dict[str, None] = {}
    refs: set[EntityRef] = set()
    teams: set[EntityRef] = set()
    keys: dict[str, RoutingKey] = {}
    for page in listing:
        for component in page.components:
            refs.add(component.ref)
            try:
                plan = plan_for(component)
            except InvalidSelector as bad:
                problems[f"{component.ref}: {bad}"] = None
            else:
                problems.update({f"{component.ref}: {warning}": None for warning in plan.warnings})
            if component.team == UNOWNED and not component.problems:
                problems[f"{component.ref} has no owner"] = None
            problems.update(dict.fromkeys(component.problems))
        keys.update(page.routing_keys)
        teams.update(team.ref for team in page.teams if team.in_catalog)
        for team in page.teams:
            problems.update(dict.fromkeys(team.problems))
    problems.update(dict.fromkeys(listing.left_aside))
    return CatalogReview(
        components=len(refs),
        incomplete_reason=listing.reason,
        problems=tuple(problems),
        refs=frozenset(refs),
        teams=frozenset(teams),
        keys=tuple(keys.values()),
    )
