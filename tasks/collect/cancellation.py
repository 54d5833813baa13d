"""Lets a sweep that has to end leave its threads without waiting for an unreachable ScaleOps, question after question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from actions.ports import ScaleOps
from clients.http.client import ErrorKind, ServiceError
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey


class CancellableScaleOps:
    """Passes every question on, until it is stopped; from then on each fails with the reason."""

    def __init__(self, scaleops: ScaleOps) -> None:
        self._passing_on = scaleops
        self._stopped: str | None = None

    def stop(self, reason: str) -> None:
        """Pass nothing on any more."""
        self._stopped = reason

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """Ask ScaleOps."""
        return self._scaleops.workloads(labels)

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Ask ScaleOps."""
        return self._scaleops.costs(cluster=cluster, namespaces=namespaces, types=types, labels=labels, cost_range=cost_range)

    def network_flags(self) -> Mapping[str, bool]:
        """Ask ScaleOps."""
        return self._scaleops.network_flags()

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Ask ScaleOps."""
        return self._scaleops.network(key, start=start, end=end)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Ask ScaleOps."""
        return self._scaleops.policies(cluster)

    @property
    def _scaleops(self) -> ScaleOps:
        if self._stopped is not None:
            raise ServiceError(self._stopped, kind=ErrorKind.CONNECTION, permanent=False)
        return self._passing_on
