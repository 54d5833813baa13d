"""Which paths and queries the proxy allows; what it sends upstream comes from its own list."""

import pytest

from gateway.proxy.routes import ROUTES, ProxyRoute, RouteTable, read_extra_route, read_path, read_query
from gateway.responses import HttpError
from wiring.settings import SettingsError

PROXY = b"/api/scaleops/api"
FLAGS = b"/api/v1/networkCost/networkCostEnabled"
BY_KIND: dict[str, ProxyRoute] = {route.kind: route for route in ROUTES}


def rejected(target: bytes, method: str = "GET") -> HttpError:
    with pytest.raises(HttpError) as caught:
        RouteTable().find(PROXY + target, method)
    return caught.value


def test_the_four_routes_of_the_frontend_are_found_by_their_plain_path() -> None:
    for route in ROUTES:
        assert RouteTable().find(PROXY + route.path.encode(), route.method) is route


def test_an_encoded_letter_is_decoded_once_and_compared() -> None:
    assert RouteTable().find(PROXY + b"/%61pi/v1/workload-network", "GET").kind == "network"


@pytest.mark.parametrize(
    "target",
    [
        b"/%2e%2e/api/v1/networkCost/networkCostEnabled",
        b"/../api/v1/networkCost/networkCostEnabled",
        b"/api/./v1/networkCost/networkCostEnabled",
        b"/api/v1/policies/%2e%2e/networkCost/networkCostEnabled",
        b"/api/v1/%2E%2E/v1/networkCost/networkCostEnabled",
        b"/%252e%252e/admin",
        b"/api/v1/networkCost%252fnetworkCostEnabled",
        b"/api/v1%2FnetworkCost/networkCostEnabled",
        b"/api/v1%2fnetworkCost/networkCostEnabled",
        b"//api/v1/networkCost/networkCostEnabled",
        b"//evil.example/api/v1/networkCost/networkCostEnabled",
        b"/api//v1/networkCost/networkCostEnabled",
        b"/api\\v1/networkCost/networkCostEnabled",
        b"/api%5cv1/networkCost/networkCostEnabled",
        b"/\\evil.example/",
        b"/@evil.example/api/v1/networkCost/networkCostEnabled",
        b"/user%40evil.example/",
        b"/api/v1/networkCost/networkCostEnabled#/../../admin",
        b"/api/v1/networkCost/networkCostEnabled%23x",
        b"/api/v1/networkCost/networkCostEnabled%3fx=1",
        b"/api/v1/networkCost/networkCostEnabled;jsessionid=1",
        b"/api/v1/networkCost/networkCostEnabled%00",
        b"/api/v1/networkCost/networkCostEnabled%0d%0aX-Evil:1",
        b"/api/v1/networkCost/networkCostEnabled ",
        b"/api/v1/networkCost/networkCostEnabled/",
        b"/api/v1/networkC\xc3\xb6st/networkCostEnabled",
        b"http://evil.example/api/v1/networkCost/networkCostEnabled",
        b"",
    ],
)
def test_an_ambiguous_path_is_rejected(target: bytes) -> None:
    assert rejected(target).status == 400


@pytest.mark.parametrize(
    "target", [b"/api/v1/policies", b"/auth/callback", FLAGS + b".json", FLAGS + b"X", b"/x" + FLAGS, b"/healthz"]
)
def test_a_path_that_is_not_listed_is_not_found(target: bytes) -> None:
    assert rejected(target).status == 404
    assert rejected(FLAGS.replace(b"/api/v1", b"/API/V1")).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get"])
def test_a_listed_path_is_allowed_with_its_own_method_only(method: str) -> None:
    error = rejected(FLAGS, method)
    assert error.status == 405
    assert (b"allow", b"GET") in error.headers


def test_a_path_is_decoded_once() -> None:
    assert read_path(b"/api/v1/%61") == "/api/v1/a"
    with pytest.raises(HttpError):
        read_path(b"/api/v1/%2561")


@pytest.mark.parametrize(
    ("kind", "query", "sent"),
    [
        ("workloads", b"multiCluster=true&logicalLabel=AND", "multiCluster=true&logicalLabel=AND"),
        ("workloads", b"logicalLabel=AND", "multiCluster=true&logicalLabel=AND"),
        ("workloads", b"", "multiCluster=true&logicalLabel=AND"),
        ("costs", b"range=30d", "multiCluster=true&range=30d"),
        ("costs", b"", "multiCluster=true"),
        (
            "network",
            b"to=2000&from=1000&workloadType=Deployment&namespace=n%2Fs&name=a b%26c",
            "name=a+b%26c&namespace=n%2Fs&workloadType=Deployment&from=1000&to=2000",
        ),
    ],
)
def test_the_query_sent_upstream_is_built_from_the_route(kind: str, query: bytes, sent: str) -> None:
    assert read_query(BY_KIND[kind], query) == sent


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("workloads", b"logicalLabel=OR"),
        ("workloads", b"multiCluster=false"),
        ("workloads", b"multiCluster=true&multiCluster=true"),
        ("workloads", b"multiCluster=true&admin=1"),
        ("workloads", b"MultiCluster=true"),
        ("workloads", b"multiCluster=true?logicalLabel=OR"),
        ("costs", b"range=1y"),
        ("costs", b"range=7d&range=90d"),
        ("costs", b"range="),
        ("flags", b"cluster=x"),
        ("network", b"name=a&namespace=b&workloadType=c&from=1"),
        ("network", b"name=a&namespace=b&workloadType=c&from=x&to=2"),
        ("network", b"name=a&namespace=b&workloadType=c&from=-1&to=2"),
        ("network", b"name=&namespace=b&workloadType=c&from=1&to=2"),
        ("network", b"name=a%0d%0ab&namespace=b&workloadType=c&from=1&to=2"),
        ("network", b"name=%ff&namespace=b&workloadType=c&from=1&to=2"),
        ("workloads", b"&".join(b"multiCluster=true" for _ in range(100))),
    ],
)
def test_a_query_parameter_must_be_listed_and_sent_once(kind: str, query: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_query(BY_KIND[kind], query)
    assert caught.value.status == 400


def test_only_the_path_is_matched_and_never_the_query() -> None:
    assert rejected(b"/admin?x=/api/v1/networkCost/networkCostEnabled").status == 400


def test_an_extra_route_allows_the_parameters_it_names() -> None:
    table = RouteTable([read_extra_route("GET /api/v1/policies?multiCluster")])
    route = table.find(PROXY + b"/api/v1/policies", "GET")
    assert read_query(route, b"multiCluster=true") == "multiCluster=true"
    with pytest.raises(HttpError):
        read_query(route, b"other=1")


@pytest.mark.parametrize(
    "entry", ["/x", "POST /x", "DELETE /x", "GET api", "GET /a/../b", "GET //x", "GET /a%2fb", "GET /a?b c", "GET /ä"]
)
def test_an_invalid_extra_route_is_a_settings_error(entry: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_EXTRA_ROUTES"):
        read_extra_route(entry)


def test_queries_are_cached_by_route() -> None:
    for kind, query in (("flags", "multiCluster=true"), ("workloads", "multiCluster=true&logicalLabel=AND")) * 2:
        assert read_query(BY_KIND[kind], b"") == query
