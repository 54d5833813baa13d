"""The stand-in ScaleOps behaves as the facts say, and refuses what a real one might."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx

from simulator.serving import Simulator

LOGIN = {"username": "backstage", "password": "s3cr3t-pa55"}


def log_in(simulator: Simulator) -> httpx.Client:
    client = httpx.Client(base_url=simulator.scaleops_url)
    answer = client.post("/auth/callback", json=LOGIN, headers={"Cookie": "auth_state=TOKEN"})
    assert answer.status_code == 302
    token = parse_qs(urlsplit(answer.headers["location"]).query)["token"][0]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_a_label_lists_its_workloads(simulator: Simulator) -> None:
    with log_in(simulator) as client:
        answer = client.post(
            "/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND",
            json={"label": ["app.kubernetes.io/name=orders-000"]},
        )
    assert {workload["workloadName"] for workload in answer.json()["workloads"]} >= {"orders-000-api"}
