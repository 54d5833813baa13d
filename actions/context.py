"""What every question is answered with: the services, the clock and the few settings that show in an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from actions.fanout import FanOut, sequential
from actions.ports import Catalog, DashboardLink, ScaleOps, no_link
from domain.clock import Clock
from domain.refs import EntityRef

Viewer: TypeAlias = Callable[[EntityRef], bool]
"""Says whether an entity may be shown to whoever asks."""


def allow_all(ref: EntityRef) -> bool:  # noqa: ARG001 - it has the shape of Viewer
    """Show every entity: for callers who may see the whole catalog."""
    return True


@dataclass(frozen=True, kw_only=True)
class LiveContext:
    """Where questions are asked."""

    scaleops: ScaleOps
    catalog: Catalog
    clock: Clock
    currency: str
    """ISO 4217; ScaleOps names none."""
    link: DashboardLink = no_link
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] = field(default_factory=dict)
    """A component or team named here owns workloads of these namespaces only."""
    fan_out: FanOut = sequential
