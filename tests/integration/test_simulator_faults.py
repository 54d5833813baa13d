"""Planned faults affect the calls that they match, in every mode; the control API rejects invalid input."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from simulator.credentials import BACKSTAGE_TOKEN, SCALEOPS_TOKEN
from simulator.serving import Simulator
from simulator.state import Modes
from tests.services import loopback

FLAGS = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"
QUERY = "/api/catalog/entities/by-query"


def plan(simulator: Simulator, **fault: object) -> None:
    response = loopback.put(f"{simulator.url}/control/faults", json=[{"service": "scaleops", **fault}])
    assert response.status_code == 200, response.text


def fetch(simulator: Simulator, url: str = FLAGS, timeout_s: float = 10) -> httpx.Response:
    return loopback.get(simulator.scaleops_url + url, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"}, timeout=timeout_s)


def test_a_status_has_its_headers_and_a_number_of_times(simulator: Simulator) -> None:
    plan(simulator, status=429, headers={"Retry-After": "3"}, body={"error": "slow down"}, times=2)
    responses = [fetch(simulator) for _ in range(3)]
    assert [response.status_code for response in responses] == [429, 429, 200]
    assert responses[0].headers["retry-after"] == "3"
    assert responses[0].json() == {"error": "slow down"}


def test_a_fault_affects_only_its_service_and_route(simulator: Simulator) -> None:
    plan(simulator, route="networkCostEnabled", status=500)
    assert fetch(simulator).status_code == 500
    assert fetch(simulator, "/api/v1/policies").status_code == 200
    assert loopback.get(simulator.backstage_url + QUERY).status_code == 401


def test_a_fault_may_match_a_body_or_a_cluster(simulator: Simulator) -> None:
    plan(simulator, contains="staging", status=503)
    url, headers = simulator.scaleops_url, {"Authorization": f"Bearer {SCALEOPS_TOKEN}"}
    assert loopback.get(f"{url}/api/v1/policies", headers=headers | {"X-Scaleops-Cluster": "staging"}).status_code == 503
    assert loopback.get(f"{url}/api/v1/policies", headers=headers | {"X-Scaleops-Cluster": "prod-us-east-1"}).status_code == 200
    listing = f"{url}/api/v1/dashboard/byNamespace?multiCluster=true"
    assert loopback.post(listing, json={"label": ["env=staging"]}, headers=headers).status_code == 503
    assert loopback.post(listing, json={"label": ["env=prod"]}, headers=headers).status_code == 200


def test_a_fault_can_affect_the_third_page_of_a_listing(simulator: Simulator) -> None:
    plan(simulator, service="backstage", route="by-query", status=500, after=2, times=1)
    headers = {"Authorization": f"Bearer {BACKSTAGE_TOKEN}"}
    responses = [loopback.get(simulator.backstage_url + QUERY, headers=headers, params={"limit": "1"}) for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 500, 200]


def test_a_redirect_leads_to_a_login_page(simulator: Simulator) -> None:
    plan(simulator, mode="redirect", times=1)
    response = fetch(simulator)
    assert response.status_code == 302
    page = loopback.get(simulator.url + response.headers["location"])
    assert page.headers["content-type"].startswith("text/html")


def test_a_call_takes_effect_and_the_connection_is_dropped(simulator: Simulator) -> None:
    plan(simulator, mode="accept-then-drop", route="/auth/callback")
    with pytest.raises(httpx.RemoteProtocolError):
        loopback.post(
            f"{simulator.scaleops_url}/auth/callback",
            json={"username": "backstage", "password": "s3cr3t-pa55"},
            headers={"Cookie": "auth_state=TOKEN"},
        )
    assert len(simulator.state.tokens) == 1


def test_calls_beyond_the_capacity_are_rejected(simulator: Simulator) -> None:
    simulator.state.latency_s = 0.3
    simulator.state.modes = Modes(auth="none", capacity=2, over_capacity="503", capacity_retry_after_s=7)
    with ThreadPoolExecutor(6) as threads:
        responses = list(threads.map(lambda _: fetch(simulator), range(6)))
    results = sorted((response.status_code, response.headers.get("retry-after")) for response in responses)
    assert results == [(200, None)] * 2 + [(503, "7")] * 4
    assert simulator.state.calls["capacity"] == {"served": 2, "refused": 4}
    simulator.state.latency_s = 0
    assert fetch(simulator).status_code == 200


def test_the_control_api_reads_and_resets_state(simulator: Simulator) -> None:
    control = f"{simulator.url}/control"
    assert loopback.put(f"{control}/clock", json={"now": "2026-11-16T10:00:00+01:00"}).json() == {
        "now": "2026-11-16T09:00:00+00:00"
    }
    assert loopback.get(f"{control}/clock").json() == {"now": "2026-11-16T09:00:00+00:00"}
    fetch(simulator)
    assert loopback.get(f"{control}/calls").json() == {"scaleops": {"GET /api/v1/networkCost/networkCostEnabled": 1}}
    assert loopback.delete(f"{control}/calls").json() == {}
    plan(simulator, status=500)
    assert loopback.get(f"{control}/faults").json()[0]["status"] == 500
    assert loopback.delete(f"{control}/faults").json() == []
    assert loopback.put(f"{control}/latency", json={"ms": 1}).json() == {"ms": 1}
    assert loopback.put(f"{control}/modes", json={"network": "array"}).json()["network"] == "array"
    assert loopback.get(f"{control}/slack/messages").json() == []
    assert loopback.put(f"{control}/slack/channels", json={"C1": {"name": "one"}}).json() == {"C1": {"name": "one"}}
    assert loopback.get(f"{control}/pagerduty/incidents").json() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"now": "2026-11-16T10:00:00"}),
        ("clock", {"then": None}),
        ("clock", {"now": "soon"}),
        ("faults", [{"service": "scaleops", "mode": "explode"}]),
        ("faults", [{"service": "unknown"}]),
        ("modes", {"tokens": "jwt"}),
        ("latency", {"ms": "long"}),
        ("scenario", {"scenario": "nowhere"}),
    ],
)
def test_the_control_api_rejects_invalid_input(simulator: Simulator, path: str, body: object) -> None:
    assert loopback.put(f"{simulator.url}/control/{path}", json=body).status_code == 400
