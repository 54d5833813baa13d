"""Rows of a bulk response: an odd one costs itself, and a response that is no JSON is an error that says so."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import pytest

from clients.http.client import HttpClient
from clients.http.errors import ServiceError
from clients.http.messages import HttpRequest, HttpResponse
from clients.scaleops.client import MAX_BULK_BYTES, ScaleOpsClient
from clients.scaleops.tokens import FixedToken

KEY = '"clusterName": "east", "namespace": "shop", "type": "Deployment", "workloadName": "web"'


class OneResponse:
    """An HTTP client that returns the same body to every request."""

    service = "ScaleOps"

    def __init__(self, body: str) -> None:
        self.body = body
        self.sent: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return HttpResponse(status=200, headers={"content-type": "application/json"}, body=self.body.encode())


def scaleops_with(body: str) -> tuple[ScaleOpsClient, OneResponse]:
    http = OneResponse(body)
    return ScaleOpsClient(cast("HttpClient", http), FixedToken("a-token")), http


@pytest.mark.parametrize("number", ["9" * 30, "1e999", "-1", "[]", '"many"'])
def test_a_number_that_cannot_be_read_costs_its_own_field(number: str) -> None:
    body = f'{{"workloads": [{{{KEY}, "replicas": {number}, "savingsAvailable": 1.25}}, null, {{{KEY}, "replicas": 2.0}}]}}'
    odd, unreadable, even = scaleops_with(body)[0].all_workloads()
    assert (odd.replicas, odd.savings_available_per_month, even.replicas) == (None, Decimal("1.25"), 2)
    assert not unreadable.key.is_identified


def test_a_cost_row_that_cannot_be_read_costs_no_other() -> None:
    rows = '{"id": "a", "totalCost": 1e999}, {"id": []}, {"id": null}, null, {"id": "b", "totalCost": 0.1}'
    costs = scaleops_with(f'{{"aggregatedWorkloads": [{rows}]}}')[0].all_costs("east", cost_range="7d")
    assert [(row.id, row.total_cost) for row in costs] == [("a", None), ("b", Decimal("0.1"))]


@pytest.mark.parametrize("body", ["", "<html>", '{"workloads": [{"id": 1}', '{"workloads": [NaN]}'])
def test_what_is_no_json_or_cut_off_is_an_error(body: str) -> None:
    with pytest.raises(ServiceError, match=r"empty body|JSON"):
        list(scaleops_with(body)[0].all_workloads())
    with pytest.raises(ServiceError, match=r"empty body|JSON"):
        scaleops_with(body)[0].all_costs("east", cost_range="7d")


def test_bulk_requests_keep_their_own_limit_on_bytes_when_they_are_sent_with_a_token() -> None:
    scaleops, http = scaleops_with('{"workloads": [], "aggregatedWorkloads": []}')
    list(scaleops.all_workloads())
    scaleops.all_costs("east", cost_range="7d")
    assert [(request.max_response_bytes, request.headers["Authorization"]) for request in http.sent] == [
        (MAX_BULK_BYTES, "Bearer a-token")
    ] * 2
