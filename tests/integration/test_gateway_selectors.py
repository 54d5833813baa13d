"""The proxy takes the selectors that the actions take: a list of values is several queries, whose rows are united."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.auth.callers import Caller
from gateway.responses import HttpError
from tests.factories import make_component
from tests.services.gateways import ServedGateway
from tests.unit.proxy_factories import a_scope

WORKLOADS = "/api/scaleops/api/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
KEY = "app.kubernetes.io/name"


def rows(gateway: ServedGateway, *labels: str) -> list[Any]:
    response = gateway.client.post(WORKLOADS, json={"label": labels}, headers=gateway.as_ci())
    assert response.status_code == 200, response.text
    found: list[Any] = response.json()["workloads"]
    return found


def test_a_list_of_values_returns_the_workloads_of_each_once(gateway: ServedGateway) -> None:
    orders, billing = rows(gateway, f"{KEY}=orders-000"), rows(gateway, f"{KEY}=billing-001")
    assert orders
    assert billing
    assert rows(gateway, f"{KEY} in (orders-000, billing-001)") == orders + billing
    assert rows(gateway, f"{KEY} in (orders-000", " orders-000", "billing-001)") == orders + billing


@pytest.mark.parametrize("label", ["app=${NAME}", '"app=web"', "app notin (web)", "!app"])
def test_a_selector_that_cannot_be_sent_is_refused_with_its_reason(gateway: ServedGateway, label: str) -> None:
    response = gateway.client.post(WORKLOADS, json={"label": [label]}, headers=gateway.as_ci())
    assert (response.status_code, response.json()["error"]["name"]) == (400, "InputError")
    assert "selector" in response.json()["error"]["message"]


def test_several_queries_need_a_component_with_all_of_them() -> None:
    caller = Caller(kind="static", subject="ci")

    def owned(selector: str, *queries: tuple[str, ...]) -> int:
        scope = a_scope(make_component("web", label_selector=selector))
        labels = tuple(dict.fromkeys(label for query in queries for label in query))
        return len(asyncio.run(scope.ownerships(caller, labels, queries=queries)))

    assert owned("app in (a, b)", ("app=a",), ("app=b",)) == 1
    with pytest.raises(HttpError):
        owned("app=a, app=b", ("app=a",), ("app=b",))
