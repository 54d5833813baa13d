"""The proxy against a bare Node pass-through that serves the same upstream in the same run: requests a second, as ratios.

`python -m benchmarks gateway`. Needs node and npm (express and node-fetch are installed into
benchmarks/node/node_modules) and wrk; without wrk the load comes from autocannon, which is itself a limit for the cached rows.
One process each, 32 connections; the gateway verifies a Backstage user token and writes an audit line for every call.
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

from benchmarks.rows import Row, require_programs
from simulator.backstage_auth import Auth

NAME: Final = "gateway"

ROOT: Final = Path(__file__).parent.parent
NODE: Final = Path(__file__).parent / "node"
TARGET: Final = "/api/scaleops/api/api/v1/networkCost/networkCostEnabled?multiCluster=true"
CONNECTIONS: Final = 32
SECONDS: Final = 4
ROUNDS: Final = 3
SIZES: Final = {"1 KB": 1024, "50 KB": 50 * 1024}
WANTED: Final = {("1 KB", "uncached"): 1.2, ("50 KB", "uncached"): 1.2, ("1 KB", "cached"): 3.0, ("50 KB", "cached"): 5.0}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A server to be loaded."""

    name: str
    url: str
    headers: Mapping[str, str]


def measure() -> Iterator[Row]:
    """Measure both sizes of answer, uncached and cached. Raises CannotMeasure without node and npm."""
    require_programs("node", "npm")
    install_reference()
    for size, length in SIZES.items():
        rates = rates_of(length)
        for name in ("uncached", "cached"):
            yield Row(
                what=f"proxy, {size} of JSON, {name}, token verified",
                measured=f"{rates[name]:,.0f} calls/s",
                reference=f"{rates['node']:,.0f} calls/s: node express + node-fetch, uncached, no token",
                ratio=rates[name] / rates["node"],
                wanted=("at least", WANTED[size, name]),
            )


def rates_of(length: int) -> Mapping[str, float]:
    """Answer the good answers a second of every subject: the median of the rounds, which take turns."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), length) as subjects:
        for subject in subjects:
            load(subject, seconds=1)
        rounds = [{subject.name: load(subject, seconds=SECONDS) for subject in subjects} for _ in range(ROUNDS)]
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


@contextmanager
def serving(folder: Path, length: int) -> Iterator[tuple[Subject, ...]]:
    """Start upstream, reference and two gateways, and stop them at the end."""
    auth = Auth()
    answers = {"/api/auth/.well-known/jwks.json": json.dumps({"keys": [auth.users.jwk]}), "*": flags_of(length)}
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    token = {"Authorization": f"Bearer {auth.user_token('user:default/bench', now=int(time.time()), lifetime_s=7200)}"}
    upstream, node, uncached, cached = free_ports(4)
    with ExitStack() as started:
        start(started, [sys.executable, "-m", "benchmarks.gateway_upstream", str(upstream), str(folder / "answers.json")])
        start(
            started, ["node", str(NODE / "reference.mjs"), str(node), f"http://127.0.0.1:{upstream}"], {"NODE_ENV": "production"}
        )
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
            start(started, [sys.executable, "-m", "benchmarks.gateway_subject", str(folder)], settings)
        subjects = (
            Subject(name="node", url=f"http://127.0.0.1:{node}{TARGET}", headers={}),
            Subject(name="uncached", url=f"http://127.0.0.1:{uncached}{TARGET}", headers=token),
            Subject(name="cached", url=f"http://127.0.0.1:{cached}{TARGET}", headers=token),
        )
        for subject in subjects:
            await_answer(subject, answers["*"])
        yield subjects


def flags_of(length: int) -> str:
    """Answer a map of clusters that is about so many bytes of JSON."""
    flags: dict[str, bool] = {}
    body = ""
    while len(body) < length:
        flags[f"cluster-of-the-benchmark-{len(flags):05}"] = True
        body = json.dumps({"networkCostEnabled": flags}, separators=(",", ":")) if len(flags) % 16 == 0 else body
    return body


def load(subject: Subject, *, seconds: int) -> float:
    """Load a server over all connections, and answer its good answers a second."""
    headers = [part for name, value in subject.headers.items() for part in ("-H", f"{name}: {value}")]
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, subject.url]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
        if "Non-2xx" in told:
            message = f"{subject.name} answered with errors: {told}"
            raise RuntimeError(message)
        found = re.search(r"Requests/sec:\s+([\d.]+)", told)
        return float(found[1]) if found else 0.0
    command = [
        str(NODE / "node_modules/.bin/autocannon"),
        "-j",
        "-c",
        str(CONNECTIONS),
        "-d",
        str(seconds),
        *headers,
        subject.url,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
    rate: float = json.loads(told)["requests"]["average"]
    return rate


def await_answer(subject: Subject, wanted: str) -> None:
    """Wait until a server answers, and check that it answers byte for byte."""
    deadline = time.monotonic() + 30
    while True:
        try:
            answer = httpx.get(subject.url, headers=subject.headers, trust_env=False)
            break
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    if answer.text != wanted:
        message = f"{subject.name} does not answer what upstream does: {answer.status_code} {answer.text[:200]}"
        raise RuntimeError(message)


def start(started: ExitStack, command: list[str], more: Mapping[str, str] | None = None) -> None:
    """Start a process that ends with the stack."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(more or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 - our own command
    started.callback(process.wait)
    started.callback(process.send_signal, signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    """Answer ports that nobody listens on just now."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]


def install_reference() -> None:
    """Install express and node-fetch beside the reference, once."""
    if not (NODE / "node_modules/express").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(command, cwd=NODE, check=True)  # noqa: S603 - our own command
