"""Serves the gateway on loopback, in front of the simulator, and has Schemathesis send it generated requests.

Usage: python -m tests.fuzz [--quick] [--examples N] [--seed N]. Exit status: that of Schemathesis, 0 if every response was as described and none
a server error.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.web.openapi import OPENAPI_PATH
from simulator.serving import Simulator
from tests.integration.history_sample import NOW, fill_history
from tests.services.gateways import STATIC_TOKEN, ServedGateway
from tests.services.simulated import PARITY_FOLDER

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)


_QUICK_EXAMPLES = 8
KNOWN = {
    "entityRef": ["component:default/checkout", "component:default/finder", "group:default/payments"],
    "team": ["payments", "search", "~platform", "group:default/payments"],
    "week": ["2026-W47", "2026-W46", "2026-10", "2026-W99"],
    "kind": ["component", "group"],
    "namespace": ["default", "shop"],
    "name": ["checkout", "finder", "payments", "api"],
    "about": ["component:default/checkout", "report:weekly:group:default/payments:2026-W47"],
    "alert": ["under-provisioned/component:default/checkout"],
    "label": [["app=checkout"], ["app in (a, b)"]],
    "labels": [["app=checkout"], ["app notin (a)"]],
}
"""Values that mean something to this gateway: half of what is generated for a parameter or property of the name."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="requests that are generated for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a few requests for each operation, without the systematic ones")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder, Simulator(str(PARITY_FOLDER)) as simulator:
        simulator.state.clock.set(NOW)
        gateway = ServedGateway(simulator, Path(folder), gateway_extra_routes=("GET /api/v1/policies?name",))
        try:
            fill_history(gateway.dependencies.store)
            document = gateway.client.get(OPENAPI_PATH, headers=gateway.as_ci()).json()
            description = Path(folder) / "openapi.json"
            description.write_text(json.dumps(with_known_values(document)), encoding="utf-8")
            return send_requests(description, gateway.url, arguments)
        finally:
            gateway.close()


def with_known_values(node: Any) -> Any:
    """Return a description, or a part of it, whose schemas offer the known values too."""
    if isinstance(node, list):
        return [with_known_values(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: with_known_values(value) for key, value in node.items()}
    if "in" in found and found.get("name") in KNOWN:
        return {**found, "schema": {"anyOf": [{"enum": KNOWN[found["name"]]}, found["schema"]]}}
    properties = found.get("properties")
    if found.get("type") == "object" and isinstance(properties, dict):
        offered = {name: {"anyOf": [{"enum": KNOWN[name]}, one]} if name in KNOWN else one for name, one in properties.items()}
        return {**found, "properties": offered}
    return found


def send_requests(description: Path, url: str, arguments: argparse.Namespace) -> int:
    options: dict[str, object] = {
        "--url": url,
        "--header": f"Authorization: Bearer {STATIC_TOKEN}",
        "--checks": ",".join(CHECKS),
        "--phases": "fuzzing" if arguments.quick else "examples,coverage,fuzzing",
        "--max-examples": _QUICK_EXAMPLES if arguments.quick else arguments.examples,
        "--seed": arguments.seed,
        "--generation-database": "none",
        "--request-timeout": 30,
        "--warnings": "off",
    }
    written = [str(part) for option in options.items() for part in option]
    command = [str(SCHEMATHESIS), "run", str(description), *written, "--continue-on-failure"]
    return subprocess.run(command, cwd=description.parent, check=False).returncode  # it keeps files in its folder


if __name__ == "__main__":
    sys.exit(main())
