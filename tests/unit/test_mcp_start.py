"""An agent waits for the start of `scaleops-worker mcp`: what only actions need is not imported for it. Its CPU time: benchmarks/agents.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

ON_DEMAND = (
    "sqlalchemy",
    "alembic",
    "psycopg",
    "aiohttp",
    "httpx",
    "slack_sdk",
    "pdpyras",
    "redis",
    "celery",
    "jinja2",
    "pygal",
    "jwt",
    "opentelemetry.sdk",
    "wiring.otel",
)


@pytest.fixture(scope="module")
def imported() -> set[str]:
    program = "import cli.mcp, mcp_server.server, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("library", ON_DEMAND)
def test_the_start_does_not_import(imported: set[str], library: str) -> None:
    assert "mcp" in imported
    assert library not in imported
