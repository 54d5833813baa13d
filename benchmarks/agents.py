"""One MCP tool call over HTTP against the plain function call, at no load: what the protocol, the gateway and the client cost together.

`python -m benchmarks agents`. The client shares the process with the gateway, which makes it look rather worse than it is.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from actions.history.context import HistoryContext
from actions.history.definitions import HISTORY_ACTIONS
from benchmarks.rows import Row
from gateway.web import mcp_app
from simulator.serving import Simulator
from tests.integration.remembered import archive_of, remember
from tests.services.gateways import ServedGateway

NAME: Final = "agents"
ROOT: Final = Path(__file__).parent.parent
TOOL: Final = "list_components"
CALLS: Final = 200
ALLOWED_MS: Final = 10.0
ERAS: Final[tuple[tuple[Literal["auto", "legacy"], str], ...]] = (("auto", "messages of 2026"), ("legacy", "handshake of 2025"))


def measure() -> Iterator[Row]:
    """Measure both protocol eras, with a static token to be checked at every call."""
    with Simulator(str(ROOT / "tests" / "parity")) as simulator:
        gateway = ServedGateway(simulator, Path(tempfile.mkdtemp()), sections_of=(mcp_app.sections,))
        try:
            remember(gateway.materials.store)
            plain = _plain_ms(archive_of(gateway.materials.store))
            for era, name in ERAS:
                over_http = asyncio.run(_over_http_ms(gateway, era))
                yield Row(
                    what=f"overhead of one tool call over HTTP, {name}, median of {CALLS}",
                    measured=f"{over_http - plain:.1f} ms",
                    reference=f"{ALLOWED_MS:g} ms allowed (plain function call: {plain:.1f} ms)",
                    ratio=(over_http - plain) / ALLOWED_MS,
                    wanted=("at most", 1.0),
                )
        finally:
            gateway.close()


def _plain_ms(archive: HistoryContext) -> float:
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        HISTORY_ACTIONS[TOOL].ask({}, archive=archive)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


async def _over_http_ms(gateway: ServedGateway, era: Literal["auto", "legacy"]) -> float:
    times = []
    async with (
        httpx2.AsyncClient(headers=gateway.as_ci(), trust_env=False) as http,
        Client(streamable_http_client(f"{gateway.url}/mcp", http_client=http), mode=era) as client,
    ):
        for _ in range(CALLS):
            began = time.perf_counter()
            await client.call_tool(TOOL, {})
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
