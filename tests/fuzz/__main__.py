"""Serves the gateway on loopback, in front of the simulator, and has Schemathesis send it generated requests.

Usage: python -m tests.fuzz [--examples N] [--seed N]. Exit status: that of Schemathesis, 0 if every response was as described and none
a server error.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="requests that are generated for each operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder, Simulator(str(PARITY_FOLDER)) as simulator:
        simulator.state.clock.set(NOW)
        gateway = ServedGateway(simulator, Path(folder))
        try:
            fill_history(gateway.dependencies.store)
            return send_requests(gateway.url, examples=arguments.examples, seed=arguments.seed)
        finally:
            gateway.close()


def send_requests(url: str, *, examples: int, seed: int) -> int:
    options: dict[str, object] = {
        "--header": f"Authorization: Bearer {STATIC_TOKEN}",
        "--checks": ",".join(CHECKS),
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": examples,
        "--seed": seed,
        "--generation-database": "none",
        "--request-timeout": 30,
    }
    written = [str(part) for option in options.items() for part in option]
    return subprocess.run([SCHEMATHESIS, "run", f"{url}/openapi.json", *written, "--continue-on-failure"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
