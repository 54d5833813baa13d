"""The proxy forwards the requests of the frontend and returns what ScaleOps returns."""

from tests.services.gateways import ServedGateway

PROXY = "/api/scaleops/api"
WORKLOADS = f"{PROXY}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
COSTS = f"{PROXY}/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
FLAGS = f"{PROXY}/api/v1/networkCost/networkCostEnabled?multiCluster=true"
ORDERS = {"label": ["app.kubernetes.io/name=orders-000"]}


def test_the_four_requests_of_the_frontend_succeed(gateway: ServedGateway) -> None:
    user = gateway.as_user("user:default/ann", "group:default/team-00")

    listed = gateway.client.post(WORKLOADS, json=ORDERS, headers=user)
    assert listed.status_code == 200, listed.text
    workload = listed.json()["workloads"][0]
    cluster = workload["clusterName"]
    costs = gateway.client.post(
        COSTS,
        json={
            "clusterFilters": [cluster],
            "namespaces": [workload["namespace"]],
            "workloadTypes": [workload["type"]],
            "labels": ORDERS["label"],
        },
        headers={**user, "X-Scaleops-Cluster": cluster},
    )
    flags = gateway.client.get(FLAGS, headers=user)
    network = gateway.client.get(
        f"{PROXY}/api/v1/workload-network?name={workload['workloadName']}&namespace={workload['namespace']}"
        f"&workloadType={workload['type']}&from={(gateway.now - 86400) * 1000}&to={gateway.now * 1000}",
        headers={**user, "X-Scaleops-Cluster": cluster},
    )

    assert costs.status_code == 200, costs.text
    assert [row["id"].casefold() for row in costs.json()["aggregatedWorkloads"]] == [workload["id"].casefold()]
    assert flags.json()["networkCostEnabled"]
    assert network.status_code == 200, network.text
    assert isinstance(network.json()["destinations"], list)
    assert gateway.client.get("/api/scaleops/health").json() == {"status": "ok"}
