"""Public routes, CORS, the audit log, rate limits and metrics."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from actions.errors import NotFoundError
from domain.zones import TZDATA_VERSION
from gateway.auth.request_contexts import STORED_THREADS
from gateway.responses import forbidden
from gateway.web.oauth_metadata import DISCOVERY_PATH
from simulator.backstage_auth import ISSUER
from tests.services.gateways import STATIC_TOKEN, ServedGateway, ServeGateway

PROXY = "/api/scaleops/api"
FLAGS = f"{PROXY}/api/v1/networkCost/networkCostEnabled"
WORKLOADS = f"{PROXY}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
JWKS = "/api/scaleops/.backstage/auth/v1/jwks.json"
METADATA = "/.well-known/oauth-protected-resource/mcp"
PAGE = "http://localhost:3000"
OPEN = ("/healthz", "/readyz", "/api/scaleops/health", JWKS, METADATA)


def test_only_these_routes_are_public(gateway: ServedGateway) -> None:
    for path in OPEN:
        assert gateway.client.get(path).status_code == 200, path
    for path in ("/", "/mcp", "/reports", "/status", FLAGS, "/api/scaleops/.backstage/actions/v1/actions", "/nothing", "/docs"):
        assert gateway.client.get(path).status_code == 401, path
    assert gateway.client.get("/nothing", headers=gateway.as_ci()).status_code == 404


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_public_routes_are_public_for_reading_only(gateway: ServedGateway, path: str, method: str) -> None:
    assert gateway.client.request(method, path).status_code == 401


def test_health_is_the_predecessors(gateway: ServedGateway) -> None:
    assert gateway.client.get("/api/scaleops/health").json() == {"status": "ok"}
    assert gateway.client.get("/healthz").json() == {"status": "ok", "tzdata": TZDATA_VERSION}
    head = gateway.client.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(gateway.client.get("/healthz").content) > 0


def test_readiness_lists_the_state_of_each_dependency(gateway: ServedGateway) -> None:
    ready = gateway.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "dependencies": {"database": "ok", "scaleops": "ok", "backstage": "ok"}}


def test_a_dependency_that_is_down_degrades_and_is_probed_again_after_the_ttl(gateway: ServedGateway) -> None:
    gateway.pass_time(seconds=0)
    gateway.simulator.plan_fault("scaleops", mode="drop")
    degraded = gateway.client.get("/readyz")
    gateway.simulator.state.faults = []
    still = gateway.client.get("/readyz")
    gateway.pass_time(seconds=11)
    ready = gateway.client.get("/readyz")
    assert degraded.status_code == 200
    assert degraded.json() == {"status": "degraded", "dependencies": {"database": "ok", "scaleops": "down", "backstage": "ok"}}
    assert gateway.simulator.url not in degraded.text
    assert still.json() == degraded.json()
    assert ready.json()["status"] == "ready"


def test_our_public_key_is_published_without_its_private_part(gateway: ServedGateway) -> None:
    (key,) = gateway.client.get(JWKS).json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")
    assert gateway.client.get(JWKS).json()["keys"] == [key]


def test_every_replica_publishes_the_keys_of_all(serve_gateway: ServeGateway) -> None:
    first, second = serve_gateway(), serve_gateway()
    own = first.client.get(JWKS).json()["keys"]
    both = second.client.get(JWKS).json()["keys"]
    assert len(both) == 2
    assert own[0] in both
    assert {key["kid"] for key in first.client.get(JWKS).json()["keys"]} == {key["kid"] for key in both}


def test_our_key_is_replaced_each_hour_and_published_for_three(gateway: ServedGateway) -> None:
    clock = gateway.simulator.state.clock
    start = clock.now()
    listed = []
    for hours in (0, 1, 2, 3):
        clock.set(start + timedelta(hours=hours, seconds=hours))
        listed.append([key["kid"] for key in gateway.client.get(JWKS).json()["keys"]])
    assert [len(kids) for kids in listed] == [1, 2, 3, 3]
    assert listed[0][0] not in listed[3]
    assert all(later[-len(earlier) :] == earlier for earlier, later in pairwise(listed[:3]))


def test_without_a_database_no_key_is_published_and_the_gateway_is_not_ready(
    gateway: ServedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    from store import StoreUnavailable  # noqa: PLC0415 - for this failure

    def away(*_: object) -> Any:
        message = "gone"
        raise StoreUnavailable(message)

    monkeypatch.setattr(gateway.dependencies.store, "transaction", away)
    monkeypatch.setattr(gateway.dependencies.store, "reading", away)
    assert gateway.client.get(JWKS).status_code == 503
    assert gateway.client.get("/readyz").status_code == 503


def test_an_mcp_client_discovers_where_tokens_are_issued(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_public_url="https://gateway.example.com")
    challenge = gateway.client.post("/mcp", json={}).headers["www-authenticate"]
    metadata = gateway.client.get(METADATA).json()
    assert challenge == (
        'Bearer realm="scaleops-worker", resource_metadata="https://gateway.example.com/.well-known/oauth-protected-resource/mcp"'
    )
    assert metadata == {
        "resource": "https://gateway.example.com/mcp",
        "authorization_servers": [ISSUER],
        "scopes_supported": ["openid"],
        "bearer_methods_supported": ["header"],
        "resource_name": "scaleops-worker",
    }
    assert gateway.client.get("/.well-known/oauth-protected-resource").json() == metadata
    assert serve_gateway(gateway_auth="token").client.get(METADATA).status_code == 401


@pytest.mark.parametrize(
    ("discovery", "status", "issuer"),
    [
        (
            {"status": 200, "body": {"issuer": "https://backstage.example.com/api/auth"}},
            200,
            "https://backstage.example.com/api/auth",
        ),
        ({"status": 404}, 200, "{backstage}/api/auth"),
        ({"status": 200, "body": {"issuer": "not an address"}}, 200, "{backstage}/api/auth"),
        ({"status": 200, "body": {"issuer": None}}, 503, None),
        ({"status": 500}, 503, None),
    ],
)
def test_the_issuer_is_the_one_that_backstage_names(
    gateway: ServedGateway, discovery: dict[str, Any], status: int, issuer: str | None
) -> None:
    gateway.pass_time(seconds=0)
    gateway.simulator.plan_fault("backstage", route=DISCOVERY_PATH, **discovery)

    response = gateway.client.get(METADATA)

    assert response.status_code == status
    if issuer is not None:
        assert response.json()["authorization_servers"] == [issuer.format(backstage=gateway.simulator.backstage_url)]


def test_an_issuer_is_kept_while_backstage_is_down_and_one_that_is_unknown_is_asked_for_again(gateway: ServedGateway) -> None:
    gateway.pass_time(seconds=0)
    gateway.simulator.plan_fault("backstage", route=DISCOVERY_PATH, status=503)
    unknown = [gateway.client.get(METADATA).status_code for _ in range(3)]
    asked = gateway.calls("backstage")[f"GET {DISCOVERY_PATH}"]
    gateway.simulator.state.faults = []
    gateway.pass_time(seconds=31)
    known = gateway.client.get(METADATA)
    gateway.simulator.plan_fault("backstage", route=DISCOVERY_PATH, status=503)
    gateway.pass_time(hours=2)

    assert (unknown, asked) == ([503] * 3, 1)
    assert known.json()["authorization_servers"] == [ISSUER]
    assert gateway.client.get(METADATA).json() == known.json()


def preflight(gateway: ServedGateway, origin: str) -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-scaleops-cluster",
    }
    return gateway.client.options(WORKLOADS, headers=headers)


def test_the_frontends_preflight_is_served(gateway: ServedGateway) -> None:
    response = preflight(gateway, PAGE)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["vary"] == "Origin"
    allowed = {name.strip() for name in response.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "x-scaleops-cluster"} <= allowed
    assert {"GET", "POST"} <= {name.strip() for name in response.headers["access-control-allow-methods"].split(",")}


def test_a_malformed_origin_is_rejected(gateway: ServedGateway) -> None:
    for path in ("/healthz", FLAGS):
        assert gateway.client.get(path, headers={**gateway.as_ci(), "Origin": "http://["}).status_code == 403


def test_another_origin_gets_no_preflight_and_no_response(gateway: ServedGateway) -> None:
    for response in (
        preflight(gateway, "https://evil.example"),
        gateway.client.get(FLAGS, headers={**gateway.as_ci(), "Origin": "https://evil.example"}),
        gateway.client.get("/healthz", headers={"Origin": "https://evil.example"}),
    ):
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
    assert gateway.calls("scaleops") == {}


def test_a_page_may_read_errors_too(gateway: ServedGateway) -> None:
    good = gateway.client.get(FLAGS, headers={**gateway.as_ci(), "Origin": PAGE})
    unknown = gateway.client.get(FLAGS, headers={"Origin": PAGE})
    assert [response.status_code for response in (good, unknown)] == [200, 401]
    for response in (good, unknown):
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "retry-after" in response.headers["access-control-expose-headers"]
    assert "cache-status" in good.headers["access-control-expose-headers"]


def test_an_options_request_other_than_a_preflight_needs_a_caller(gateway: ServedGateway) -> None:
    assert gateway.client.options(FLAGS).status_code == 401
    assert gateway.client.options(FLAGS, headers=gateway.as_ci()).status_code == 405


def test_there_is_one_audit_line_per_request(gateway: ServedGateway) -> None:
    client = gateway.client
    ann = gateway.as_user("user:default/ann", "group:default/team-00")
    client.get(f"{FLAGS}?multiCluster=true", headers=ann)
    client.post(WORKLOADS, json={"label": ["app.kubernetes.io/name=billing-001"]}, headers=ann)
    client.get(FLAGS)
    client.get(f"{PROXY}/%2e%2e/admin", headers=gateway.as_ci())
    client.get("/healthz")
    client.get("/healthz", headers={"Host": "evil.example"})
    preflight(gateway, PAGE)
    gateway.close()

    # The catalog fetches our keys meanwhile, which is a request too.
    lines = [line for line in map(json.loads, gateway.audit) if line["path"] != JWKS]

    assert [(line["caller"], line["method"], line["route"], line["status"]) for line in lines] == [
        ("user:default/ann", "GET", "GET /api/v1/networkCost/networkCostEnabled", 200),
        ("user:default/ann", "POST", "POST /api/v1/dashboard/byNamespace", 403),
        ("-", "GET", "-", 401),
        ("static:ci", "GET", "proxy", 400),
        ("anonymous", "GET", "/healthz", 200),
        ("-", "GET", "-", 421),
        ("-", "OPTIONS", "-", 204),
    ]
    assert all(line["ms"] >= 0 and line["timestamp"] and line["event"] == "call" for line in lines)
    assert all("multiCluster" not in line for line in gateway.audit), "query values are left out"


def test_a_caller_cannot_inject_lines_into_the_audit_log(gateway: ServedGateway) -> None:
    gateway.client.get('/x"%0a{"status":200', headers=gateway.as_user('user:default/a"b'))
    gateway.close()
    (line,) = gateway.audit
    assert json.loads(line)["caller"] == 'user:default/a"b'


def test_each_caller_has_a_rate_limit_of_its_own(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_rate_limit="3/h")
    ann, ben = gateway.as_user("user:default/ann"), gateway.as_user("user:default/ben")
    statuses = [gateway.client.get(FLAGS, headers=ann) for _ in range(4)]
    assert [response.status_code for response in statuses] == [200, 200, 200, 429]
    assert int(statuses[3].headers["retry-after"]) > 1000
    assert statuses[3].json()["error"]["name"] == "ServiceUnavailableError"
    assert gateway.client.get(FLAGS, headers=ben).status_code == 200
    assert gateway.client.get("/healthz").status_code == 200


def test_repeated_failures_are_rate_limited_before_anything_is_verified(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(timer=lambda: 0.0)  # no bucket is refilled
    known = gateway.as_user("user:default/ann")
    assert gateway.client.get(FLAGS, headers=known).status_code == 200
    calls = gateway.calls("backstage")
    statuses = Counter(gateway.client.get(FLAGS, headers={"Authorization": "Bearer x"}).status_code for _ in range(700))
    response = gateway.client.get(FLAGS)
    assert statuses == {401: 600, 429: 100}
    assert (response.status_code, response.json()["error"]["name"]) == (429, "ServiceUnavailableError")
    assert int(response.headers["retry-after"]) >= 1
    assert gateway.calls("backstage") == calls, "no keys were fetched"
    for headers in (known, gateway.as_ci()):
        assert gateway.client.get(FLAGS, headers=headers).status_code == 200, "a valid token is not affected"


def test_metrics_are_for_local_clients_and_static_tokens(gateway: ServedGateway) -> None:
    ann = gateway.as_user("user:default/ann", "group:default/team-00")
    gateway.client.post(WORKLOADS, json={"label": ["app.kubernetes.io/name=orders-000"]}, headers=ann)
    forwarded = {"X-Forwarded-For": "10.0.0.1"}

    metrics_page = gateway.client.get("/metrics")
    gateway.client.get("/metrics", headers={**forwarded, **gateway.as_ci()}).raise_for_status()

    assert metrics_page.status_code == 200
    assert metrics_page.headers["content-type"].startswith("text/plain")
    for name in (
        "requests_total",
        "request_duration_seconds",
        "upstream_calls_total",
        "upstream_call_duration_seconds",
        "cache_responses_total",
    ):
        assert f"scaleops_worker_gateway_{name}" in metrics_page.text
    assert "scaleops_worker_gateway_scaleops_tokens_total 1.0" in metrics_page.text
    assert 'outcome="200",route="POST /api/v1/dashboard/byNamespace"' in metrics_page.text
    for name in ("ann", "orders", "team-00", STATIC_TOKEN):
        assert name not in metrics_page.text
    assert gateway.client.get("/metrics", headers=forwarded).status_code == 401
    assert gateway.client.get("/metrics", headers={**forwarded, **ann}).status_code == 403


async def fail(request: Request) -> JSONResponse:
    messages = {"unknown": NotFoundError("no such thing"), "refused": forbidden("not for you")}
    raise messages.get(request.path_params["how"], RuntimeError(f"a secret: {STATIC_TOKEN}"))


def test_an_error_of_a_route_is_rendered_as_backstage_does(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(extra_routes=[Route("/fail/{how}", fail)])
    failures = [
        gateway.client.get(f"/fail/{how}", headers={**gateway.as_ci(), "Origin": PAGE})
        for how in ("unknown", "refused", "broken")
    ]
    assert [(response.status_code, response.json()["error"]["name"]) for response in failures] == [
        (404, "NotFoundError"),
        (403, "NotAllowedError"),
        (500, "ServiceUnavailableError"),
    ]
    assert failures[0].json()["request"] == {"method": "GET", "url": "/fail/unknown"}
    assert STATIC_TOKEN not in failures[2].text
    assert all(response.headers["access-control-allow-origin"] == PAGE for response in failures)


def test_a_route_matches_its_whole_path_as_it_was_sent(gateway: ServedGateway) -> None:
    for path in ("/mcpx", "/mcp/x", "/mc%70", "/report%73", "/metric%73", "//reports", "/reports//"):
        response = gateway.client.get(path, headers=gateway.as_ci())
        assert (response.status_code, response.json()["error"]["name"]) == (404, "NotFoundError"), path


def test_a_method_that_a_route_does_not_have_is_refused_the_same_way_everywhere(gateway: ServedGateway) -> None:
    actions = "/api/scaleops/.backstage/actions/v1/actions"
    for path, allowed in (
        ("/mcp", "POST"),
        ("/reports", "GET, HEAD"),
        (actions, "GET, HEAD"),
        (f"{actions}/x/invoke", "POST"),
        (FLAGS, "GET"),
    ):
        response = gateway.client.delete(path, headers=gateway.as_ci())
        assert (response.status_code, response.json()["error"]["name"]) == (405, "InputError"), path
        assert response.headers["allow"] == allowed


def test_all_callers_share_the_threads_of_one_gateway(gateway: ServedGateway) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_components", "arguments": {}}}
    accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    actions = "/api/scaleops/.backstage/actions/v1/actions"

    def call(number: int) -> int:
        kinds: tuple[Callable[[], httpx.Response], ...] = (
            lambda: gateway.client.post("/mcp", json=message, headers={**gateway.as_ci(), **accept}),
            lambda: gateway.client.post(f"{actions}/scaleops:list_components/invoke", json={}, headers=gateway.as_ci()),
            lambda: gateway.client.get("/status", headers=gateway.as_ci()),
        )
        return kinds[number % len(kinds)]().status_code

    before = set(threading.enumerate())
    with ThreadPoolExecutor(12, thread_name_prefix="client") as clients:
        statuses = set(clients.map(call, range(90)))
        pool_threads = [
            thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith(("stored-", "live-"))
        ]

    assert statuses == {200}
    assert 0 < len(pool_threads) <= STORED_THREADS
