"""The simulated ScaleOps responds as in the facts, and rejects what a real one might."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.credentials import SCALEOPS_TOKEN
from simulator.serving import Simulator
from simulator.state import Modes
from tests.services.loopback import NO_AUTHORITIES

WORKLOADS = "/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
COSTS = "/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
FLAGS = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"
DAY = {"from": "1789000000000", "to": "1789086400000"}
ORDERS_API = {"name": "orders-000-api", "namespace": "ns-team-00", "workloadType": "Deployment", **DAY}


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(
        verify=NO_AUTHORITIES, base_url=simulator.scaleops_url, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"}
    ) as client:
        yield client


def workloads_of(client: httpx.Client, *labels: str, url: str = WORKLOADS) -> list[dict[str, Any]]:
    response = client.post(url, json={"label": list(labels)})
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["workloads"]
    return found


def costs_of(client: httpx.Client, *, span: str = "7d", **filters: list[str]) -> list[dict[str, Any]]:
    empty: dict[str, list[str]] = {"clusterFilters": [], "namespaces": [], "workloadTypes": [], "labels": []}
    response = client.post(COSTS.replace("7d", span), json=empty | filters)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["aggregatedWorkloads"]
    return found


def test_labels_are_anded_by_default(client: httpx.Client) -> None:
    both = workloads_of(client, "app=session-005", "env=prod")
    any_of = workloads_of(client, "app=session-005", "env=prod", url=WORKLOADS.replace("AND", "OR"))
    assert both
    assert len(any_of) > len(both)


def test_labels_are_case_sensitive(client: httpx.Client) -> None:
    assert workloads_of(client, "app=session-005")
    assert not workloads_of(client, " app=session-005")
    assert not workloads_of(client, "app = session-005")
    assert not workloads_of(client, "app=Session-005")
    assert not workloads_of(client, "app==session-005")


def test_no_label_lists_everything_and_is_counted(client: httpx.Client, simulator: Simulator) -> None:
    assert len(workloads_of(client)) == len(simulator.state.world().workloads)
    assert simulator.state.calls["bulk"] == {"byNamespace": 1}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("empty", (0, 0)),
        ("first-rows", (5, 5)),
        ("duplicates", (2 * 128, 2 * 36)),
        ("parent-only", (52, 0)),
        ("foreign-rows", (128, 128)),
        ("complete", (128, 36)),
    ],
)
def test_bulk_responses_fail_as_their_mode_says(
    client: httpx.Client, simulator: Simulator, mode: str, expected: tuple[int, int]
) -> None:
    simulator.state.modes = Modes.model_validate({"bulk": mode, "bulk_rows": 5})
    second = simulator.state.world().clusters[1]
    assert (len(workloads_of(client)), len(costs_of(client, clusterFilters=[second]))) == expected


def test_bulk_may_be_refused_and_labels_of_costs_anded(client: httpx.Client, simulator: Simulator) -> None:
    simulator.state.modes = Modes(bulk="400", cost_labels="and")
    assert client.post(WORKLOADS, json={"label": []}).status_code == 400
    assert len(costs_of(client, labels=["app=session-005", "env=prod"])) == len(
        workloads_of(client, "app=session-005", "env=prod")
    )


def test_without_multi_cluster_only_the_parents_workloads_are_listed(client: httpx.Client) -> None:
    found = workloads_of(client, url="/api/v1/dashboard/byNamespace?logicalLabel=AND")
    assert {workload["clusterName"] for workload in found} == {"prod-us-east-1"}


def test_operators_match_nothing_or_are_rejected(client: httpx.Client, simulator: Simulator) -> None:
    assert not workloads_of(client, "app in (session-005)")
    simulator.state.modes = Modes(label_operators="400")
    assert client.post(WORKLOADS, json={"label": ["app!=session-005"]}).status_code == 400


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (WORKLOADS, {"labels": ["app=a"]}),
        (WORKLOADS, {"label": "app=a"}),
        (WORKLOADS, {}),
        (WORKLOADS.replace("AND", "XOR"), {"label": ["app=a"]}),
        (WORKLOADS + "&namespace=a", {"label": ["app=a"]}),
        (WORKLOADS + "&logicalLabel=AND", {"label": ["app=a"]}),
        (COSTS.replace("7d", "8d"), {"clusterFilters": [], "namespaces": [], "workloadTypes": [], "labels": []}),
        (COSTS, {"label": [], "clusterFilters": [], "namespaces": [], "workloadTypes": [], "labels": []}),
        (COSTS, {"labels": ["app=a"]}),
    ],
)
def test_requests_beyond_the_facts_are_rejected(client: httpx.Client, url: str, body: dict[str, object]) -> None:
    assert client.post(url, json=body).status_code == 400


def test_a_body_must_be_json_with_its_content_type(client: httpx.Client) -> None:
    assert client.post(WORKLOADS, content=b'{"label":["a=b"]}', headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(WORKLOADS, content=b'{"label":', headers={"Content-Type": "application/json"}).status_code == 400
    assert client.post(WORKLOADS, json=["a=b"]).status_code == 400


def test_unknown_routes_and_methods_are_rejected(client: httpx.Client) -> None:
    assert client.get("/api/v1/clusters").status_code == 404
    assert client.get(WORKLOADS).status_code == 405


def test_an_empty_list_may_be_null_or_missing(client: httpx.Client, simulator: Simulator) -> None:
    simulator.state.modes = Modes(workloads_when_empty="null", costs_when_empty="missing")
    assert client.post(WORKLOADS, json={"label": ["app=missing"]}).json() == {"workloads": None}
    body = {"clusterFilters": [], "namespaces": [], "workloadTypes": [], "labels": ["app=missing"]}
    assert client.post(COSTS, json=body).json() == {}


def test_costs_or_their_labels(client: httpx.Client) -> None:
    found = costs_of(client, labels=["app=session-005", "env=prod"])
    assert len(found) > len(workloads_of(client, "app=session-005", "env=prod"))


def test_costs_are_filtered_by_cluster_namespace_and_type(client: httpx.Client) -> None:
    everything = costs_of(client, labels=["env=prod"])
    narrowed = costs_of(
        client, labels=["env=prod"], clusterFilters=["prod-us-east-1"], namespaces=["ns-team-00"], workloadTypes=["Deployment"]
    )
    assert 0 < len(narrowed) < len(everything)
    assert not costs_of(client, labels=["env=prod"], clusterFilters=["elsewhere"])


def test_an_empty_filter_matches_everything_and_counts_as_an_oddity(client: httpx.Client, simulator: Simulator) -> None:
    assert costs_of(client, labels=["env=prod"], clusterFilters=["prod-us-east-1"])
    assert simulator.state.calls["oddities"] == {
        "getWorkloads with empty namespaces": 1,
        "getWorkloads with empty workloadTypes": 1,
    }


def test_cost_rows_have_no_cluster_and_follow_the_range(client: httpx.Client) -> None:
    week, month, quarter = (
        costs_of(client, span=span, labels=["app.kubernetes.io/instance=orders-000-api"], clusterFilters=["prod-us-east-1"])[0]
        for span in ("7d", "30d", "90d")
    )
    assert "clusterName" not in week
    assert "namespace" not in week
    assert week["id"] == "NS-TEAM-00_DEPLOYMENT_ORDERS-000-API"
    assert (week["totalCost"], month["totalCost"], quarter["totalCost"]) == (0.546, 2.34, 7.02)
    assert week["savingsAvailable"] == round(0.52 * 168 / 720, 4)
    assert week["spotHours"] + week["onDemandHours"] == 5 * 168


def test_cost_ids_and_hourly_costs_follow_the_modes(client: httpx.Client, simulator: Simulator) -> None:
    simulator.state.modes = Modes(cost_ids="swapped", hourly_cost="zero")
    row = costs_of(client, labels=["app.kubernetes.io/instance=orders-000-api"], clusterFilters=["prod-us-east-1"])[0]
    assert row["id"] == "ns-team-00_deployment_orders-000-api"
    assert row["hourlyCost"] == 0
    assert row["totalCost"] == 0.546


def test_the_cluster_header_routes_a_call(client: httpx.Client) -> None:
    routed = {"X-Scaleops-Cluster": "staging"}
    found = client.post(WORKLOADS, json={"label": ["env=prod"]}, headers=routed).json()["workloads"]
    assert {workload["clusterName"] for workload in found} <= {"staging"}
    assert client.post(WORKLOADS, json={"label": ["env=prod"]}, headers={"X-Scaleops-Cluster": "elsewhere"}).status_code == 400


def test_network_flags_cover_all_clusters(client: httpx.Client, simulator: Simulator) -> None:
    flags = {"prod-us-east-1": True, "prod-eu-west-1": True, "staging": False}
    assert client.get(FLAGS).json() == {"networkCostEnabled": flags}
    simulator.state.modes = Modes(network_flags="missing")
    assert client.get(FLAGS).json() == {}


def test_network_needs_its_cluster_in_the_header(client: httpx.Client) -> None:
    assert client.get("/api/v1/workload-network", params=ORDERS_API).status_code == 400
    response = client.get("/api/v1/workload-network", params=ORDERS_API, headers={"X-Scaleops-Cluster": "prod-us-east-1"})
    first = response.json()["destinations"][0]
    assert first["totalTraffic"] == {"total": 5248209147 + 380568067, "egress": 5248209147, "ingress": 380568067}
    assert first["intraAZCost"]["egress"] == round(0.048878 * 0.75, 6)


@pytest.mark.parametrize("missing", sorted(ORDERS_API))
def test_network_needs_every_parameter(client: httpx.Client, missing: str) -> None:
    parameters = {name: value for name, value in ORDERS_API.items() if name != missing}
    response = client.get("/api/v1/workload-network", params=parameters, headers={"X-Scaleops-Cluster": "prod-us-east-1"})
    assert response.status_code == 400
    assert missing in response.text


def test_network_responses_may_be_bare_null_or_partial(client: httpx.Client, simulator: Simulator) -> None:
    routed = {"X-Scaleops-Cluster": "prod-us-east-1"}
    simulator.state.modes = Modes(network="array")
    assert isinstance(client.get("/api/v1/workload-network", params=ORDERS_API, headers=routed).json(), list)
    simulator.state.modes = Modes(network="null")
    assert client.get("/api/v1/workload-network", params=ORDERS_API, headers=routed).json() == {"destinations": None}
    simulator.state.modes = Modes(network="partial")
    partial = client.get("/api/v1/workload-network", params=ORDERS_API, headers=routed).json()["destinations"][0]
    assert "crossAZCost" not in partial


def test_network_of_an_unmonitored_cluster_counts_as_an_oddity(client: httpx.Client, simulator: Simulator) -> None:
    client.get("/api/v1/workload-network", params=ORDERS_API, headers={"X-Scaleops-Cluster": "staging"})
    assert simulator.state.calls["oddities"]["workload-network on a cluster without it"] == 1


def test_policies_differ_by_cluster(client: httpx.Client) -> None:
    names = {
        cluster: {
            policy["metadata"]["name"]
            for policy in client.get("/api/v1/policies", headers={"X-Scaleops-Cluster": cluster}).json()["policies"]
        }
        for cluster in ("prod-us-east-1", "staging")
    }
    assert names["prod-us-east-1"] - names["staging"] == {"production", "cost"}


def test_calls_are_counted_by_service_and_route(client: httpx.Client, simulator: Simulator) -> None:
    workloads_of(client, "app=session-005")
    workloads_of(client, "app=missing")
    client.get("/nowhere")
    assert simulator.state.calls["scaleops"] == {"POST /api/v1/dashboard/byNamespace": 2, "GET /nowhere": 1}
