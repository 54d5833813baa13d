"""The five questions that ScaleOps answers, over HTTP. All of them only read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlencode

from pydantic import TypeAdapter

from clients.http.client import ErrorKind, HttpClient, HttpRequest, HttpResponse, ServiceError
from clients.scaleops import parsing
from clients.scaleops.tokens import Credentials
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

T = TypeVar("T")

_CLUSTER: Final = "X-Scaleops-Cluster"
"""Routes a call to one cluster of a multi-cluster installation."""
_JSON: Final = {"Content-Type": "application/json"}
_WORKLOADS: Final = "/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
_FLAGS: Final = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"


class ScaleOpsClient:
    """ScaleOps as `actions.ports.ScaleOps` sees it. Safe for any number of threads; every method raises ServiceError.

    A refused token is replaced once, then the question is asked once more.
    """

    def __init__(self, line: HttpClient, credentials: Credentials) -> None:
        self._line = line
        self._credentials = credentials

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """List the workloads of all clusters that carry every one of these `key=value` labels, savings per month."""
        if not labels:  # ScaleOps would answer with every workload there is.
            message = "ScaleOps was not asked for workloads: no label was given"
            raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)
        request = HttpRequest(method="POST", target=_WORKLOADS, headers=_JSON, body=_body({"label": labels}))
        return parsing.workloads_in(self._ask(parsing.WORKLOADS, request))

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Answer the cost rows of one cluster over `7d`, `30d` or `90d`, of more workloads than asked: labels are OR-ed."""
        request = HttpRequest(
            method="POST",
            target=f"/detailedCostReport/getWorkloads?{urlencode({'multiCluster': 'true', 'range': cost_range})}",
            headers={**_JSON, _CLUSTER: cluster},
            body=_body({"clusterFilters": (cluster,), "namespaces": namespaces, "workloadTypes": types, "labels": labels}),
        )
        return parsing.cost_rows_in(self._ask(parsing.COSTS, request))

    def network_flags(self) -> Mapping[str, bool]:
        """Say for each cluster whether its network is watched; a cluster that is missing is not."""
        return parsing.flags_in(self._ask(parsing.FLAGS, HttpRequest(method="GET", target=_FLAGS)))

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Answer whom a workload talked to between two instants; traffic in bytes, cost over that window."""
        query = {
            "name": key.name,
            "namespace": key.namespace,
            "workloadType": key.type,
            "from": _milliseconds(start),
            "to": _milliseconds(end),
        }
        request = HttpRequest(
            method="GET", target=f"/api/v1/workload-network?{urlencode(query)}", headers={_CLUSTER: key.cluster}
        )
        return parsing.destinations_in(self._ask(parsing.NETWORK, request))

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Answer all policies of one cluster, as custom resources."""
        request = HttpRequest(method="GET", target="/api/v1/policies", headers={_CLUSTER: cluster})
        return parsing.policies_in(self._ask(parsing.POLICIES, request))

    def close(self) -> None:
        """Close the idle connections."""
        self._line.close()

    def _ask(self, adapter: TypeAdapter[T], request: HttpRequest) -> T:
        token = self._credentials.current()
        answer = self._exchange(request, token)
        if answer.status == HTTPStatus.UNAUTHORIZED and token is not None:
            replaced = self._credentials.after_refusal(token)
            if replaced is not None:
                answer = self._exchange(request, replaced)
        return self._line.parse(adapter, request, answer)

    def _exchange(self, request: HttpRequest, token: str | None) -> HttpResponse:
        if token is None:
            return self._line.exchange(request)
        bearing = HttpRequest(
            method=request.method,
            target=request.target,
            headers={**request.headers, "Authorization": f"Bearer {token}"},
            body=request.body,
        )
        return self._line.exchange(bearing)


def _body(content: Mapping[str, tuple[str, ...]]) -> bytes:
    return json.dumps(content).encode()


def _milliseconds(instant: datetime) -> int:
    return round(instant.astimezone(timezone.utc).timestamp() * 1000)
