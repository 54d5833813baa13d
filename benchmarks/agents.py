"""One MCP tool call over HTTP without load, against an empty tool on a plain server of the MCP SDK.

`python -m benchmarks agents`. The client shares the process with both servers; what the action itself takes is subtracted.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer

from actions.catalogue import ACTIONS
from actions.context import RequestContext
from benchmarks.results import BenchmarkResult
from simulator.serving import Simulator, bind
from tests.integration.history_sample import NOW, fill_history
from tests.services.gateways import ServedGateway
from tests.stage_factories import make_history_context, make_request_context

NAME: Final = "agents"
ROOT: Final = Path(__file__).parent.parent
TOOL: Final = "list_components"
EMPTY_TOOL: Final = "nothing"
CALLS: Final = 200
Era = Literal["auto", "legacy"]
ERAS: Final[tuple[tuple[Era, str], ...]] = (("auto", "messages of 2026"), ("legacy", "handshake of 2025"))


def measure() -> Iterator[BenchmarkResult]:
    """Measure both protocol eras, with a static token that the gateway verifies at every call."""
    with Simulator(str(ROOT / "tests" / "parity")) as simulator, serving_empty_tool() as reference_url:
        gateway = ServedGateway(simulator, Path(tempfile.mkdtemp()))
        try:
            fill_history(gateway.dependencies.store)
            caller = make_request_context(history=make_history_context(gateway.dependencies.store, NOW))
            for era, name in ERAS:
                action_ms, tool_ms, reference_ms = asyncio.run(measure_calls(gateway, caller, reference_url, era))
                yield BenchmarkResult(
                    what=f"overhead of one tool call over HTTP, {name}, median of {CALLS}",
                    measured=f"{tool_ms - action_ms:.1f} ms (the action itself: {action_ms:.1f} ms)",
                    reference=f"{reference_ms:.1f} ms: an empty tool on a server of the MCP SDK, no token",
                    ratio=(tool_ms - action_ms) / reference_ms,
                    required=("at most", 2.0),
                )
        finally:
            gateway.close()


async def measure_calls(
    gateway: ServedGateway, caller: RequestContext, reference_url: str, era: Era
) -> tuple[float, float, float]:
    """Return the medians in ms of the action, our tool and the empty tool; the calls alternate, so that load affects them alike."""
    times: tuple[list[float], ...] = ([], [], [])
    async with connected(f"{gateway.url}/mcp", era, gateway.as_ci()) as ours, connected(reference_url, era, {}) as reference:
        for _ in range(CALLS):
            marks = [time.perf_counter()]
            ACTIONS[TOOL].run({}, caller)
            marks.append(time.perf_counter())
            await ours.call_tool(TOOL, {})
            marks.append(time.perf_counter())
            await reference.call_tool(EMPTY_TOOL, {})
            marks.append(time.perf_counter())
            for of_kind, (start, end) in zip(times, pairwise(marks), strict=True):
                of_kind.append(1000 * (end - start))
    action_ms, tool_ms, reference_ms = map(statistics.median, times)
    return action_ms, tool_ms, reference_ms


@asynccontextmanager
async def connected(url: str, era: Era, headers: Mapping[str, str]) -> AsyncIterator[Client]:
    """Connect an MCP client."""
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield client


@contextmanager
def serving_empty_tool() -> Iterator[str]:
    """Serve a tool that does nothing, as the SDK's documentation shows it; yield its URL."""
    mcp: MCPServer[Any] = MCPServer("reference", log_level="ERROR")

    @mcp.tool(name=EMPTY_TOOL)
    def nothing() -> str:
        """Return nothing."""
        return ""

    app = mcp.streamable_http_app(stateless_http=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    listening = bind(0)
    listening.listen(128)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join()
