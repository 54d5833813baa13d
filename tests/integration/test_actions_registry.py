"""The Actions Registry as Backstage calls it: list, invoke with either spelling of the id, both versions, errors."""

from pathlib import Path
from typing import Any

import pytest

from actions.catalogue import ACTIONS
from simulator.serving import Simulator
from tests.integration.history_sample import serve_with_history
from tests.integration.mcp_clients import MONSTER, WORKLOADS, oversized_scenario
from tests.services.gateways import ServedGateway, ServeGateway, bearer

BASE = "/api/scaleops/.backstage/actions"
DATA = "get_scaleops_data_for_entity"
ORDERS = "component:default/orders-000"
TEAM_OF_ORDERS = "group:default/team-00"
ANN = "user:default/ann"
BACKSTAGE_NAMES = {
    "InputError",
    "AuthenticationError",
    "NotAllowedError",
    "NotFoundError",
    "ConflictError",
    "NotModifiedError",
    "NotImplementedError",
    "ResponseError",
    "ServiceUnavailableError",
}
"""Backstage replaces all others by `Request failed with ...`, and the message is lost."""


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator)


def invoke(
    gateway: ServedGateway,
    body: Any,
    *,
    headers: dict[str, str] | None = None,
    name: str = DATA,
    path: str = "v1/actions/scaleops%3A{}/invoke",
) -> tuple[int, Any]:
    response = gateway.client.post(f"{BASE}/{path.format(name)}", json=body, headers=headers or gateway.as_plugin())
    return response.status_code, response.json()


def test_the_list_is_served_without_any_call(gateway: ServedGateway, simulator: Simulator) -> None:
    simulator.state.calls.clear()
    response = gateway.client.get(f"{BASE}/v1/actions", headers=gateway.as_ci())
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert [action["name"] for action in response.json()["actions"]] == list(ACTIONS)
    assert gateway.calls("scaleops") == {}
    assert gateway.calls("backstage") == {}


def test_every_listed_action_is_valid_for_backstage(gateway: ServedGateway) -> None:
    for action in gateway.client.get(f"{BASE}/v1/actions", headers=gateway.as_ci()).json()["actions"]:
        assert action["id"] == f"scaleops:{action['name']}"
        assert action["pluginId"] == "scaleops"
        assert action["attributes"] == {"destructive": False, "idempotent": True, "readOnly": True}
        assert action["schema"]["input"]["type"] == action["schema"]["output"]["type"] == "object"
        assert action["schema"]["input"]["additionalProperties"] is False
        assert action["schema"]["input"]["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("path", ["v1/actions/scaleops%3A{}/invoke", "v1/actions/scaleops:{}/invoke"])
def test_an_action_is_invoked_by_its_raw_input(gateway: ServedGateway, path: str) -> None:
    status, body = invoke(gateway, {"entityRef": ORDERS}, path=path)
    assert status == 200
    assert list(body) == ["output"]
    assert body["output"]["entity"] == {"name": "orders-000", "namespace": "default", "kind": "Component"}


def test_the_second_version_wraps_input_and_secrets(gateway: ServedGateway) -> None:
    status, body = invoke(gateway, {"input": {"entityRef": ORDERS}, "secrets": {"a": "b"}}, path="v2/actions/scaleops:{}/invoke")
    assert (status, body["output"]["entity"]["name"]) == (200, "orders-000")


def test_history_actions_are_invoked_the_same_way(gateway: ServedGateway) -> None:
    status, body = invoke(gateway, {"owner": "payments"}, name="list_components")
    assert (status, body["output"]["total"]) == (200, 2)


def test_an_output_with_500_workloads_is_complete(serve_gateway: ServeGateway, simulator: Simulator) -> None:
    simulator.load(oversized_scenario())
    gateway = serve_gateway()
    status, body = invoke(gateway, {"entityRef": MONSTER}, headers=gateway.as_ci())
    assert (status, len(body["output"]["workloads"])) == (200, WORKLOADS)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "the argument entityRef is missing"),
        ({"entityRef": ORDERS, "nope": 1}, "unknown argument 'nope'; valid arguments are entityRef"),
        ({"entityRef": "orders"}, "'orders' is not an entity reference; write kind:namespace/name"),
        ([], "the input must be a JSON object"),
        ("text", "the input must be a JSON object"),
    ],
)
def test_an_invalid_input_is_rejected_in_the_form_of_backstage(gateway: ServedGateway, body: Any, message: str) -> None:
    status, response = invoke(gateway, body)
    assert status == 400
    assert response["error"]["name"] == "InputError"
    assert response["error"]["message"].startswith(message)
    assert response["request"] == {"method": "POST", "url": f"/.backstage/actions/v1/actions/scaleops%3A{DATA}/invoke"}
    assert response["response"] == {"statusCode": 400}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b'{"entityRef":"component:default/\\ud800"}', "application/json"),
        (b"[" * 60_000, "application/json"),
        (b'{"entityRef":"component:default/ledger","entityRef":"component:default/orders-000"}', "application/json"),
        (b'{"entityRef":"component:default/orders-000","minSavingsThreshold":1,"minSavingsThreshold":1}', "application/json"),
        (b'{"entityRef":NaN}', "application/json"),
        (b'{"entityRef":"component:default/orders-000"}', "text/plain"),
        (b"entityRef=component:default/orders-000", "application/x-www-form-urlencoded"),
    ],
)
def test_invalid_json_is_rejected(gateway: ServedGateway, content: bytes, kind: str) -> None:
    response = gateway.client.post(
        f"{BASE}/v1/actions/scaleops:{DATA}/invoke", content=content, headers={**gateway.as_ci(), "content-type": kind}
    )
    assert (response.status_code, response.json()["error"]["name"]) == (400, "InputError")


@pytest.mark.parametrize("kind_of_database", ["sqlite_url", "postgres_url"])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_components", {"text": "a\0b"}),
        ("list_components", {"owner": "a\0b"}),
        ("get_cost_trend", {"entityRef": "component:default/a\0b"}),
        ("get_team_report", {"team": "a\0b"}),
        ("explain_delivery", {"about": "a\0b"}),
        ("explain_delivery", {"about": "payments", "week": "2026-W47\0"}),
        (DATA, {"entityRef": "component:default/a\0b"}),
    ],
)
def test_text_that_a_database_cannot_store_is_rejected(
    serve_gateway: ServeGateway, request: pytest.FixtureRequest, kind_of_database: str, name: str, arguments: dict[str, str]
) -> None:
    gateway = serve_gateway(database_url=request.getfixturevalue(kind_of_database))
    status, response = invoke(gateway, arguments, name=name, headers=gateway.as_ci())
    assert (status, response["error"]["name"]) == (400, "InputError")
    assert "not valid text" in response["error"]["message"]


def test_head_of_the_list_has_the_headers_of_get(gateway: ServedGateway) -> None:
    whole = gateway.client.get(f"{BASE}/v1/actions", headers=gateway.as_ci())
    head = gateway.client.head(f"{BASE}/v1/actions", headers=gateway.as_ci())
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_an_empty_body_is_an_empty_input(gateway: ServedGateway) -> None:
    response = gateway.client.post(f"{BASE}/v1/actions/scaleops:list_components/invoke", headers=gateway.as_ci())
    assert (response.status_code, response.json()["output"]["total"]) == (200, 5)


@pytest.mark.parametrize(
    "path",
    [
        "v1/actions/scaleops:nope/invoke",
        "v1/actions/other:get_scaleops_data_for_entity/invoke",
        "v1/actions/get_scaleops_data_for_entity/invoke",
    ],
)
def test_an_unknown_action_is_not_found(gateway: ServedGateway, path: str) -> None:
    status, response = invoke(gateway, {"entityRef": ORDERS}, path=path)
    assert (status, response["error"]["name"]) == (404, "NotFoundError")
    assert response["error"]["message"] == f'Action "{path.split("/")[2]}" not found'


@pytest.mark.parametrize(
    "path", ["v3/actions", "v1", "v1/actions/scaleops:x", "v1/actions/scaleops:x/invoke/more", "v1/actions/"]
)
def test_other_paths_are_not_found(gateway: ServedGateway, path: str) -> None:
    response = gateway.client.post(f"{BASE}/{path}", json={}, headers=gateway.as_ci())
    assert (response.status_code, response.json()["error"]["name"]) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "v1/actions"), ("GET", f"v1/actions/scaleops:{DATA}/invoke"), ("PUT", "v1/actions")]
)
def test_another_method_is_not_allowed(gateway: ServedGateway, method: str, path: str) -> None:
    response = gateway.client.request(method, f"{BASE}/{path}", headers=gateway.as_ci())
    assert response.status_code == 405
    assert response.json()["error"]["name"] in BACKSTAGE_NAMES


@pytest.mark.parametrize("status", [429, 503])
def test_a_scaleops_failure_has_an_error_name_that_backstage_shows(
    gateway: ServedGateway, simulator: Simulator, status: int
) -> None:
    simulator.plan_fault("scaleops", route="/api/v1/dashboard/byNamespace", status=status)
    code, response = invoke(gateway, {"entityRef": ORDERS})
    assert (code, response["error"]["name"]) == (503, "ServiceUnavailableError")
    assert "ScaleOps" in response["error"]["message"]


def test_a_database_failure_has_an_error_name_that_backstage_shows(gateway: ServedGateway, tmp_path: Path) -> None:
    gateway.dependencies.store.close()  # closes its connections; the next use opens a new one
    for file in tmp_path.glob("gateway.db*"):
        file.unlink()
    (tmp_path / "gateway.db").mkdir()
    status, response = invoke(gateway, {}, name="list_components", headers=gateway.as_ci())
    assert (status, response["error"]["name"]) == (503, "ServiceUnavailableError")


def test_listing_and_invoking_need_a_token(gateway: ServedGateway) -> None:
    for response in (
        gateway.client.get(f"{BASE}/v1/actions"),
        gateway.client.post(f"{BASE}/v1/actions/scaleops:{DATA}/invoke", json={}),
    ):
        assert response.status_code == 401
        assert response.json()["error"] == {"name": "AuthenticationError", "message": "Missing credentials"}


def test_a_plugin_on_behalf_of_a_user_sees_what_the_user_sees(gateway: ServedGateway) -> None:
    gateway.as_user(ANN, TEAM_OF_ORDERS)
    gateway.as_user("user:default/bob")
    owner = gateway.as_plugin(obo=gateway.auth.limited_token(ANN, now=gateway.now))
    outsider = gateway.as_plugin(obo=gateway.auth.limited_token("user:default/bob", now=gateway.now))
    assert invoke(gateway, {"entityRef": ORDERS}, headers=owner)[0] == 200
    status, response = invoke(gateway, {"entityRef": ORDERS}, headers=outsider)
    assert (status, response["error"]["name"]) == (404, "NotFoundError")


def test_a_user_without_proof_for_the_catalog_is_rejected(gateway: ServedGateway) -> None:
    token = gateway.auth.user_token(ANN, now=gateway.now, uip=None)
    status, response = invoke(gateway, {"entityRef": ORDERS}, headers=bearer(token))
    assert (status, response["error"]["name"]) == (403, "NotAllowedError")
    assert "uip" in response["error"]["message"]
