"""Invalid MCP requests: short client errors, whatever was sent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS

from tests.unit.mcp_in_process import mcp_client

LONG = "b" * 200_000


def refusal_of(ask: Callable[[Client], Awaitable[Any]]) -> MCPError:
    async def talk() -> MCPError:
        async with mcp_client() as client:
            with pytest.raises(MCPError) as refused:
                await ask(client)
            return refused.value

    return asyncio.run(talk())


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.call_tool(LONG, {}),
        lambda client: client.get_prompt(LONG),
        lambda client: client.get_prompt("weekly_cost_review", {"team": LONG}),
        lambda client: client.read_resource(f"scaleops-worker://reports/{LONG}"),
    ],
    ids=["tool", "prompt", "argument of a prompt", "resource"],
)
def test_too_long_names_are_not_quoted_in_full(ask: Callable[[Client], Awaitable[Any]]) -> None:
    refused = refusal_of(ask)
    assert refused.error.code == INVALID_PARAMS
    assert "1000 characters" in refused.error.message
    assert len(str(refused.error)) < 500


@pytest.mark.parametrize(
    ("prompt", "arguments", "said"),
    [
        ("weekly_cost_review", None, "the prompt weekly_cost_review requires team"),
        ("weekly_cost_review", {}, "the prompt weekly_cost_review requires team"),
        ("monthly_review", None, "there is no prompt 'monthly_review'"),
    ],
)
def test_an_invalid_prompt_request_is_a_client_error(
    caplog: pytest.LogCaptureFixture, prompt: str, arguments: dict[str, str] | None, said: str
) -> None:
    refused = refusal_of(lambda client: client.get_prompt(prompt, arguments))
    assert (refused.error.code, refused.error.message) == (INVALID_PARAMS, said)
    assert not [record for record in caplog.records if record.exc_info]


def test_an_unknown_argument_is_quoted_in_short() -> None:
    async def talk() -> str:
        async with mcp_client() as client:
            (content,) = (await client.call_tool("list_components", {LONG: 1})).content
            return str(content)

    assert len(asyncio.run(talk())) < 1000
