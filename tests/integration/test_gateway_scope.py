"""A user reads through the proxy only the workloads of components that the catalog shows them."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.snapshots import WorkloadPoint
from domain.workload import WorkloadKey
from simulator.serving import Simulator
from simulator.world import Scenario
from tests.factories import SLOT, make_measurement
from tests.services.gateways import ServedGateway, ServeGateway

PROXY = "/api/scaleops/api"
WORKLOADS = f"{PROXY}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
COSTS = f"{PROXY}/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
FLAGS = f"{PROXY}/api/v1/networkCost/networkCostEnabled?multiCluster=true"
BY_REFS = "POST /api/catalog/entities/by-refs"
ORDERS = ["app.kubernetes.io/name=orders-000"]
"""Of team-00."""
BILLING = ["app.kubernetes.io/name=billing-001"]
"""Of team-07."""
FRAUD = ["app=fraud-009", "team=team-09", "tier=backend"]
"""Of team-03; other components carry the second and third label too."""
ANN = "user:default/ann"


def list_workloads(gateway: ServedGateway, labels: list[str], headers: dict[str, str]) -> httpx.Response:
    return gateway.client.post(WORKLOADS, json={"label": labels}, headers=headers)


def costs(
    gateway: ServedGateway, labels: list[str], cluster: str, headers: dict[str, str], **overrides: list[str]
) -> httpx.Response:
    body = {"clusterFilters": [cluster], "namespaces": [], "workloadTypes": [], "labels": labels, **overrides}
    return gateway.client.post(COSTS, json=body, headers={**headers, "X-Scaleops-Cluster": cluster})


def network(gateway: ServedGateway, row: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    query = {
        "name": row["workloadName"],
        "namespace": row["namespace"],
        "workloadType": row["type"],
        "from": (gateway.now - 3600) * 1000,
        "to": gateway.now * 1000,
    }
    headers = {**headers, "X-Scaleops-Cluster": row["clusterName"]}
    return gateway.client.get(f"{PROXY}/api/v1/workload-network", params=query, headers=headers)


def forbidden(response: httpx.Response) -> str:
    assert response.status_code == 403, response.text
    assert response.json()["error"]["name"] == "NotAllowedError"
    message: str = response.json()["error"]["message"]
    return message


def test_a_user_who_gets_404_from_the_catalog_gets_403_from_the_proxy(gateway: ServedGateway) -> None:
    ann = gateway.as_user(ANN, "group:default/team-00")
    assert list_workloads(gateway, ORDERS, ann).status_code == 200
    message = forbidden(list_workloads(gateway, BILLING, ann))
    assert "not the selector of a component that the catalog shows you" in message
    assert gateway.calls("scaleops")["POST /api/v1/dashboard/byNamespace"] == 1, "the forbidden request was not sent upstream"


def test_labels_that_are_not_a_selector_are_forbidden_like_those_of_hidden_components(gateway: ServedGateway) -> None:
    ann = gateway.as_user(ANN, "group:default/team-03")
    messages = {
        forbidden(list_workloads(gateway, labels, ann))
        for labels in (["app=none"], FRAUD[:2], FRAUD[1:], [*FRAUD, "x=y"], ORDERS)
    }
    assert len(messages) == 1, "the message does not reveal whether a hidden component exists"
    assert list_workloads(gateway, FRAUD, ann).status_code == 200
    assert list_workloads(gateway, list(reversed(FRAUD)), ann).status_code == 200


def test_a_plugin_on_behalf_of_a_user_sees_what_the_user_sees(gateway: ServedGateway) -> None:
    gateway.as_user(ANN, "group:default/team-00")
    plugin = gateway.as_plugin(obo=gateway.auth.limited_token(ANN, now=gateway.now))
    assert list_workloads(gateway, ORDERS, plugin).status_code == 200
    forbidden(list_workloads(gateway, BILLING, plugin))


def test_services_and_static_tokens_see_everything(gateway: ServedGateway) -> None:
    for headers in (gateway.as_plugin(), gateway.as_ci()):
        assert list_workloads(gateway, BILLING, headers).json()["workloads"]
        assert list_workloads(gateway, ["team=team-09"], headers).status_code == 200
    assert BY_REFS not in gateway.calls("backstage")


def test_rows_of_other_components_are_removed_from_the_costs(gateway: ServedGateway) -> None:
    ann, service = gateway.as_user(ANN, "group:default/team-03"), gateway.as_ci()
    own = list_workloads(gateway, FRAUD, ann).json()["workloads"]
    cluster = own[0]["clusterName"]
    ids = {row["id"].casefold() for row in own if row["clusterName"] == cluster}
    whole = costs(gateway, FRAUD, cluster, service).json()["aggregatedWorkloads"]
    filtered = costs(gateway, FRAUD, cluster, ann).json()["aggregatedWorkloads"]
    assert len(whole) > len(filtered) > 0
    assert {row["id"].casefold() for row in filtered} == ids
    assert filtered == [row for row in whole if row["id"].casefold() in ids]


def test_ids_are_compared_without_letter_case(gateway: ServedGateway) -> None:
    ann = gateway.as_user(ANN, "group:default/team-03")
    cluster = list_workloads(gateway, FRAUD, ann).json()["workloads"][0]["clusterName"]
    before = costs(gateway, FRAUD, cluster, ann).json()["aggregatedWorkloads"]
    gateway.simulator.set_modes(cost_ids="swapped")
    assert len(costs(gateway, FRAUD, cluster, ann).json()["aggregatedWorkloads"]) == len(before) > 0


def test_a_cost_query_names_one_cluster(gateway: ServedGateway) -> None:
    ann = gateway.as_user(ANN, "group:default/team-03")
    row = list_workloads(gateway, FRAUD, ann).json()["workloads"][0]
    cluster = row["clusterName"]
    several = costs(gateway, FRAUD, cluster, ann, clusterFilters=[cluster, "another"])
    none = gateway.client.post(COSTS, json={"labels": FRAUD}, headers=ann)
    crossed = costs(gateway, FRAUD, cluster, ann, clusterFilters=["another"])
    assert [response.status_code for response in (several, none, crossed)] == [400, 400, 400]
    assert gateway.client.post(COSTS, json={"labels": FRAUD, "clusterFilters": [cluster]}, headers=ann).status_code == 200


def test_costs_of_a_hidden_component_are_forbidden(gateway: ServedGateway) -> None:
    forbidden(costs(gateway, BILLING, "prod-us-east-1", gateway.as_user(ANN, "group:default/team-00")))


def test_the_network_of_a_workload_belongs_to_its_component(gateway: ServedGateway) -> None:
    ann, ben = gateway.as_user(ANN, "group:default/team-00"), gateway.as_user("user:default/ben", "group:default/team-07")
    orders = list_workloads(gateway, ORDERS, ann).json()["workloads"][0]
    billing = list_workloads(gateway, BILLING, ben).json()["workloads"][0]
    assert network(gateway, orders, ann).status_code == 200
    assert network(gateway, billing, ben).status_code == 200
    forbidden(network(gateway, billing, ann))
    forbidden(network(gateway, orders, ben))
    forbidden(network(gateway, {**orders, "clusterName": "staging-of-others"}, ann))


def test_the_network_of_an_unknown_workload_is_forbidden_until_history_knows_it(gateway: ServedGateway) -> None:
    ann = gateway.as_user(ANN, "group:default/team-00")
    orders = list_workloads(gateway, ORDERS, gateway.as_ci()).json()["workloads"][0]
    forbidden(network(gateway, orders, ann))
    key = WorkloadKey(
        cluster=orders["clusterName"], namespace=orders["namespace"], type=orders["type"], name=orders["workloadName"]
    )
    known = WorkloadPoint.unmeasured(as_of=SLOT, key=key, reason="only its key matters here")
    with gateway.dependencies.store.transaction() as rows:
        rows.sweeps.open(SLOT, opened_at=SLOT)
        rows.snapshots.put_all([make_measurement("orders-000", known)])
        rows.sweeps.close(SLOT, closed_at=SLOT + timedelta(minutes=1))
    assert network(gateway, orders, ann).status_code == 200


def test_every_user_may_read_which_clusters_are_monitored(gateway: ServedGateway) -> None:
    assert gateway.client.get(FLAGS, headers=gateway.as_user("user:default/of-no-team")).status_code == 200


def test_extra_routes_are_for_services_in_catalog_scope(serve_gateway: ServeGateway) -> None:
    policies = f"{PROXY}/api/v1/policies"
    narrow = serve_gateway(gateway_extra_routes="GET /api/v1/policies")
    assert narrow.client.get(policies, headers=narrow.as_ci()).json()["policies"]
    assert "GATEWAY_PROXY_SCOPE" in forbidden(narrow.client.get(policies, headers=narrow.as_user(ANN)))
    wide = serve_gateway(gateway_extra_routes="GET /api/v1/policies", gateway_proxy_scope="any")
    assert wide.client.get(policies, headers=wide.as_user(ANN)).json()["policies"]


def test_in_scope_any_a_user_may_query_any_label_but_needs_one(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_proxy_scope="any")
    ann = gateway.as_user(ANN)
    assert list_workloads(gateway, BILLING, ann).json()["workloads"]
    assert list_workloads(gateway, [], ann).status_code == 400


def test_callers_share_the_upstream_response_and_see_their_own_rows(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_cache_ttl_s=60)
    ann = gateway.as_user(ANN, "group:default/team-03")
    cluster = list_workloads(gateway, FRAUD, ann).json()["workloads"][0]["clusterName"]
    whole = costs(gateway, FRAUD, cluster, gateway.as_ci())
    filtered = costs(gateway, FRAUD, cluster, ann)
    outsider = costs(gateway, FRAUD, cluster, gateway.as_user("user:default/ben", "group:default/team-00"))
    assert whole.headers["cache-status"] == "scaleops-worker; fwd=uri-miss; stored"
    assert filtered.headers["cache-status"].startswith("scaleops-worker; hit; ttl=")
    assert len(filtered.json()["aggregatedWorkloads"]) < len(whole.json()["aggregatedWorkloads"])
    forbidden(outsider)
    assert gateway.calls("scaleops")["POST /detailedCostReport/getWorkloads"] == 1
    assert gateway.calls("scaleops")["POST /api/v1/dashboard/byNamespace"] == 1


def test_visibility_is_cached_for_a_minute(gateway: ServedGateway) -> None:
    gateway.pass_time(seconds=0)
    ann = gateway.as_user(ANN, "group:default/team-00")
    assert list_workloads(gateway, ORDERS, ann).status_code == 200
    fetched = gateway.calls("backstage")[BY_REFS]
    gateway.auth.groups[ANN] = set()
    for _ in range(3):
        assert list_workloads(gateway, ORDERS, ann).status_code == 200
    assert gateway.calls("backstage")[BY_REFS] == fetched
    gateway.pass_time(seconds=61)
    forbidden(list_workloads(gateway, ORDERS, ann))
    assert gateway.calls("backstage")[BY_REFS] == fetched + 1


def test_a_new_component_is_found_after_the_cooldown(gateway: ServedGateway) -> None:
    gateway.pass_time(seconds=0)
    ann = gateway.as_user(ANN, "group:default/team-00")
    assert list_workloads(gateway, ORDERS, ann).status_code == 200
    listings = gateway.calls("backstage")["GET /api/catalog/entities/by-query"]
    for _ in range(5):
        forbidden(list_workloads(gateway, ["app=new"], ann))
    assert gateway.calls("backstage")["GET /api/catalog/entities/by-query"] == listings
    gateway.pass_time(seconds=31)
    forbidden(list_workloads(gateway, ["app=new"], ann))
    assert gateway.calls("backstage")["GET /api/catalog/entities/by-query"] > listings


@pytest.mark.parametrize("route", ["by-refs", "by-query"])
def test_without_the_catalog_a_user_sees_nothing_and_a_service_still_does(gateway: ServedGateway, route: str) -> None:
    ann = gateway.as_user(ANN, "group:default/team-00")
    gateway.simulator.plan_fault("backstage", route=route, mode="drop")
    response = list_workloads(gateway, ORDERS, ann)
    assert response.status_code == 503
    assert response.json()["error"]["name"] == "ServiceUnavailableError"
    assert gateway.calls("scaleops") == {}
    assert list_workloads(gateway, ORDERS, gateway.as_ci()).status_code == 200


def test_a_catalog_that_rejects_our_key_is_not_the_callers_error(gateway: ServedGateway) -> None:
    gateway.auth.peers["scaleops"] = f"{gateway.simulator.backstage_url}/api/mcp-actions"
    response = list_workloads(gateway, ORDERS, gateway.as_user(ANN, "group:default/team-00"))
    assert response.status_code == 502
    assert "www-authenticate" not in response.headers


def test_a_response_that_cannot_be_filtered_is_not_shown_to_a_user(gateway: ServedGateway) -> None:
    ann = gateway.as_user(ANN, "group:default/team-00")
    rows: Any = {"workloads": ["a row that is not an object"]}
    gateway.simulator.plan_fault("scaleops", route="byNamespace", status=200, body=rows)
    assert list_workloads(gateway, ORDERS, ann).status_code == 502
    assert list_workloads(gateway, ORDERS, gateway.as_ci()).json() == rows


def test_annotations_of_the_component_limit_what_is_shown(serve_gateway: ServeGateway, simulator: Simulator) -> None:
    world = simulator.state.world()
    orders = next(entity for entity in world.entities if entity["metadata"]["name"] == "orders-000")
    orders_elsewhere = json.loads(json.dumps(orders))
    orders_elsewhere["metadata"]["name"] = "orders-elsewhere"
    orders_elsewhere["metadata"]["annotations"]["backstage.io/kubernetes-namespace"] = "elsewhere"
    orders_elsewhere["spec"]["owner"] = "group:default/team-99"
    more = replace(world, entities=(*world.entities, orders_elsewhere))
    simulator.load(Scenario(name="one more", world_at=lambda _: more))
    gateway = serve_gateway()
    mine = list_workloads(gateway, ORDERS, gateway.as_user(ANN, "group:default/team-99"))
    theirs = list_workloads(gateway, ORDERS, gateway.as_user("user:default/ben", "group:default/team-00"))
    assert mine.json()["workloads"] == []
    assert theirs.json()["workloads"] != []
