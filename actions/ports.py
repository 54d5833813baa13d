"""What the questions need of the outside: ScaleOps and the catalog, as narrow protocols.

The real clients fit, and so do the memo of a sweep and the doubles of tests. Both raise `clients.calls.ServiceError`;
`actions.errors` turns that into the errors that callers of a question see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from domain.component import CatalogPage, Component
from domain.refs import EntityRef
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey


class ScaleOps(Protocol):
    """The five upstream questions. Every method raises ServiceError."""

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """List the workloads of all clusters that carry every one of these `key=value` labels; at least one is needed."""

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Answer the cost rows of one cluster for `7d`, `30d` or `90d`. Holds more than asked: labels are OR-ed upstream."""

    def network_flags(self) -> Mapping[str, bool]:
        """Say for each cluster whether its network is watched; a cluster that is missing is not."""

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Answer whom a workload talked to between two instants."""

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Answer all policies of one cluster."""


class Listing(Protocol):
    """All components in scope, streamed. Whether it was whole is known once the pages are through."""

    def __iter__(self) -> Iterator[CatalogPage]:
        """Stream the pages, once. Raises ServiceError when not even the first can be had."""

    @property
    def is_complete(self) -> bool:
        """Say whether the pages held everything; false until they are through."""

    @property
    def reason(self) -> str:
        """Why it is not complete; empty when it is."""


class Catalog(Protocol):
    """The software catalog. Every method raises ServiceError; an entity it does not know is `Fault.NOT_FOUND`."""

    def component(self, ref: EntityRef) -> Component:
        """Look up one entity of any kind."""

    def listing(self) -> Listing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""


class DashboardLink(Protocol):
    """Answers the address of a workload in the ScaleOps dashboard, or None where links are switched off."""

    def __call__(self, workload_name: str, labels: tuple[str, ...]) -> str | None:
        """Build the link from the workload's name and the labels it was found by."""


def no_link(workload_name: str, labels: tuple[str, ...]) -> str | None:  # noqa: ARG001 - it has the shape of DashboardLink
    """Link to nothing: what SCALEOPS_LINK_TO_DASHBOARD=false means."""
    return None
