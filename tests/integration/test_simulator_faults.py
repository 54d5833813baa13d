"""Planned misbehaviour hits the calls it is meant for, in every form of the checklist; the control desk refuses nonsense."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from simulator.credentials import BACKSTAGE_TOKEN, SCALEOPS_TOKEN
from simulator.serving import Simulator
from simulator.state import Modes

FLAGS = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"
QUERY = "/api/catalog/entities/by-query"


def plan(simulator: Simulator, **fault: object) -> None:
    answer = httpx.put(f"{simulator.url}/control/faults", json=[{"service": "scaleops", **fault}])
    assert answer.status_code == 200, answer.text


def ask(simulator: Simulator, url: str = FLAGS, timeout_s: float = 10) -> httpx.Response:
    return httpx.get(simulator.scaleops_url + url, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"}, timeout=timeout_s)


def test_a_status_comes_with_its_headers_and_so_many_times(simulator: Simulator) -> None:
    plan(simulator, status=429, headers={"Retry-After": "3"}, body={"error": "slow down"}, times=2)
    answers = [ask(simulator) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert answers[0].json() == {"error": "slow down"}


def test_a_fault_hits_only_its_service_and_route(simulator: Simulator) -> None:
    plan(simulator, route="networkCostEnabled", status=500)
    assert ask(simulator).status_code == 500
    assert ask(simulator, "/api/v1/policies").status_code == 200
    assert httpx.get(simulator.backstage_url + QUERY).status_code == 401


def test_a_fault_may_wait_for_a_body_or_a_cluster(simulator: Simulator) -> None:
    plan(simulator, contains="staging", status=503)
    url, headers = simulator.scaleops_url, {"Authorization": f"Bearer {SCALEOPS_TOKEN}"}
    assert httpx.get(f"{url}/api/v1/policies", headers=headers | {"X-Scaleops-Cluster": "staging"}).status_code == 503
    assert httpx.get(f"{url}/api/v1/policies", headers=headers | {"X-Scaleops-Cluster": "prod-us-east-1"}).status_code == 200
    listing = f"{url}/api/v1/dashboard/byNamespace?multiCluster=true"
    assert httpx.post(listing, json={"label": ["env=staging"]}, headers=headers).status_code == 503
    assert httpx.post(listing, json={"label": ["env=prod"]}, headers=headers).status_code == 200


def test_a_fault_can_hit_the_third_page_of_a_listing(simulator: Simulator) -> None:
    plan(simulator, service="backstage", route="by-query", status=500, after=2, times=1)
    headers = {"Authorization": f"Bearer {BACKSTAGE_TOKEN}"}
    answers = [httpx.get(simulator.backstage_url + QUERY, headers=headers, params={"limit": "1"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200]


@pytest.mark.parametrize(("fault", "status"), [({}, 200), ({"status": 502}, 502)])
def test_html_comes_instead_of_json(simulator: Simulator, fault: dict[str, int], status: int) -> None:
    plan(simulator, mode="html", **fault)
    answer = ask(simulator)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


def test_truncated_json_arrives_as_a_complete_answer(simulator: Simulator) -> None:
    plan(simulator, mode="truncated")
    answer = ask(simulator)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_an_answer_breaks_off(simulator: Simulator) -> None:
    plan(simulator, mode="cut")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(simulator)


def test_a_slow_body_outlasts_the_patience_of_its_reader(simulator: Simulator) -> None:
    plan(simulator, mode="slow", delay_s=30)
    with pytest.raises(httpx.ReadTimeout):
        ask(simulator, timeout_s=0.3)


def test_a_redirect_leads_to_a_login_page(simulator: Simulator) -> None:
    plan(simulator, mode="redirect", times=1)
    answer = ask(simulator)
    assert answer.status_code == 302
    page = httpx.get(simulator.url + answer.headers["location"])
    assert page.headers["content-type"].startswith("text/html")


def test_nothing_at_all_is_a_204(simulator: Simulator) -> None:
    plan(simulator, mode="empty")
    assert ask(simulator).status_code == 204


def test_a_huge_answer_keeps_coming(simulator: Simulator) -> None:
    plan(simulator, mode="huge", megabytes=3)
    assert len(ask(simulator).content) > 3 * 1024 * 1024


def test_a_connection_is_dropped_before_the_answer(simulator: Simulator) -> None:
    plan(simulator, mode="drop", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(simulator)
    assert ask(simulator).status_code == 200


def test_a_call_takes_effect_and_the_connection_is_dropped(simulator: Simulator) -> None:
    plan(simulator, mode="accept-then-drop", route="/auth/callback")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(
            f"{simulator.scaleops_url}/auth/callback",
            json={"username": "backstage", "password": "s3cr3t-pa55"},
            headers={"Cookie": "auth_state=TOKEN"},
        )
    assert len(simulator.state.tokens) == 1


def test_more_calls_at_a_time_than_it_can_serve_are_refused(simulator: Simulator) -> None:
    simulator.state.latency_s = 0.3
    simulator.state.modes = Modes(auth="none", capacity=2, over_capacity="503", capacity_retry_after_s=7)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: ask(simulator), range(6)))
    told = sorted((answer.status_code, answer.headers.get("retry-after")) for answer in answers)
    assert told == [(200, None)] * 2 + [(503, "7")] * 4
    assert simulator.state.calls["capacity"] == {"served": 2, "refused": 4}
    simulator.state.latency_s = 0
    assert ask(simulator).status_code == 200


def test_the_desk_tells_and_forgets(simulator: Simulator) -> None:
    desk = f"{simulator.url}/control"
    assert httpx.put(f"{desk}/clock", json={"now": "2026-11-16T10:00:00+01:00"}).json() == {"now": "2026-11-16T09:00:00+00:00"}
    assert httpx.get(f"{desk}/clock").json() == {"now": "2026-11-16T09:00:00+00:00"}
    ask(simulator)
    assert httpx.get(f"{desk}/calls").json() == {"scaleops": {"GET /api/v1/networkCost/networkCostEnabled": 1}}
    assert httpx.delete(f"{desk}/calls").json() == {}
    plan(simulator, status=500)
    assert httpx.get(f"{desk}/faults").json()[0]["status"] == 500
    assert httpx.delete(f"{desk}/faults").json() == []
    assert httpx.put(f"{desk}/latency", json={"ms": 1}).json() == {"ms": 1}
    assert httpx.put(f"{desk}/modes", json={"network": "array"}).json()["network"] == "array"
    assert httpx.get(f"{desk}/slack/messages").json() == []
    assert httpx.put(f"{desk}/slack/channels", json={"C1": {"name": "one"}}).json() == {"C1": {"name": "one"}}
    assert httpx.get(f"{desk}/pagerduty/incidents").json() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"now": "2026-11-16T10:00:00"}),
        ("clock", {"then": None}),
        ("clock", {"now": "soon"}),
        ("faults", [{"service": "scaleops", "mode": "explode"}]),
        ("faults", [{"service": "nobody"}]),
        ("modes", {"tokens": "jwt"}),
        ("latency", {"ms": "long"}),
        ("scenario", {"scenario": "nowhere"}),
    ],
)
def test_the_desk_refuses_nonsense(simulator: Simulator, path: str, body: object) -> None:
    assert httpx.put(f"{simulator.url}/control/{path}", json=body).status_code == 400
