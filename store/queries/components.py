"""Components and teams of the catalog listing, and when components left it.

A component is gone after two complete listings without it, and back with the first that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping, Select, and_, case, func, or_, select, update

from domain.component import Component, NotificationTargets, Team
from domain.refs import EntityRef
from store.queries.rows import Queries, read_as, row_from
from store.schema import components, teams
from store.upserts import upsert

GONE_AFTER_LISTINGS: Final = 2
_PAGE: Final = 500


class Components(Queries):
    """Components and teams by reference. Written by `collect` only."""

    def record_page(self, listed: Sequence[Component], owners: Sequence[Team], *, as_of: datetime) -> None:
        """Store the components and teams of one page of the listing for the sweep `as_of`."""
        rows = {component.ref: _component_row(component, as_of) for component in listed}
        upsert(self._connection, components, list(rows.values()), key=["entity_ref"])
        upsert(self._connection, teams, list({team.ref: _team_row(team) for team in owners}.values()), key=["entity_ref"])

    def finish_listing(self, *, as_of: datetime, complete: bool) -> None:
        """Count the missing components. An incomplete listing misses none; the same `as_of` counts once."""
        if not complete:
            return
        missing = and_(components.c.last_seen < as_of, or_(components.c.missed_at.is_(None), components.c.missed_at < as_of))
        missed = components.c.missed_listings + 1
        self._connection.execute(
            update(components)
            .where(missing)
            .values(
                missed_listings=missed,
                missed_at=as_of,
                gone_at=case(
                    (components.c.gone_at.is_not(None), components.c.gone_at), (missed >= GONE_AFTER_LISTINGS, as_of), else_=None
                ),
            )
        )

    def count_missing(self, *, as_of: datetime, seen_since: datetime) -> int:
        """Count the components that are not gone, that an earlier listing had from `seen_since` on, and that of `as_of` lacks."""
        counted = select(func.count()).where(
            components.c.gone_at.is_(None), components.c.last_seen < as_of, components.c.last_seen >= seen_since
        )
        return self._connection.execute(counted).scalar_one()

    def get(self, ref: EntityRef) -> Component | None:
        """Return a component that was ever listed, gone or not."""
        row = self._connection.execute(select(components).where(components.c.entity_ref == ref)).mappings().first()
        return None if row is None else _component_of(row)

    def of_team(self, team: EntityRef) -> tuple[Component, ...]:
        """Return the components that a team owns now, by reference."""
        chosen = select(components).where(components.c.team == team, components.c.gone_at.is_(None))
        return self._components(chosen)

    def all(self) -> Iterator[Component]:
        """Yield every component that is not gone, by reference."""
        last: EntityRef | None = None
        while True:
            page = self.page(after=last)
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].ref

    def page(self, *, after: EntityRef | None, size: int = _PAGE) -> tuple[Component, ...]:
        """Return at most `size` components that are not gone, by reference, after a reference."""
        chosen = select(components).where(components.c.gone_at.is_(None))
        if after is not None:
            chosen = chosen.where(components.c.entity_ref > after)
        return self._components(chosen.limit(size))

    def by_refs(self, refs: Sequence[EntityRef]) -> tuple[Component, ...]:
        """Return these components without the gone ones, by reference."""
        chosen = select(components).where(self._is_one_of(components.c.entity_ref, refs), components.c.gone_at.is_(None))
        return self._components(chosen)

    def counts(self) -> Mapping[EntityRef, int]:
        """Return every component that is not gone, with the count 1: the form that the history actions take."""
        return dict.fromkeys(self.refs(), 1)

    def refs(self) -> tuple[EntityRef, ...]:
        """Return the references of the components that are not gone, in their order."""
        chosen = select(components.c.entity_ref).where(components.c.gone_at.is_(None))
        return tuple(self._connection.execute(chosen.order_by(components.c.entity_ref)).scalars())

    def count(self) -> int:
        """Count the components that are not gone."""
        counted = self._connection.execute(select(func.count()).where(components.c.gone_at.is_(None)))
        return counted.scalar_one()

    def gone(self) -> Mapping[EntityRef, datetime]:
        """Return the gone components, with the sweep whose listing was the second without them."""
        chosen = select(components.c.entity_ref, components.c.gone_at).where(components.c.gone_at.is_not(None))
        return {row.entity_ref: row.gone_at for row in self._connection.execute(chosen)}

    def teams(self) -> Mapping[EntityRef, Team]:
        """Return every team and parent group that was ever listed, by its reference, in this order."""
        found = self._connection.execute(select(teams).order_by(teams.c.entity_ref)).mappings()
        return {row["entity_ref"]: _team_of(row) for row in found}

    def owners(self) -> tuple[EntityRef, ...]:
        """Return the teams that own a component now, by reference."""
        chosen = select(components.c.team).where(components.c.gone_at.is_(None)).distinct().order_by(components.c.team)
        return tuple(self._connection.execute(chosen).scalars())

    def _components(self, chosen: Select[tuple[object, ...]]) -> tuple[Component, ...]:
        return tuple(_component_of(row) for row in self._connection.execute(chosen.order_by(components.c.entity_ref)).mappings())


def _component_row(component: Component, as_of: datetime) -> dict[str, Any]:
    return {
        "entity_ref": component.ref,
        **row_from(component, without=("ref", "contact", "owner_rule")),
        **row_from(component.contact),
        "last_seen": as_of,
        "missed_listings": 0,
        "missed_at": None,
        "gone_at": None,
    }


def _team_row(team: Team) -> dict[str, Any]:
    return {"entity_ref": team.ref, **row_from(team, without=("ref", "contact")), **row_from(team.contact)}


def _component_of(row: RowMapping) -> Component:
    runbooks = tuple((title, url) for title, url in row["runbooks"])
    problems = tuple(row["problems"])
    return read_as(
        Component, row, ref=row["entity_ref"], contact=_contact_of(row), runbooks=runbooks, problems=problems, owner_rule=""
    )


def _team_of(row: RowMapping) -> Team:
    return read_as(Team, row, ref=row["entity_ref"], contact=_contact_of(row), problems=tuple(row["problems"]))


def _contact_of(row: RowMapping) -> NotificationTargets:
    return read_as(NotificationTargets, row, slack_channels=tuple((key, channel) for key, channel in row["slack_channels"]))
