"""What an action runs with: the services, the clock, the few settings that show in an output, and who may see what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from actions.fanout import FanOut, sequential
from actions.ports import Catalog, DashboardLink, ScaleOps, no_link
from domain.clock import Clock
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.weeks import Schedules

if TYPE_CHECKING:  # importing it takes longer than everything else that a live action needs
    from store import Store

Viewer: TypeAlias = Callable[[EntityRef], bool]
"""Returns True if the caller may see an entity."""


def allow_all(ref: EntityRef) -> bool:  # noqa: ARG001 - the signature of Viewer
    """Show every entity: for callers who may see the whole catalog."""
    return True


@runtime_checkable
class BatchViewer(Protocol):
    """A viewer that decides about many entities in one call."""

    def filter_visible(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        """Return those that the caller may see. Raises ServiceError."""


@dataclass(frozen=True, kw_only=True)
class LiveContext:
    """What the live actions run with."""

    scaleops: ScaleOps
    catalog: Catalog
    """As the caller sees it."""
    clock: Clock
    currency: str
    """ISO 4217; ScaleOps names none."""
    link: DashboardLink = no_link
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] = field(default_factory=dict)
    """A component or team named here owns workloads of these namespaces only."""
    fan_out: FanOut = sequential


@dataclass(frozen=True, kw_only=True)
class HistoryContext:
    """What the actions over stored history run with."""

    store: Store
    clock: Clock
    currency: str
    """ISO 4217."""
    schedules: Schedules
    routes: RoutePolicy
    shared_namespaces: frozenset[str] = frozenset()
    """Namespaces whose unclaimed cost is shared on purpose: `unallocated.shared` of the configuration."""


class ActionContext(Protocol):
    """What an action runs with on behalf of one caller. It may be built in parts, each when it is first used, in the action's thread."""

    @property
    def live(self) -> LiveContext:
        """For live actions. Raises ActionError."""

    @property
    def history(self) -> HistoryContext:
        """For actions over stored history. Raises ActionError."""

    @property
    def viewer(self) -> Viewer:
        """What the caller may see."""


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """An ActionContext that is built already."""

    live: LiveContext
    history: HistoryContext
    viewer: Viewer = allow_all
