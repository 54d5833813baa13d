"""`make conformance`: the protocol's test suite against the gateway, then its inspector lists and calls every tool on both transports."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from starlette.routing import Route

from gateway.web.mcp_app import McpApp
from simulator.credentials import BACKSTAGE_TOKEN
from simulator.serving import Simulator
from tests.conformance.fixtures import add_fixtures
from tests.integration.history_sample import fill_history
from tests.services.gateways import ServedGateway

ROOT: Final = Path(__file__).parents[2]
BIN: Final = ROOT / ".conformance" / "node_modules" / ".bin"
BASELINE: Final = Path(__file__).parent / "baseline.yml"
LIVE: Final = {"entityRef": "component:default/orders-000"}
CALLS: Final[dict[str, dict[str, Any]]] = {
    "get_scaleops_data_for_entity": LIVE,
    "get_scaleops_cost_analysis_for_entity": {**LIVE, "range": "30d"},
    "get_scaleops_recommendations_for_entity": LIVE,
    "get_scaleops_network_usage_for_entity": {**LIVE, "timeRangeHours": 24},
    "get_scaleops_policy_definitions_for_entity": LIVE,
    "list_components": {"owner": "payments"},
    "get_cost_trend": {"entityRef": "group:default/payments", "weeks": 104},
    "compare_weeks": {"entityRef": "group:default/payments", "week": "2026-W47"},
    "explain_cost_change": {"entityRef": "group:default/payments", "week": "2026-W47"},
    "get_team_report": {"team": "payments"},
    "list_recommendations": {"team": "payments"},
    "list_alerts": {},
    "get_unallocated_cost": {"weeks": 4},
    "explain_delivery": {"about": "payments", "week": "2026-W47"},
}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="conformance-") as temporary, Simulator(str(ROOT / "tests" / "parity")) as simulator:
        folder = Path(temporary)
        gateway = ServedGateway(simulator, folder, gateway_auth="none", gateway_tokens=None)
        mcp = next(route.app for route in gateway.app.web.routes if isinstance(route, Route) and isinstance(route.app, McpApp))
        add_fixtures(mcp.server)
        try:
            fill_history(gateway.dependencies.store)
            suite_options = ("--suite", "all", "--expected-failures", BASELINE, "-o", folder)
            suite = _run("conformance", "server", "--url", f"{gateway.url}/mcp", *suite_options)
            over_http = _inspect("http", [f"{gateway.url}/mcp", "--transport", "http"])
            program = str(Path(sys.executable).parent / "scaleops-worker")
            over_stdio = _inspect("stdio", [*_environment(gateway, folder), program, "mcp"])
        finally:
            gateway.close()
    return 0 if suite and over_http and over_stdio else 1


def _run(*command: str | Path) -> bool:
    return subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, env=_with_node(), check=False).returncode == 0


def _inspect(transport: str, server: list[str]) -> bool:
    listed = _run_inspector(server, "tools/list")
    names = {tool["name"] for tool in json.loads(listed.stdout or "{}").get("tools", [])}
    failed = {name: "not listed" for name in CALLS if name not in names}
    for name, arguments in CALLS.items():
        called = _run_inspector(server, "tools/call", "--tool-name", name, *_flags(arguments))
        if called.returncode != 0:
            failed.setdefault(name, called.stdout[-500:] + called.stderr[-500:])
    lines = [f"inspector over {transport}: {len(CALLS) - len(failed)} of {len(CALLS)} tools listed and called"]
    lines += [f"  {name}: {reason}" for name, reason in failed.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    return not failed


def _run_inspector(server: list[str], method: str, *more: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [BIN / "mcp-inspector", "--cli", *server, "--method", method, *more]
    return subprocess.run(command, cwd=ROOT, env=_with_node(), capture_output=True, text=True, check=False, timeout=120)


def _flags(arguments: dict[str, Any]) -> list[str]:
    return [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]


def _with_node() -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def _environment(gateway: ServedGateway, folder: Path) -> list[str]:
    world = gateway.simulator.state.world()
    settings = {
        "SCALEOPS_BASE_URL": gateway.simulator.scaleops_url,
        "SCALEOPS_USER": world.scaleops_user,
        "SCALEOPS_PASSWORD": world.scaleops_password,
        "BACKSTAGE_BASE_URL": gateway.simulator.backstage_url,
        "BACKSTAGE_TOKEN": BACKSTAGE_TOKEN,
        "DATABASE_URL": f"sqlite:///{folder / 'gateway.db'}",
    }
    return [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]


if __name__ == "__main__":
    sys.exit(main())
