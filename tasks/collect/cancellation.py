"""Cancels the ScaleOps calls of a sweep that has to end, so that its threads do not wait for an unreachable ScaleOps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from actions.ports import ScaleOps
from clients.http.errors import ErrorKind, ServiceError
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey


class CancellableScaleOps:
    """Passes every call on until it is cancelled; from then on each call fails with the reason."""

    def __init__(self, scaleops: ScaleOps) -> None:
        self._upstream = scaleops
        self._cancelled_because: str | None = None

    def cancel(self, reason: str) -> None:
        """Fail all further calls."""
        self._cancelled_because = reason

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """See `ScaleOps`."""
        return self._scaleops.workloads(labels)

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """See `ScaleOps`."""
        return self._scaleops.costs(cluster=cluster, namespaces=namespaces, types=types, labels=labels, cost_range=cost_range)

    def network_flags(self) -> Mapping[str, bool]:
        """See `ScaleOps`."""
        return self._scaleops.network_flags()

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """See `ScaleOps`."""
        return self._scaleops.network(key, start=start, end=end)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """See `ScaleOps`."""
        return self._scaleops.policies(cluster)

    @property
    def _scaleops(self) -> ScaleOps:
        if self._cancelled_because is not None:
            raise ServiceError(self._cancelled_because, kind=ErrorKind.CONNECTION, permanent=False)
        return self._upstream
