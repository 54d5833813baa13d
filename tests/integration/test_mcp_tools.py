"""The MCP server by the SDK's own client: over HTTP in both protocol eras, and on stdio."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CallToolResult, TextResourceContents

from actions.catalogue import ACTIONS
from simulator.serving import Simulator
from store import Store
from tests.integration.history_sample import fill_history, serve_with_history
from tests.integration.mcp_clients import ERAS, MONSTER, WORKLOADS, call, oversized_scenario, talk, text_in
from tests.services.gateways import ServedGateway, ServeGateway
from tests.services.simulated import settings_of

ORDERS = "component:default/orders-000"
TEAM_OF_ORDERS = "group:default/team-00"
ANN = "user:default/ann"
BYNAMESPACE = "/api/v1/dashboard/byNamespace"


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator)


@pytest.mark.parametrize("era", ERAS)
def test_both_eras_list_and_call_the_same_tools(gateway: ServedGateway, era: str) -> None:
    async def say(client: Client) -> tuple[list[str], CallToolResult]:
        listed = await client.list_tools()
        return [tool.name for tool in listed.tools], await client.call_tool("get_scaleops_data_for_entity", {"entityRef": ORDERS})

    names, result = talk(gateway, gateway.as_ci(), say, era)
    assert names == list(ACTIONS)
    assert result.is_error is not True
    assert result.structured_content["entity"]["name"] == "orders-000"
    assert json.loads(text_in(result)) == result.structured_content


ARGUMENTS: dict[str, dict[str, Any]] = {
    "list_components": {},
    "get_cost_trend": {"entityRef": "group:default/payments"},
    "compare_weeks": {"entityRef": "group:default/payments"},
    "explain_cost_change": {"entityRef": "group:default/payments"},
    "get_team_report": {"team": "payments"},
    "list_recommendations": {},
    "list_alerts": {},
    "get_unallocated_cost": {},
    "explain_delivery": {"about": "payments"},
}


def test_every_tool_returns_what_its_schema_promises(gateway: ServedGateway) -> None:
    async def say(client: Client) -> dict[str, CallToolResult]:
        # The client checks structured content against the output schema of the tool once it has listed them.
        await client.list_tools()
        return {
            action.name: await client.call_tool(action.name, ARGUMENTS.get(action.name, {"entityRef": ORDERS}))
            for action in ACTIONS.values()
        }

    results = talk(gateway, gateway.as_ci(), say)
    assert {name: text_in(result) for name, result in results.items() if result.is_error} == {}
    assert all(json.loads(text_in(result)) == result.structured_content for result in results.values())


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_an_unknown_argument_is_rejected_with_the_valid_ones(gateway: ServedGateway, action: Any) -> None:
    result = call(gateway, gateway.as_ci(), action.name, entity="component:default/orders-000")
    assert result.is_error
    assert text_in(result).startswith("InputError: unknown argument 'entity'; valid arguments are ")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("get_scaleops_data_for_entity", {}, "InputError: the argument entityRef is missing"),
        ("get_scaleops_data_for_entity", {"entityRef": "orders"}, "InputError: 'orders' is not an entity reference; write kind:"),
        ("get_scaleops_data_for_entity", {"entityRef": ORDERS, "limit": 0}, "InputError: the argument limit is invalid"),
        (
            "get_scaleops_cost_analysis_for_entity",
            {"entityRef": ORDERS, "range": "1y"},
            "InputError: the argument range is invalid",
        ),
        ("get_scaleops_data_for_entity", {"entityRef": "component:default/nope"}, "NotFoundError: the catalog has no entity"),
        (
            "get_cost_trend",
            {"entityRef": "component:default/nope"},
            "NotFoundError: no measurement of component:default/nope that you may see",
        ),
        (
            "list_alerts",
            {"entityRef": "group:default/payments"},
            "InputError: group:default/payments is a team; use the argument team",
        ),
    ],
)
def test_an_error_says_what_to_do(gateway: ServedGateway, tool: str, arguments: dict[str, Any], said: str) -> None:
    result = call(gateway, gateway.as_ci(), tool, **arguments)
    assert result.is_error
    assert text_in(result).startswith(said)
    assert ("list_components" in text_in(result)) == said.startswith("NotFoundError")
    assert result.structured_content is None


def test_history_works_while_scaleops_is_down(gateway: ServedGateway, simulator: Simulator) -> None:
    simulator.plan_fault("scaleops", route=BYNAMESPACE, status=503)
    down = call(gateway, gateway.as_ci(), "get_scaleops_data_for_entity", entityRef=ORDERS)
    history = call(gateway, gateway.as_ci(), "get_cost_trend", entityRef="group:default/payments")
    assert text_in(down).startswith("ServiceUnavailableError: ")
    assert "tools over history" in text_in(down)
    assert history.is_error is not True


def test_every_output_about_500_workloads_fits_and_says_how_to_get_the_rest(
    serve_gateway: ServeGateway, simulator: Simulator
) -> None:
    simulator.load(oversized_scenario())
    gateway = serve_gateway()
    live = [action.name for action in ACTIONS.values() if action.is_live]

    async def say(client: Client) -> list[CallToolResult]:
        # The client checks structured content against the output schema of the tool once it has listed them.
        await client.list_tools()
        return [await client.call_tool(name, {"entityRef": MONSTER, "limit": 200}) for name in live]

    for name, result in zip(live, talk(gateway, gateway.as_ci(), say), strict=True):
        assert result.is_error is not True, text_in(result)
        assert len(result.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 70_000, name
        answer = result.structured_content
        rows = ACTIONS[name].rows
        shown = len(answer[rows])
        assert (answer["total"], answer["truncated"]) == (WORKLOADS, True), name
        assert 0 < shown < WORKLOADS
        assert answer["rest"] == f"{WORKLOADS - shown} more: repeat with offset {shown}"
        if "totalWorkloads" in answer["summary"]:
            assert answer["summary"]["totalWorkloads"] == WORKLOADS


def test_a_user_sees_what_the_catalog_shows_them(gateway: ServedGateway) -> None:
    owner, stranger = gateway.as_user(ANN, TEAM_OF_ORDERS), gateway.as_user("user:default/bob")
    assert call(gateway, owner, "get_scaleops_data_for_entity", entityRef=ORDERS).is_error is not True
    refused = call(gateway, stranger, "get_scaleops_data_for_entity", entityRef=ORDERS)
    assert text_in(refused).startswith("NotFoundError: the catalog has no entity component:default/orders-000")
    # What the store remembers is in no catalog that this user could be shown.
    listed = call(gateway, stranger, "list_components").structured_content
    assert listed is not None
    assert (listed["total"], listed["notShown"]) == (0, 5)
    assert text_in(call(gateway, stranger, "get_team_report", team="payments")).startswith("NotFoundError: ")


def test_a_token_is_required(gateway: ServedGateway) -> None:
    refused = gateway.client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert refused.status_code == 401
    assert "resource_metadata=" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_only_post_is_allowed(gateway: ServedGateway, method: str) -> None:
    answer = gateway.client.request(method, "/mcp", headers=gateway.as_ci())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_too_large_message_is_rejected(gateway: ServedGateway) -> None:
    headers = {**gateway.as_ci(), "accept": "application/json, text/event-stream"}
    answer = gateway.client.post("/mcp", headers=headers, json={"jsonrpc": "2.0", "id": 1, "method": "x" * 300_000})
    assert answer.status_code == 413


def test_calls_are_counted_by_tool_and_outcome(gateway: ServedGateway) -> None:
    call(gateway, gateway.as_ci(), "list_components")
    call(gateway, gateway.as_ci(), "list_components", nope=1)
    metrics = gateway.client.get("/metrics", headers=gateway.as_ci()).text
    assert 'tool_calls_total{client="mcp",outcome="done",tool="list_components"} 1.0' in metrics
    assert 'tool_calls_total{client="mcp",outcome="InputError",tool="list_components"} 1.0' in metrics


def test_a_report_is_a_resource_for_callers_who_may_read_it(gateway: ServedGateway) -> None:
    async def read(client: Client) -> list[str]:
        texts = []
        for address in ("scaleops-worker://reports/payments", "scaleops-worker://reports/payments/latest"):
            (content,) = (await client.read_resource(address)).contents
            assert isinstance(content, TextResourceContents)
            texts.append(content.text)
        return texts

    async def fail(client: Client) -> str:
        with pytest.raises(MCPError) as failed:
            await client.read_resource("scaleops-worker://reports/payments/latest")
        return str(failed.value)

    weeks, page = talk(gateway, gateway.as_ci(), read)

    assert json.loads(weeks) == [{"week": "2026-W47", "resource": "scaleops-worker://reports/payments/2026-W47"}]
    assert page.startswith("<!doctype html>")
    assert "Payments" in page
    assert "no report of group:default/payments that you may see" in talk(gateway, gateway.as_user("user:default/bob"), fail)


def test_the_prompt_describes_a_review(gateway: ServedGateway) -> None:
    async def say(client: Client) -> str:
        prompt = await client.get_prompt("weekly_cost_review", {"team": "payments"})
        return str(prompt.messages[0].content)

    text = talk(gateway, gateway.as_ci(), say)
    assert "get_team_report for payments" in text
    assert all(tool in ACTIONS for tool in ("compare_weeks", "explain_delivery", "list_alerts"))


@pytest.mark.anyio
async def test_an_agent_starts_the_server_on_stdio(simulator: Simulator, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'worker.db'}"
    store = Store.open(database)
    fill_history(store)
    store.close()
    program = StdioServerParameters(
        command=str(Path(sys.executable).parent / "scaleops-worker"),
        args=["mcp"],
        cwd=tmp_path,
        env={**settings_of(simulator), "PATH": os.environ["PATH"], "DATABASE_URL": database},
    )
    async with Client(program) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        live = await client.call_tool("get_scaleops_data_for_entity", {"entityRef": ORDERS})
        stored = await client.call_tool("list_components", {"owner": "payments"})
    assert names == list(ACTIONS)
    assert (live.is_error, stored.is_error) == (False, False)
    assert stored.structured_content is not None
    assert stored.structured_content["total"] == 2
