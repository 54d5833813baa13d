"""The ScaleOps API: five read-only endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from http import HTTPStatus
from io import BytesIO
from typing import Final, TypeVar
from urllib.parse import urlencode

import ijson

from clients.http.client import HttpClient
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, HttpResponse, read_json, require_ok, schema_error, undecodable_error
from clients.scaleops import parsing
from clients.scaleops.tokens import Credentials, with_bearer
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

T = TypeVar("T")

_CLUSTER_HEADER: Final = "X-Scaleops-Cluster"
"""Routes a call to one cluster of a multi-cluster installation."""
_JSON: Final = {"Content-Type": "application/json"}
_WORKLOADS: Final = "/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
_FLAGS: Final = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"


MAX_BULK_BYTES: Final = 256 * 1024 * 1024
"""Of a response with every workload or cost row. About a kilobyte per workload: more than a quarter of a million workloads."""


class ScaleOpsClient:
    """Implements `actions.ports.SweepScaleOps`. Thread-safe; every method raises ServiceError.

    After a 401 it sends the request once more, with a new token.
    """

    def __init__(self, http: HttpClient, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """Return the workloads of all clusters that carry all of these `key=value` labels, savings per month."""
        if not labels:  # ScaleOps would return every workload
            message = "workloads were not requested from ScaleOps: no label was given"
            raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)
        request = HttpRequest(method="POST", target=_WORKLOADS, headers=_JSON, body=_body({"label": labels}))
        return self._fetch(parsing.to_workloads, request)

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Return the cost rows of one cluster over `7d`, `30d` or `90d`, also of other workloads: ScaleOps ORs the labels."""
        request = _cost_request(cluster=cluster, namespaces=namespaces, types=types, labels=labels, cost_range=cost_range)
        return self._fetch(parsing.to_cost_rows, request)

    def all_workloads(self) -> Iterator[Workload]:
        """Yield every workload of all clusters, read row by row from the response: it may have a hundred thousand.

        ScaleOps does not document the request; the caller proves that the response is complete.
        """
        request = HttpRequest(method="POST", target=_WORKLOADS, headers=_JSON, body=_body({"label": ()}))
        response = self._send_bulk(request)
        yield from parsing.to_inventory(self._stream(request, response, parsing.WORKLOADS))

    def all_costs(self, cluster: str, *, cost_range: str) -> tuple[CostRow, ...]:
        """Return the cost rows of every workload of one cluster. ScaleOps does not document the request; the caller proves it."""
        request = _cost_request(cluster=cluster, namespaces=(), types=(), labels=(), cost_range=cost_range)
        response = self._send_bulk(request)
        try:
            return parsing.to_bulk_costs(self._stream(request, response, parsing.COST_ROWS))
        except parsing.UnexpectedSchema as error:
            raise schema_error(self._http.service, request, response, str(error)) from None

    def network_flags(self) -> Mapping[str, bool | None]:
        """Return for each cluster whether its network is monitored; a cluster that is missing is not, None is unknown."""
        return self._fetch(parsing.to_flags, HttpRequest(method="GET", target=_FLAGS))

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Return the destinations of a workload's traffic between two instants; traffic in bytes, cost over that window."""
        query = {
            "name": key.name,
            "namespace": key.namespace,
            "workloadType": key.type,
            "from": _milliseconds(start),
            "to": _milliseconds(end),
        }
        target = f"/api/v1/workload-network?{urlencode(query)}"
        request = HttpRequest(method="GET", target=target, headers={_CLUSTER_HEADER: key.cluster})
        return self._fetch(parsing.to_destinations, request)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Return all policies of one cluster, as custom resources."""
        request = HttpRequest(method="GET", target="/api/v1/policies", headers={_CLUSTER_HEADER: cluster})
        return self._fetch(parsing.to_policies, request)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _fetch(self, parse: Callable[[object], T], request: HttpRequest) -> T:
        response = self._send(request)
        document = read_json(self._http.service, request, response)
        try:
            return parse(document)
        except parsing.UnexpectedSchema as error:
            raise schema_error(self._http.service, request, response, str(error)) from None

    def _send_bulk(self, request: HttpRequest) -> HttpResponse:
        response = self._send(replace(request, max_response_bytes=MAX_BULK_BYTES))
        require_ok(self._http.service, request, response)
        return response

    def _stream(self, request: HttpRequest, response: HttpResponse, member: str) -> Iterator[object]:
        """Yield the rows of a large response one by one; only its body is in memory as a whole. One without rows must be of the shape.

        Numbers are Decimal, so that one of any size costs its own row only.
        """
        has_rows = False
        try:
            for row in ijson.items(BytesIO(response.body), f"{member}.item"):
                has_rows = True
                yield row
            if not has_rows:
                parsing.require_member(ijson.parse(BytesIO(response.body)), member)
        except (ijson.JSONError, UnicodeDecodeError):
            raise undecodable_error(self._http.service, request, response) from None
        except parsing.UnexpectedSchema as error:
            raise schema_error(self._http.service, request, response, str(error)) from None

    def _send(self, request: HttpRequest) -> HttpResponse:
        token = self._credentials.token()
        response = self._http.send(with_bearer(request, token))
        if response.status == HTTPStatus.UNAUTHORIZED and token is not None:
            token = self._credentials.refresh(token)
            if token is not None:
                response = self._http.send(with_bearer(request, token))
        return response


def _cost_request(
    *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
) -> HttpRequest:
    return HttpRequest(
        method="POST",
        target=f"/detailedCostReport/getWorkloads?{urlencode({'multiCluster': 'true', 'range': cost_range})}",
        headers={**_JSON, _CLUSTER_HEADER: cluster},
        body=_body({"clusterFilters": (cluster,), "namespaces": namespaces, "workloadTypes": types, "labels": labels}),
    )


def _body(content: Mapping[str, tuple[str, ...]]) -> bytes:
    return json.dumps(content).encode()


def _milliseconds(instant: datetime) -> int:
    return round(instant.astimezone(timezone.utc).timestamp() * 1000)
