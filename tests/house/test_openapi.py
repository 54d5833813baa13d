"""The OpenAPI description has every route of the gateway, and no other."""

from collections.abc import Iterator
from typing import Any

from starlette.routing import Route

from actions.catalogue import ACTIONS
from gateway.proxy.routes import PREFIX, ROUTES, ProxyRoute, read_extra_route
from gateway.web.openapi import OPENAPI_PATH, openapi_document
from gateway.web.registry import PLUGIN
from tests.services.gateways import ServedGateway, ServeGateway

METHODS = {"get", "post", "put", "patch", "delete"}


def described(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, operations in document["paths"].items():
        yield from ((method.upper(), path, operation) for method, operation in operations.items() if method in METHODS)


def served(gateway: ServedGateway, proxied: tuple[ProxyRoute, ...]) -> Iterator[tuple[str, str]]:
    for route in gateway.app.web.routes:
        assert isinstance(route, Route)
        methods = (route.methods or set()) - {"HEAD"}
        path = route.path if route.path == "/" else route.path.rstrip("/")
        identifiers = [f"{PLUGIN}:{name}" for name in ACTIONS] if "{id}" in path else [""]
        yield from ((method, path.replace("{id}", one)) for method in methods for one in identifiers)
    yield from ((route.method, f"{PREFIX.decode()}{route.path}") for route in proxied)


def test_every_route_is_described_and_every_described_route_is_served(gateway: ServedGateway) -> None:
    document = gateway.client.get(OPENAPI_PATH, headers=gateway.as_ci()).json()

    assert {(method, path) for method, path, _ in described(document)} == set(served(gateway, ROUTES))


def test_configured_routes_of_the_proxy_are_described(serve_gateway: ServeGateway) -> None:
    entries = ("GET /api/v1/policies?name", "GET /api/v1/dashboard/byNamespace")
    gateway = serve_gateway(gateway_extra_routes=entries, gateway_auth="token")
    document = gateway.client.get(OPENAPI_PATH, headers=gateway.as_ci()).json()
    operations = {(method, path): operation for method, path, operation in described(document)}

    assert set(operations) == set(served(gateway, (*ROUTES, *map(read_extra_route, entries))))
    (name, cluster) = operations["GET", f"{PREFIX.decode()}/api/v1/policies"]["parameters"]
    assert (name["in"], name["name"], name["required"]) == ("query", "name", False)
    assert (cluster["in"], cluster["name"]) == ("header", "X-Scaleops-Cluster")


def test_exactly_the_routes_described_as_public_need_no_token(gateway: ServedGateway) -> None:
    for method, path, operation in described(openapi_document(ROUTES, has_metadata=True)):
        status = gateway.client.request(method, path).status_code
        needs_token = {} not in operation.get("security", [{"token": []}]) and operation.get("security") != []
        assert status == (401 if needs_token else 200), (method, path, status)


def test_every_operation_says_what_it_is_for_and_names_its_parameters() -> None:
    for method, path, operation in described(openapi_document(ROUTES, has_metadata=True)):
        assert operation["summary"], (method, path)
        in_path = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}, (method, path)
        assert ("requestBody" in operation) == (method == "POST"), (method, path)
