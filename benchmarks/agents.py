"""One MCP tool call over HTTP without load, and the start on stdio, against an empty tool on a plain server of the MCP SDK.

`python -m benchmarks agents`. The client of the calls shares the process with both servers; what the action itself takes is subtracted.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

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
STARTS: Final = 7
REFERENCE_SERVER: Final = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("reference", log_level="ERROR")
@server.tool()
def nothing() -> str:
    return ""
server.run("stdio")
"""
Era = Literal["auto", "legacy"]
ERAS: Final[tuple[tuple[Era, str], ...]] = (("auto", "messages of 2026"), ("legacy", "handshake of 2025"))


def measure() -> Iterator[BenchmarkResult]:
    """Measure calls in both protocol eras, with a static token that the gateway verifies at every call, and the start on stdio."""
    yield from measure_calls_of_both_eras()
    yield measure_start()


def measure_start() -> BenchmarkResult:
    """Measure the CPU time of a process that starts, lists its tools and ends; the starts alternate."""
    program = str(Path(sys.executable).parent / "scaleops-worker")
    pairs = [(cpu_of_start([program, "mcp"]), cpu_of_start([sys.executable, "-c", REFERENCE_SERVER])) for _ in range(STARTS)]
    ours_s, reference_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    return BenchmarkResult(
        what=f"start of `mcp` until its tools are listed, CPU time, median of {STARTS}",
        measured=f"{ours_s:.2f} s",
        reference=f"{reference_s:.2f} s: a server of the MCP SDK with an empty tool",
        ratio=ours_s / reference_s,
        required=("at most", 1.5),
    )


def cpu_of_start(command: list[str]) -> float:
    """Return the CPU seconds of a server on stdio that lists its tools once."""
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}
    messages: list[dict[str, object]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    settings = dict.fromkeys(("SCALEOPS_BASE_URL", "BACKSTAGE_BASE_URL"), "http://127.0.0.1:9")
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        sent, received = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        with received:
            with sent:
                sent.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
                sent.flush()
                listed = [json.loads(received.readline()) for _ in range(2)][-1]
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
    if not listed["result"]["tools"]:
        message = f"{command[0]} lists no tools"
        raise RuntimeError(message)
    return usage.ru_utime + usage.ru_stime


def measure_calls_of_both_eras() -> Iterator[BenchmarkResult]:
    """Measure one call over HTTP."""
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
