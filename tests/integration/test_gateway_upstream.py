"""ScaleOps behind the proxy: responses pass unchanged, failures become ours, and a hung ScaleOps blocks no other request."""

import asyncio
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpOptions
from clients.http.errors import ErrorKind as Reason
from clients.http.errors import ServiceError
from clients.http.messages import HttpRequest
from clients.scaleops.async_client import AsyncScaleOpsClient
from tests.services import loopback
from tests.services.gateways import ServedGateway, ServeGateway
from tests.services.loopback import NO_AUTHORITIES
from tests.services.waiting import wait_until

PROXY = "/api/scaleops/api"
WORKLOADS = f"{PROXY}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
COSTS = f"{PROXY}/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
FLAGS = f"{PROXY}/api/v1/networkCost/networkCostEnabled?multiCluster=true"
NETWORK = f"{PROXY}/api/v1/workload-network?name=a&namespace=b&workloadType=c&from=1&to=2"
ORDERS = {"label": ["app.kubernetes.io/name=orders-000"]}
LOGIN = "POST /auth/callback"


def fault(gateway: ServedGateway, **planned: Any) -> None:
    gateway.simulator.plan_fault("scaleops", **planned)


def flags(gateway: ServedGateway) -> httpx.Response:
    return gateway.client.get(FLAGS, headers=gateway.as_ci())


def async_client(gateway: ServedGateway, connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections)
    return httpx.AsyncClient(
        base_url=gateway.url, headers=gateway.as_ci(), timeout=30, limits=limits, trust_env=False, verify=NO_AUTHORITIES
    )


async def get_all(gateway: ServedGateway, count: int) -> list[httpx.Response]:
    async with async_client(gateway, count) as client:
        return list(await asyncio.gather(*(client.get(FLAGS) for _ in range(count))))


def test_a_response_keeps_its_bytes(gateway: ServedGateway) -> None:
    world = gateway.simulator.state.world()
    upstream = loopback.post(
        f"{gateway.simulator.scaleops_url}/auth/callback",
        json={"username": world.scaleops_user, "password": world.scaleops_password},
        cookies={"auth_state": "TOKEN"},
        trust_env=False,
    )
    token = httpx.URL(upstream.headers["location"]).params["token"]
    direct = loopback.post(
        f"{gateway.simulator.scaleops_url}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND",
        json=ORDERS,
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )

    passed = gateway.client.post(WORKLOADS, json=ORDERS, headers=gateway.as_ci())

    assert direct.json()["workloads"]
    assert passed.content == direct.content


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (400, "application/json", '{"error":"invalid range"}'),
        (404, "text/plain", "not here"),
        (429, "application/json", '{"error":"slow down"}'),
        (500, "text/html", "<h1>broken</h1>"),
        (503, "text/html", "<h1>away</h1>"),
    ],
)
def test_status_content_type_and_retry_after_pass(gateway: ServedGateway, status: int, kind: str, body: str) -> None:
    fault(gateway, status=status, headers={"content-type": kind, "retry-after": "7"}, body=body, route="networkCost")
    response = flags(gateway)
    assert response.status_code == status
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["retry-after"] == "7"
    assert response.text == body
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


def test_an_empty_response_passes(gateway: ServedGateway) -> None:
    fault(gateway, mode="empty", route="networkCost")
    response = flags(gateway)
    assert (response.status_code, response.content) == (204, b"")


def test_no_other_upstream_header_passes(gateway: ServedGateway) -> None:
    sent = {
        "set-cookie": "session=1",
        "set_cookie": "session=1",
        "location": "http://evil.example",
        "access-control-allow-origin": "*",
        "x-powered-by": "scaleops",
        "content-security-policy": "default-src *",
        "www-authenticate": "Basic",
        "server": "scaleops",
        "etag": "1",
    }
    fault(gateway, status=200, headers=sent, body={"networkCostEnabled": {}}, route="networkCost")

    response = flags(gateway)

    assert set(response.headers) == {
        "date",
        "content-type",
        "content-length",
        "cache-control",
        "cache-status",
        "x-content-type-options",
        "content-security-policy",
    }
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_header_is_reduced_to_printable_characters_and_truncated(gateway: ServedGateway) -> None:
    fault(gateway, status=429, headers={"retry-after": "7\xe9" + "x" * 500}, body="x", route="networkCost")
    assert flags(gateway).headers["retry-after"] == "7" + "x" * 255


def test_a_header_that_would_split_ours_is_an_error(gateway: ServedGateway) -> None:
    fault(gateway, status=429, headers={"retry-after": "7\x0bx"}, body="x", route="networkCost")
    assert flags(gateway).status_code == 503


def test_no_header_of_the_caller_is_sent_upstream(gateway: ServedGateway) -> None:
    sent = {
        **gateway.as_ci(),
        "Cookie": "session=1",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "X-Auth-Request-User": "root",
        "X-Scaleops-Cluster": "no-such-cluster",
    }
    response = gateway.client.get(FLAGS, headers=sent)
    assert response.status_code == 200, "the route takes no cluster, so the header is ignored"


@pytest.mark.parametrize("mode", ["list", "null", "missing"])
def test_the_frontend_always_finds_its_lists(gateway: ServedGateway, mode: str) -> None:
    gateway.simulator.set_modes(workloads_when_empty=mode, costs_when_empty=mode, network_flags="map" if mode == "list" else mode)
    service = gateway.as_ci()
    none = gateway.client.post(WORKLOADS, json={"label": ["app=none"]}, headers=service)
    costs = gateway.client.post(COSTS, json={"labels": ["app=none"]}, headers=service)
    assert none.json() == {"workloads": []}
    assert costs.json() == {"aggregatedWorkloads": []}
    assert isinstance(flags(gateway).json()["networkCostEnabled"], dict)


@pytest.mark.parametrize("mode", ["array", "null", "object"])
def test_the_network_response_is_always_an_object_with_destinations(gateway: ServedGateway, mode: str) -> None:
    service = gateway.as_ci()
    row = gateway.client.post(WORKLOADS, json=ORDERS, headers=service).json()["workloads"][0]
    gateway.simulator.set_modes(network=mode)
    query = {
        "name": row["workloadName"],
        "namespace": row["namespace"],
        "workloadType": row["type"],
        "from": "1000",
        "to": "2000",
    }
    response = gateway.client.get(
        f"{PROXY}/api/v1/workload-network", params=query, headers={**service, "X-Scaleops-Cluster": row["clusterName"]}
    )
    assert isinstance(response.json()["destinations"], list)


def test_a_redirect_is_not_followed_and_not_passed(gateway: ServedGateway) -> None:
    fault(gateway, mode="redirect", route="networkCost")
    response = flags(gateway)
    assert response.status_code == 502
    assert "location" not in response.headers
    assert response.json()["error"]["name"] == "ServiceUnavailableError"
    assert "GET /login" not in gateway.calls("scaleops")


@pytest.mark.parametrize(("mode", "status"), [("drop", 503), ("cut", 502), ("huge", 502)])
def test_a_response_that_cannot_be_read_is_a_failure(gateway: ServedGateway, mode: str, status: int) -> None:
    fault(gateway, mode=mode, route="networkCost", megabytes=17)
    response = flags(gateway)
    assert response.status_code == status, response.text[:200]
    assert response.json()["error"]["message"].startswith("ScaleOps")


def test_a_truncated_response_passes_to_a_service_and_not_to_a_user(gateway: ServedGateway) -> None:
    fault(gateway, mode="truncated")
    whole = gateway.client.post(WORKLOADS, json=ORDERS, headers=gateway.as_ci())
    narrowed = gateway.client.post(WORKLOADS, json=ORDERS, headers=gateway.as_user("user:default/ann", "group:default/team-00"))
    assert whole.status_code == 200
    assert narrowed.status_code == 502


def test_a_dropped_connection_is_opened_again(gateway: ServedGateway) -> None:
    assert flags(gateway).status_code == 200
    fault(gateway, mode="drop", route="networkCost", times=1)
    assert flags(gateway).status_code == 200


def test_two_hundred_parallel_calls_with_a_cold_token_make_one_login(gateway: ServedGateway) -> None:
    responses = asyncio.run(get_all(gateway, 200))
    assert Counter(response.status_code for response in responses) == {200: 200}
    assert gateway.calls("scaleops")[LOGIN] == 1


def test_event_loop_and_threads_share_the_token(gateway: ServedGateway) -> None:
    assert flags(gateway).status_code == 200
    gateway.dependencies.live.scaleops.network_flags()
    assert gateway.calls("scaleops")[LOGIN] == 1


def test_a_revoked_token_costs_one_refresh(gateway: ServedGateway) -> None:
    assert flags(gateway).status_code == 200
    tokens = gateway.simulator.state.tokens
    for token in tokens:
        tokens[token] = gateway.simulator.state.clock.now() - timedelta(seconds=1)
    responses = asyncio.run(get_all(gateway, 40))
    gateway.dependencies.live.scaleops.network_flags()
    assert {response.status_code for response in responses} == {200}
    assert gateway.calls("scaleops")[LOGIN] == 2


def test_a_rejected_login_is_not_the_callers_error_and_is_tried_once(gateway: ServedGateway) -> None:
    fault(gateway, route="/auth/callback", status=401, body={"error": "invalid"})
    responses = asyncio.run(get_all(gateway, 20))
    assert {response.status_code for response in responses} == {502}
    assert all("www-authenticate" not in response.headers for response in responses)
    assert gateway.calls("scaleops") == {LOGIN: 1}


def test_a_401_that_a_new_token_does_not_fix_is_not_passed(gateway: ServedGateway) -> None:
    fault(gateway, route="networkCost", status=401, body="no")
    response = flags(gateway)
    assert response.status_code == 502
    assert "credentials" in response.json()["error"]["message"]
    assert gateway.calls("scaleops") == {LOGIN: 2, "GET /api/v1/networkCost/networkCostEnabled": 2}


def test_concurrent_equal_requests_share_one_upstream_call(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_cache_ttl_s=30)
    responses = asyncio.run(get_all(gateway, 100))
    assert {response.status_code for response in responses} == {200}
    assert gateway.calls("scaleops")["GET /api/v1/networkCost/networkCostEnabled"] == 1
    stored = [response for response in responses if response.headers["cache-status"].endswith("stored")]
    assert len(stored) == 1


def test_a_failure_is_not_cached(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_cache_ttl_s=30)
    fault(gateway, route="networkCost", status=500, times=1)
    assert [flags(gateway).status_code for _ in range(3)] == [500, 200, 200]


@pytest.mark.anyio
async def test_a_hung_upstream_never_exhausts_the_server(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(scaleops_timeout_s=3, scaleops_max_concurrency=4)
    assert flags(gateway).status_code == 200
    fault(gateway, route="networkCost", delay_s=4)
    async with async_client(gateway, 200) as client:
        hung = [asyncio.create_task(client.get(FLAGS)) for _ in range(60)]
        await asyncio.wait(hung, return_when=asyncio.FIRST_COMPLETED)
        others = [
            await client.get(path) for path in ("/healthz", "/api/scaleops/health", "/api/scaleops/.backstage/auth/v1/jwks.json")
        ]
        others.append(await client.post(WORKLOADS, json={"label": [1]}))
        statuses = {(await task).status_code for task in hung}
    assert [response.status_code for response in others] == [200, 200, 200, 400]
    assert statuses == {503}


@pytest.mark.anyio
async def test_a_full_queue_fails_at_once(gateway: ServedGateway) -> None:
    gateway.simulator.plan_fault("backstage", delay_s=1, status=200, body={})
    http = AsyncHttpClient("Backstage", gateway.simulator.backstage_url, HttpOptions(max_in_flight=1), max_queued=2)
    request = HttpRequest(method="GET", target="/api/auth/.well-known/jwks.json")
    try:
        responses = await asyncio.gather(*(http.send(request) for _ in range(10)), return_exceptions=True)
    finally:
        await http.close()
    failures = [response for response in responses if isinstance(response, ServiceError)]
    assert len(failures) == 7
    assert {(failure.kind, failure.retry_after_s) for failure in failures} == {(Reason.THROTTLED, 5)}


class CountingCredentials:
    """Records every request for a token, and forwards it to the gateway's own credentials."""

    def __init__(self, gateway: ServedGateway) -> None:
        self._inner = gateway.dependencies.credentials
        self.calls: list[str | None] = []

    def token(self) -> str | None:
        self.calls.append(None)
        return self._inner.token()

    def refresh(self, rejected: str) -> str | None:
        self.calls.append(rejected)
        return self._inner.refresh(rejected)


@pytest.mark.anyio
async def test_on_the_event_loop_one_task_fetches_the_token_for_all(gateway: ServedGateway) -> None:
    credentials = CountingCredentials(gateway)
    tokens = gateway.simulator.state.tokens
    fetched: list[int] = []
    http = AsyncHttpClient("ScaleOps", gateway.simulator.scaleops_url, HttpOptions())
    client = AsyncScaleOpsClient(
        http, credentials, clock=gateway.simulator.state.clock.now, on_new_token=lambda: fetched.append(1)
    )
    request = HttpRequest(method="GET", target="/api/v1/networkCost/networkCostEnabled?multiCluster=true")
    try:
        for _ in range(2):
            responses = await asyncio.gather(*(client.send(request) for _ in range(30)))
            assert {response.status for response in responses} == {200}
            for token in tokens:
                tokens[token] = gateway.simulator.state.clock.now()
    finally:
        await client.close()
    first, second = tokens
    assert credentials.calls == [None, first]
    assert second != first
    assert len(fetched) == 2


def test_money_keeps_its_digits(gateway: ServedGateway) -> None:
    body = '{"aggregatedWorkloads":[{"id":"a","totalCost":1.10,"big":12345678901234567890.12345678901234567890}]}'
    fault(gateway, route="getWorkloads", status=200, headers={"content-type": "application/json"}, body=body)
    response = gateway.client.post(COSTS, json={"labels": ["app=a"]}, headers=gateway.as_ci())
    assert response.text == body
    assert json.loads(response.text)


def test_nothing_is_sent_before_retry_after_has_passed(gateway: ServedGateway) -> None:
    assert flags(gateway).status_code == 200
    fault(gateway, status=429, headers={"retry-after": "17"}, body="x", route="networkCost", times=1)
    assert flags(gateway).status_code == 429
    before = gateway.calls("scaleops")
    held = flags(gateway)
    assert held.status_code == 503
    assert 10 < int(held.headers["retry-after"]) <= 17
    assert "Retry-After" in held.json()["error"]["message"]
    assert gateway.calls("scaleops") == before


def test_proxy_and_actions_share_the_limit_of_the_process(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(scaleops_max_concurrency=1)
    assert flags(gateway).status_code == 200
    scaleops = gateway.dependencies.live.scaleops
    gateway.simulator.state.latency_s = 1
    with ThreadPoolExecutor(2) as threads:
        waited = [threads.submit(scaleops.network_flags) for _ in range(2)]
        while not gateway.simulator.state.serving:
            time.sleep(0.001)
        assert flags(gateway).status_code == 200
        assert [future.result() for future in waited]
    assert gateway.simulator.state.max_serving == 1


def test_metrics_report_the_concurrency_limit(gateway: ServedGateway) -> None:
    assert flags(gateway).status_code == 200
    fault(gateway, status=503, body="x", route="networkCost", times=1)
    flags(gateway)

    def metrics() -> str:
        return gateway.client.get("/metrics").text

    wait_until(
        "the decrease",
        lambda: 'scaleops_worker_gateway_calls_limit_cuts_total{reason="throttled"} 1.0' in metrics(),
        explain=metrics,
    )
    assert "scaleops_worker_gateway_calls_limit 8.0" in metrics()
    assert "scaleops_worker_gateway_calls_share" in metrics()
