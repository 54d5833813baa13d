"""MCP clients for tests, and a component of 500 workloads."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Literal

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from simulator import crowd
from simulator.world import NetworkData, Scenario, World
from tests.integration.history_sample import NOW
from tests.services.gateways import ServedGateway
from tests.services.loopback import NO_AUTHORITIES

MONSTER: Final = "component:default/service-00000"
WORKLOADS: Final = 500
ERAS: Final = ("auto", "legacy")
"""The handshake of 2025 and before, and the messages without sessions of 2026."""


def oversized_scenario() -> Scenario:
    """One component with five hundred workloads of long names, forty peers each, and policies of 20 KB."""
    small: World = crowd.build_scenario(1).world_at(NOW)
    first = small.workloads[0]
    peer = first.network.destinations[0]
    peers = NetworkData(destinations=tuple({**peer, "Name": f"peer-{number}-{'p' * 60}"} for number in range(40)))
    workloads = tuple(
        replace(
            first,
            dash={
                **first.dash,
                "id": f"ns-Deployment-{number}",
                "workloadName": f"{number:03}-{'w' * 180}",
                "cpuRecommended": None,
            },
            network=peers,
        )
        for number in range(WORKLOADS)
    )
    policies = {
        cluster: tuple({**policy, "spec": {"text": '{"nested": "json"}' * 1000}} for policy in found)
        for cluster, found in small.policies.items()
    }
    world = replace(small, workloads=workloads, policies=policies)
    return Scenario(name="monster", world_at=lambda _: world)


def talk(gateway: ServedGateway, headers: dict[str, str], say: Callable[[Client], Awaitable[Any]], era: str = "auto") -> Any:
    async def conversation() -> Any:
        mode: Literal["auto", "legacy"] = "legacy" if era == "legacy" else "auto"
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False, verify=NO_AUTHORITIES) as http,
            Client(streamable_http_client(f"{gateway.url}/mcp", http_client=http), mode=mode) as client,
        ):
            return await say(client)

    return asyncio.run(conversation())


def call(gateway: ServedGateway, headers: dict[str, str], tool: str, era: str = "auto", **arguments: Any) -> CallToolResult:
    async def say(client: Client) -> CallToolResult:
        return await client.call_tool(tool, arguments)

    result: CallToolResult = talk(gateway, headers, say, era)
    return result


def text_in(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text
