"""Protocols of the services that actions use: ScaleOps and the catalog.

The clients implement them, and so does the memo of a sweep. Methods raise `clients.http.errors.ServiceError`; `actions.errors`
turns that into the errors that callers of an action see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from domain.component import CatalogPage, Component
from domain.refs import EntityRef
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey


class ScaleOps(Protocol):
    """The five ScaleOps queries. Every method raises ServiceError.

    Rows that could not be read are set aside: `domain.workload.set_aside_of` returns those of a response.
    """

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """List the workloads of all clusters that carry every one of these `key=value` labels; at least one is needed."""

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Return the cost rows of one cluster for `7d`, `30d` or `90d`. ScaleOps ORs labels, so it returns foreign rows too."""

    def network_flags(self) -> Mapping[str, bool | None]:
        """Return for each cluster whether its network is monitored; a missing cluster is not, None is unknown."""

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Return the network peers of a workload between two instants."""

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Return all policies of one cluster."""


class BulkScaleOps(Protocol):
    """Queries without a filter, undocumented: only a sweep makes them, and proves each response. Every method raises ServiceError."""

    def all_workloads(self) -> Iterator[Workload]:
        """Yield every workload of all clusters."""

    def all_costs(self, cluster: str, *, cost_range: str) -> tuple[CostRow, ...]:
        """Return the cost rows of every workload of one cluster for `7d`, `30d` or `90d`."""


class SweepScaleOps(ScaleOps, BulkScaleOps, Protocol):
    """What a sweep asks ScaleOps."""


class Listing(Protocol):
    """All components in scope, streamed. Its completeness is known after the last page."""

    def __iter__(self) -> Iterator[CatalogPage]:
        """Stream the pages, once. Raises ServiceError if the first page cannot be fetched."""

    @property
    def is_complete(self) -> bool:
        """True if the pages held everything; False until the last page."""

    @property
    def reason(self) -> str:
        """Why it is not complete; empty if it is."""

    @property
    def left_aside(self) -> tuple[str, ...]:
        """What of the catalog was not read, one sentence each; not all of it is an entity."""


class Catalog(Protocol):
    """The software catalog. Every method raises ServiceError; an unknown entity is `ErrorKind.NOT_FOUND`."""

    def component(self, ref: EntityRef) -> Component:
        """Look up one entity of any kind."""

    def listing(self) -> Listing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""


class DashboardLink(Protocol):
    """Returns the address of a workload in the ScaleOps dashboard, or None if links are disabled."""

    def __call__(self, workload_name: str, labels: tuple[str, ...]) -> str | None:
        """Build the link from the workload's name and the labels of the query that found it."""


def no_link(workload_name: str, labels: tuple[str, ...]) -> str | None:  # noqa: ARG001 - the signature of DashboardLink
    """Return None: SCALEOPS_LINK_TO_DASHBOARD=false."""
    return None
