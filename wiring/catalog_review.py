"""Reads the whole catalog once, to check what its entities say: for `check-config`."""

from __future__ import annotations

from dataclasses import dataclass

from actions.ports import Catalog
from domain.refs import UNOWNED
from domain.selectors import InvalidSelector, plan_for


@dataclass(frozen=True, kw_only=True)
class CatalogReview:
    """What was found."""

    components: int
    incomplete_reason: str
    """Why components may be missing; empty if none can be."""
    problems: tuple[str, ...]
    """What cannot be used, one sentence each."""

    def __str__(self) -> str:
        counted = f"{self.components:,} components with a label selector or kubernetes-id"
        if self.problems:
            counted += f", {len(self.problems):,} problems"
        return f"{counted}; incomplete: {self.incomplete_reason}" if self.incomplete_reason else counted


def review_catalog(catalog: Catalog) -> CatalogReview:
    """List the catalog and check every selector, owner and route in it. Raises ServiceError."""
    listing = catalog.listing()
    problems: dict[str, None] = {}
    components = 0
    for page in listing:
        for component in page.components:
            components += 1
            try:
                plan = plan_for(component)
            except InvalidSelector as bad:
                problems[f"{component.ref}: {bad}"] = None
            else:
                problems.update({f"{component.ref}: {warning}": None for warning in plan.warnings})
            if component.team == UNOWNED and not component.problems:
                problems[f"{component.ref} has no owner"] = None
            problems.update(dict.fromkeys(component.problems))
        for team in page.teams:
            problems.update(dict.fromkeys(team.problems))
    problems.update(dict.fromkeys(listing.left_aside))
    return CatalogReview(components=components, incomplete_reason=listing.reason, problems=tuple(problems))
