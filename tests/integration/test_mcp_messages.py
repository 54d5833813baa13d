"""MCP messages as clients in the field send them: every Accept, mixed eras, blank arguments, malformed messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from mcp import Client

from actions.catalogue import ACTIONS
from simulator.serving import Simulator
from simulator.world import Scenario
from tests.integration.history_sample import NOW, fill_history
from tests.integration.mcp_clients import ERAS, call, talk, text_in
from tests.services.gateways import ServedGateway

ORDERS = "component:default/orders-000"
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
MALFORMED_IDS: tuple[object, ...] = (None, 1.5, True, [], {})
LIST = {"jsonrpc": "2.0", "id": 7, "method": "tools/list"}
NO_OBJECTS: tuple[object, ...] = ([LIST], [], "x", 5)


@pytest.fixture(scope="module")
def gateway(
    simulator_server: Simulator, parity_scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedGateway]:
    """One gateway for all these tests, which only read."""
    simulator_server.load(parity_scenario)
    simulator_server.state.clock.set(NOW)
    served = ServedGateway(simulator_server, tmp_path_factory.mktemp("gateway"))
    fill_history(served.dependencies.store)
    yield served
    served.close()


def post(
    gateway: ServedGateway, message: object, *, accept: str | None = "application/json", path: str = "/mcp", **headers: str
) -> tuple[int, str, Any]:
    """Return status, content type, and the JSON-RPC message of the response."""
    sent: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    request = gateway.client.build_request("POST", path, headers={**gateway.as_ci(), **sent}, json=message)
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = gateway.client.send(request)
    kind = response.headers.get("content-type", "").partition(";")[0]
    text = response.text.partition("data: ")[2] if kind == "text/event-stream" else response.text
    return response.status_code, kind, json.loads(text) if text else None


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        *((accept, "application/json") for accept in (None, "", "application/json", "application/*;q=0.5", "text/html")),
        *((accept, "text/event-stream") for accept in ("text/event-stream", "text/event-stream;q=0.9", "text/*")),
        *((accept, "") for accept in ("*/*", "application/json, text/event-stream", "Text/Event-Stream , Application/JSON")),
    ],
)
@pytest.mark.parametrize("version", [None, "2025-03-26", "2025-11-25", "2026-07-28"])
def test_every_accept_header_gets_a_response_that_it_names(
    gateway: ServedGateway, accept: str | None, kind: str, path: str, version: str | None
) -> None:
    headers = {} if version is None else {"mcp_protocol_version": version}
    message = {**LIST, "params": {"_meta": MODERN}} if version == "2026-07-28" else LIST
    if version == "2026-07-28":
        headers["mcp_method"] = "tools/list"

    status, got, response = post(gateway, message, accept=accept, path=path, **headers)

    assert status == 200
    assert got == kind or not kind
    assert response["id"] == 7
    assert len(response["result"]["tools"]) == len(ACTIONS)


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_message_of_2026_with_an_older_header_is_served(gateway: ServedGateway, version: str) -> None:
    message = {**LIST, "method": "tools/call", "params": {"name": "list_components", "arguments": {}, "_meta": MODERN}}

    status, _, response = post(
        gateway, message, mcp_protocol_version=version, mcp_method="tools/call", mcp_name="list_components"
    )

    assert status == 200
    assert response["result"]["structuredContent"]["total"] == 5


@pytest.mark.parametrize(
    ("message", "identifier", "code"),
    [
        *(({**LIST, "id": bad}, None, -32600) for bad in MALFORMED_IDS),
        *((bad, None, -32600) for bad in NO_OBJECTS),
        ({**LIST, "jsonrpc": "1.0"}, 7, -32600),
        ({"id": 7, "method": "tools/list"}, 7, -32600),
        ({"jsonrpc": "2.0", "id": "a"}, "a", -32600),
        ({**LIST, "method": 5}, 7, -32600),
        ({**LIST, "params": []}, 7, -32602),
        ({**LIST, "params": "x"}, 7, -32602),
        ({**LIST, "method": "tools/call", "params": {"name": 5}}, 7, -32602),
        ({**LIST, "method": "nope"}, 7, -32601),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/json, text/event-stream"])
def test_a_malformed_message_gets_a_json_rpc_error(
    gateway: ServedGateway, message: object, identifier: object, code: int, accept: str
) -> None:
    _, _, response = post(gateway, message, accept=accept, mcp_protocol_version="2025-03-26")

    assert (response["jsonrpc"], response["id"], response["error"]["code"]) == ("2.0", identifier, code)
    assert "pydantic" not in json.dumps(response)
    assert "validation error" not in json.dumps(response)


def test_a_body_that_is_no_json_gets_a_parse_error(gateway: ServedGateway) -> None:
    response = gateway.client.post("/mcp", headers=gateway.as_ci(), content=b"{")

    assert (response.status_code, response.json()["error"]["code"]) == (400, -32700)


def test_a_notification_is_accepted_without_a_response(gateway: ServedGateway) -> None:
    assert post(gateway, {"jsonrpc": "2.0", "method": "notifications/initialized"})[::2] == (202, None)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_scaleops_network_usage_for_entity", {"entityRef": ORDERS, "timeRangeHours": 0, "workloadName": ""}),
        (
            "get_scaleops_network_usage_for_entity",
            {"entityRef": ORDERS, "timeRangeHours": None, "workloadName": None, "limit": None},
        ),
        ("get_scaleops_cost_analysis_for_entity", {"entityRef": ORDERS, "range": "", "limit": "", "offset": None}),
        ("get_scaleops_recommendations_for_entity", {"entityRef": ORDERS, "minSavingsThreshold": None}),
        ("list_recommendations", {"team": "", "entityRef": " ", "priority": None, "order": "", "limit": None, "offset": ""}),
        ("list_alerts", {"team": None, "entityRef": "", "quiet": None}),
        ("get_cost_trend", {"entityRef": "group:default/payments", "weeks": None}),
        ("get_team_report", {"team": "payments", "week": ""}),
        ("list_components", {"_meta": {"progressToken": 1}}),
    ],
)
def test_a_blank_optional_argument_counts_as_left_out(gateway: ServedGateway, tool: str, arguments: dict[str, Any]) -> None:
    required = {
        name: value
        for name, value in arguments.items()
        if (name == "team" and value) or (name == "entityRef" and str(value).strip())
    }

    filled, plain = (call(gateway, gateway.as_ci(), tool, **one) for one in (arguments, required))

    assert filled.is_error is not True, text_in(filled)
    assert filled.structured_content == plain.structured_content


@pytest.mark.parametrize("arguments", [{"timeRangeHours": False}, {"timeRangeHours": -1}, {"entityRef": ""}, {"entityRef": None}])
def test_a_wrong_or_required_argument_is_still_rejected(gateway: ServedGateway, arguments: dict[str, Any]) -> None:
    result = call(gateway, gateway.as_ci(), "get_scaleops_network_usage_for_entity", **{"entityRef": ORDERS, **arguments})

    assert text_in(result).startswith("InputError: ")


@pytest.mark.parametrize("era", ERAS)
def test_the_newest_reports_are_listed_and_can_be_read(gateway: ServedGateway, era: str) -> None:
    async def say(client: Client) -> dict[str, str]:
        listed = (await client.list_resources()).resources
        return {str(one.uri): (await client.read_resource(one.uri)).contents[0].text for one in listed}  # type: ignore[union-attr] # a page is text

    pages = talk(gateway, gateway.as_ci(), say, era)

    prefix = "scaleops-worker://reports"
    assert list(pages) == [f"{prefix}/{team}/2026-W47" for team in ("~platform", "ops", "payments", "search")]
    assert all(page.startswith("<!doctype html>") for page in pages.values())


def test_only_readable_reports_are_listed(gateway: ServedGateway) -> None:
    async def say(client: Client) -> int:
        return len((await client.list_resources()).resources)

    assert talk(gateway, gateway.as_user("user:default/bob"), say) == 0
