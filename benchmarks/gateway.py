"""The proxy against a bare Node pass-through to the same upstream in the same run: requests per second.

`python -m benchmarks gateway`. Needs node and npm (express and node-fetch are installed into
benchmarks/node/node_modules) and wrk; without wrk it uses autocannon, which limits the cached results.
One process per server, 32 connections; the gateway verifies a Backstage user token and writes an audit line for every call.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.results import BenchmarkResult, require_programs
from simulator.backstage_auth import Auth

NAME: Final = "gateway"

ROOT: Final = Path(__file__).parent.parent
NODE: Final = Path(__file__).parent / "node"
TARGET: Final = "/api/scaleops/api/api/v1/networkCost/networkCostEnabled?multiCluster=true"
CONNECTIONS: Final = 32
SECONDS: Final = 4
ROUNDS: Final = 3
START_TIMEOUT_S: Final = 120
SIZES: Final = {"1 KB": 1024, "50 KB": 50 * 1024}
REQUIRED: Final = {"uncached": 1.2, "cached": 3.0}


@dataclass(frozen=True, kw_only=True)
class LoadTarget:
    """A server under load."""

    name: str
    url: str
    headers: Mapping[str, str]


def measure() -> Iterator[BenchmarkResult]:
    """Measure two sizes of response, uncached and cached. Raises CannotMeasure without node and npm."""
    require_programs("node", "npm")
    install_reference()
    for size, length in SIZES.items():
        rates = rates_of(length)
        for name in ("uncached", "cached"):
            yield BenchmarkResult(
                what=f"proxy, {size} of JSON, {name}, token verified",
                measured=f"{rates[name]:,.0f} calls/s",
                reference=f"{rates['node']:,.0f} calls/s: node express + node-fetch, uncached, no token",
                ratio=rates[name] / rates["node"],
                required=("at least", REQUIRED[name]),
            )


def rates_of(length: int) -> Mapping[str, float]:
    """Return the successful calls per second of every server: the median of interleaved rounds."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), length) as targets:
        for target in targets:
            load(target, seconds=1)
        rounds = [{target.name: load(target, seconds=SECONDS) for target in targets} for _ in range(ROUNDS)]
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


@contextmanager
def serving(folder: Path, length: int) -> Iterator[tuple[LoadTarget, ...]]:
    """Start upstream, reference and two gateways; stop them at the end."""
    auth = Auth()
    bodies = {"/api/auth/.well-known/jwks.json": json.dumps({"keys": [auth.users.jwk]}), "*": flags_of(length)}
    (folder / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
    token = {"Authorization": f"Bearer {auth.user_token('user:default/bench', now=int(time.time()), lifetime_s=7200)}"}
    upstream, node, uncached, cached = free_ports(4)
    with ExitStack() as stack:
        start(stack, [sys.executable, "-m", "benchmarks.gateway_upstream", str(upstream), str(folder / "bodies.json")])
        start(stack, ["node", str(NODE / "reference.mjs"), str(node), f"http://127.0.0.1:{upstream}"], {"NODE_ENV": "production"})
        for port, ttl in ((uncached, "0"), (cached, "30")):
            settings = {
                "SCALEOPS_BASE_URL": f"http://127.0.0.1:{upstream}",
                "BACKSTAGE_BASE_URL": f"http://127.0.0.1:{upstream}",
                "SCALEOPS_MAX_CONCURRENCY": "64",
                "GATEWAY_PORT": str(port),
                "GATEWAY_CACHE_TTL_S": ttl,
                "GATEWAY_RATE_LIMIT": "1000000/s",
                "LOG_FORMAT": "json",
            }
            start(stack, [sys.executable, "-m", "benchmarks.gateway_process", str(folder)], settings)
        targets = (
            LoadTarget(name="node", url=f"http://127.0.0.1:{node}{TARGET}", headers={}),
            LoadTarget(name="uncached", url=f"http://127.0.0.1:{uncached}{TARGET}", headers=token),
            LoadTarget(name="cached", url=f"http://127.0.0.1:{cached}{TARGET}", headers=token),
        )
        for target in targets:
            await_response(target, bodies["*"])
        yield targets


def flags_of(length: int) -> str:
    """Return a map of clusters as about this many bytes of JSON."""
    flags: dict[str, bool] = {}
    body = ""
    while len(body) < length:
        flags[f"cluster-of-the-benchmark-{len(flags):05}"] = True
        body = json.dumps({"networkCostEnabled": flags}, separators=(",", ":")) if len(flags) % 16 == 0 else body
    return body


def load(target: LoadTarget, *, seconds: int) -> float:
    """Load a server over all connections and return its successful calls per second."""
    headers = [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, target.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
        if "Non-2xx" in output:
            message = f"{target.name} returned errors: {output}"
            raise RuntimeError(message)
        found = re.search(r"Requests/sec:\s+([\d.]+)", output)
        return float(found[1]) if found else 0.0
    command = [str(NODE / "node_modules/.bin/autocannon"), "-j", "-c", str(CONNECTIONS), "-d", str(seconds), *headers, target.url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
    rate: float = json.loads(output)["requests"]["average"]
    return rate


def await_response(target: LoadTarget, expected: str) -> None:
    """Wait until a server is up, and check its response byte for byte."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            response = httpx.get(target.url, headers=target.headers, trust_env=False)
            break
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    if response.text != expected:
        message = f"{target.name} does not return upstream's body: {response.status_code} {response.text[:200]}"
        raise RuntimeError(message)


def start(stack: ExitStack, command: list[str], more: Mapping[str, str] | None = None) -> None:
    """Start a process and stop it with the stack."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(more or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 - our own command
    stack.callback(process.wait)
    stack.callback(process.send_signal, signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    """Return ports that are free at the moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def install_reference() -> None:
    """Install express and node-fetch for the reference, once."""
    if not (NODE / "node_modules/express").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(command, cwd=NODE, check=True)  # noqa: S603 - our own command
