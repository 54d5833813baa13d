"""Questions over what was stored: how they are asked, and what of the store whoever asks may see.

Nothing here calls ScaleOps. A user sees what the catalog shows them: totals are made again over what remains, and say how much is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from actions.arguments import read_arguments
from actions.context import Viewer, allow_all
from actions.errors import InputError, NotFoundError, ServiceUnavailableError, failed_call
from clients.http.errors import ServiceError
from domain.clock import Clock
from domain.component import Component
from domain.messages import Json
from domain.refs import EntityRef, InvalidReference
from domain.routes import RoutePolicy
from domain.snapshots import Measurement
from domain.weeks import InvalidWeek, IsoWeek, Schedules
from store import Store, StoreUnavailable, Transaction

I = TypeVar("I", bound=BaseModel)  # noqa: E741 - the input
O = TypeVar("O", bound=BaseModel)  # noqa: E741 - the output
T = TypeVar("T")

OWNERS = frozenset({"group", "user"})
"""Kinds of entities that are taken for a team."""


@dataclass(frozen=True, kw_only=True)
class HistoryContext:
    """Where history is asked."""

    store: Store
    clock: Clock
    currency: str
    """ISO 4217."""
    schedules: Schedules
    routes: RoutePolicy


@runtime_checkable
class BatchViewer(Protocol):
    """A viewer that can be asked about many entities in one call."""

    def look_at(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of these may be shown. Raises ServiceError."""


@dataclass(frozen=True, kw_only=True)
class HistoryView:
    """One state of the store, as one viewer may see it."""

    rows: Transaction
    archive: HistoryContext
    viewer: Viewer

    @property
    def sees_everything(self) -> bool:
        """Say whether nothing is hidden from who asks."""
        return self.viewer is allow_all

    def visible(self, refs: Iterable[EntityRef]) -> frozenset[EntityRef]:
        """Answer which of these may be shown."""
        asked = frozenset(refs)
        if self.sees_everything:
            return asked
        if isinstance(self.viewer, BatchViewer):
            return self.viewer.look_at(sorted(asked)) if asked else asked
        return frozenset(ref for ref in asked if self.viewer(ref))

    def only_visible(self, found: Iterable[T], ref_of: Callable[[T], EntityRef]) -> tuple[tuple[T, ...], int]:
        """Answer what is about entities that may be shown, and how much is not."""
        kept = tuple(found)
        shown = self.visible(ref_of(one) for one in kept)
        visible = tuple(one for one in kept if ref_of(one) in shown)
        return visible, len(kept) - len(visible)

    def only_visible_of(
        self, found: Iterable[T], ref_of: Callable[[T], EntityRef], *, counted: Callable[[], Mapping[EntityRef, int]]
    ) -> tuple[tuple[T, ...], int]:
        """Answer what was found about entities that may be shown, and how much there is that is not, found or not.

        A number that moved with the search would tell, letter by letter, what hidden things are called. `counted` answers how
        much there is of each entity; whoever sees everything does not pay for it.
        """
        kept = tuple(found)
        if self.sees_everything:
            return kept, 0
        there = counted()
        shown = self.visible({*there, *(ref_of(one) for one in kept)})
        return tuple(one for one in kept if ref_of(one) in shown), sum(many for ref, many in there.items() if ref not in shown)

    def measured_of(self, measurements: Iterable[Measurement]) -> tuple[tuple[Measurement, ...], int]:
        """Answer the measurements of components that may be shown, and how many components are not."""
        return self.only_visible(measurements, lambda one: one.snapshot.ref)

    def component(self, ref: EntityRef) -> Component:
        """Answer a component that was ever listed and may be shown. Raises NotFoundError."""
        known = self.rows.components.get(ref)
        if known is None or not self.visible([ref]):
            message = f"nothing that you may see was ever measured of {ref}; list_components finds what was"
            raise NotFoundError(message)
        return known

    def may_see(self, ref: EntityRef) -> bool:
        """Say whether an entity may be shown; a team only to who may see one of its components, for all catalogs list all teams."""
        if self.sees_everything:
            return True
        return bool(self.visible([ref])) and (ref.kind not in OWNERS or self.sees_of_team(ref))

    def sees_of_team(self, team: EntityRef) -> bool:
        """Say whether a component that a team owns now may be shown."""
        return self.sees_everything or bool(self.visible(one.ref for one in self.rows.components.of_team(team)))

    def require_visible(self, ref: EntityRef) -> None:
        """Check that there is something about an entity that may be shown. Raises NotFoundError."""
        if not self.may_see(ref):
            message = f"nothing that you may see is known of {ref}; list_components finds what is"
            raise NotFoundError(message)


@dataclass(frozen=True, kw_only=True)
class HistoryAction(Generic[I, O]):
    """One question over history. It only reads, so asking twice is harmless."""

    name: str
    title: str
    description: str
    input: type[I]
    output: type[O]
    rows: str
    """The name, as it stands in JSON, of the list in the answer that may be long."""
    answer: Callable[[HistoryView, I], O]

    def ask(self, arguments: Mapping[str, Json], *, archive: HistoryContext, viewer: Viewer = allow_all) -> O:
        """Check the arguments (camelCase names, JSON values) and answer from one state of the store.

        Raises:
            ActionError: there is no answer; the error's class and sentence say why.
        """
        asked = read_arguments(self.input, arguments)
        try:
            with archive.store.reading() as rows:
                return self.answer(HistoryView(rows=rows, archive=archive, viewer=viewer), asked)
        except StoreUnavailable as unavailable:
            message = "the history cannot be read now: the database does not answer"
            raise ServiceUnavailableError(message) from unavailable
        except ServiceError as failure:
            raise failed_call(failure) from None


def parse_ref(text: str) -> EntityRef:
    """Read a reference of any kind. Raises InputError."""
    try:
        return EntityRef.parse(text)
    except InvalidReference as bad:
        raise InputError(str(bad)) from None


def parse_team(text: str) -> EntityRef:
    """Read a team: `payments`, `group:default/payments`, `user:default/ann`. Raises InputError."""
    try:
        return EntityRef.parse_with_defaults(text, kind="group", namespace="default")
    except InvalidReference as bad:
        raise InputError(str(bad)) from None


def parse_week(text: str) -> IsoWeek:
    """Read `2026-W47`. Raises InputError."""
    try:
        return IsoWeek.parse(text)
    except InvalidWeek as bad:
        raise InputError(str(bad)) from None
