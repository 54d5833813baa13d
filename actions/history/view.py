"""Stored history as one caller may see it. Totals are recomputed over the visible components, with the number of hidden ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from actions.context import BatchViewer, HistoryContext, Viewer, allow_all
from actions.errors import InputError, NotFoundError, ServiceUnavailableError, failed_call
from clients.http.errors import ServiceError
from domain.component import Component
from domain.refs import OWNER_KINDS, EntityRef, InvalidReference
from domain.snapshots import Measurement
from domain.weeks import InvalidWeek, IsoWeek
from store import StoreUnavailable, Transaction

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class HistoryView:
    """One state of the store, as one viewer may see it."""

    rows: Transaction
    history: HistoryContext
    viewer: Viewer

    @property
    def sees_everything(self) -> bool:
        """True if nothing is hidden from the caller."""
        return self.viewer is allow_all

    @property
    def as_of(self) -> datetime | None:
        """The newest closed sweep; None before the first."""
        newest = self.rows.sweeps.newest_closed()
        return None if newest is None else newest.as_of

    def visible(self, refs: Iterable[EntityRef]) -> frozenset[EntityRef]:
        """Return those that the caller may see."""
        wanted = frozenset(refs)
        if self.sees_everything or not wanted:
            return wanted
        if isinstance(self.viewer, BatchViewer):
            return self.viewer.filter_visible(sorted(wanted))
        return frozenset(ref for ref in wanted if self.viewer(ref))

    def only_visible(self, found: Iterable[T], ref_of: Callable[[T], EntityRef]) -> tuple[tuple[T, ...], int]:
        """Return the rows about visible entities, and the number of the others."""
        kept = tuple(found)
        shown = self.visible(ref_of(one) for one in kept)
        visible = tuple(one for one in kept if ref_of(one) in shown)
        return visible, len(kept) - len(visible)

    def only_visible_of(
        self, found: Iterable[T], ref_of: Callable[[T], EntityRef], *, counted: Callable[[], Mapping[EntityRef, int]]
    ) -> tuple[tuple[T, ...], int]:
        """Return the rows found about visible entities, and the number of all rows about hidden ones, found or not.

        A number that depended on the search would reveal the names of hidden entities letter by letter. `counted` returns the
        number of rows by entity; it is not called for a caller who sees everything.
        """
        kept = tuple(found)
        if self.sees_everything:
            return kept, 0
        there = counted()
        shown = self.visible({*there, *(ref_of(one) for one in kept)})
        return tuple(one for one in kept if ref_of(one) in shown), sum(many for ref, many in there.items() if ref not in shown)

    def visible_measurements(self, measurements: Iterable[Measurement]) -> tuple[tuple[Measurement, ...], int]:
        """Return the measurements of visible components, and the number of hidden components."""
        return self.only_visible(measurements, lambda one: one.snapshot.ref)

    def component(self, ref: EntityRef) -> Component:
        """Return a visible component that was ever listed. Raises NotFoundError."""
        known = self.rows.components.get(ref)
        if known is None or not self.visible([ref]):
            message = f"no measurement of {ref} that you may see; list_components lists what was measured"
            raise NotFoundError(message)
        return known

    def may_see(self, ref: EntityRef) -> bool:
        """Return True if the caller may see an entity; a team, if they may see a component that it owns.

        The catalog is not asked about the team itself: one lists every team to everyone, another hides a user's own groups.
        """
        return self.sees_of_team(ref) if ref.kind in OWNER_KINDS else bool(self.visible([ref]))

    def sees_of_team(self, team: EntityRef) -> bool:
        """Return True if the caller may see a component that the team owns now."""
        return self.sees_everything or bool(self.visible(one.ref for one in self.rows.components.of_team(team)))

    def require_visible(self, ref: EntityRef) -> None:
        """Raise NotFoundError unless the caller may see the entity."""
        if not self.may_see(ref):
            message = f"no entity {ref} that you may see; list_components lists those that you may"
            raise NotFoundError(message)


@contextmanager
def read_history(history: HistoryContext, viewer: Viewer = allow_all) -> Iterator[HistoryView]:
    """Open one consistent state of the store as a viewer sees it.

    Raises:
        ServiceUnavailableError: the database is unavailable. ActionError: the catalog did not say what the caller may see.
    """
    try:
        with history.store.reading() as rows:
            yield HistoryView(rows=rows, history=history, viewer=viewer)
    except StoreUnavailable as unavailable:
        message = "the history cannot be read now: the database is unavailable"
        raise ServiceUnavailableError(message) from unavailable
    except ServiceError as failure:
        raise failed_call(failure) from None


def parse_ref(text: str) -> EntityRef:
    """Parse a reference of any kind. Raises InputError."""
    try:
        return EntityRef.parse(text)
    except InvalidReference as bad:
        raise InputError(str(bad)) from None


def parse_team(text: str) -> EntityRef:
    """Parse a team: `payments`, `group:default/payments`, `user:default/ann`. Raises InputError."""
    try:
        return EntityRef.parse_with_defaults(text, kind="group", namespace="default")
    except InvalidReference as bad:
        raise InputError(str(bad)) from None


def parse_week(text: str) -> IsoWeek:
    """Parse `2026-W47`. Raises InputError."""
    try:
        return IsoWeek.parse(text)
    except InvalidWeek as bad:
        raise InputError(str(bad)) from None
