"""Collecting against the limit that latency sets, and against a bare client that makes the same calls in the same run.

The limit: calls x latency / calls in flight. Simulator, collect and bare client are processes of their own; latency is set at
the simulator's control desk, which also counts the calls. CPU seconds do not depend on who else uses the machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.collect_subject import IN_FLIGHT
from benchmarks.rows import Row

NAME: Final = "collect"
LATENCY_MS: Final = 50
FEW: Final = 200
MANY: Final = 1000
ROUNDS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Took:
    """What one process took."""

    seconds: float
    cpu_s: float
    peak_mib: float


def measure() -> Iterator[Row]:
    """Measure 200 components against both references, and what 800 more cost in memory."""
    with tempfile.TemporaryDirectory() as folder:
        calls_file = Path(folder) / "calls.json"
        with ExitStack() as running:
            crowd = running.enter_context(simulating(FEW))
            crowd.run("record", calls_file)
            crowd.control("PUT", "latency", {"ms": LATENCY_MS})
            bare, ours = [], []
            for _ in range(ROUNDS):
                bare.append(crowd.run("bare", calls_file))
                crowd.control("DELETE", "calls")
                ours.append(crowd.run("collect", calls_file))
            calls = crowd.calls()
        with simulating(MANY) as crowd:
            many = crowd.run("collect", calls_file)
    best, best_bare = (min(took, key=lambda one: one.seconds) for took in (ours, bare))
    least, least_bare = (min(one.cpu_s for one in took) for took in (ours, bare))
    few_mib = max(one.peak_mib for one in ours)
    limit = calls * LATENCY_MS / 1000 / IN_FLIGHT
    what = f"{FEW} components, {LATENCY_MS} ms, {IN_FLIGHT} in flight"
    yield Row(
        what=f"{what}: time",
        measured=f"{best.seconds:.2f} s",
        reference=f"{limit:.2f} s = {calls} calls x {LATENCY_MS} ms / {IN_FLIGHT}",
        ratio=best.seconds / limit,
        wanted=("at most", 1.2),
    )
    yield Row(
        what=f"{what}: time",
        measured=f"{best.seconds:.2f} s",
        reference=f"{best_bare.seconds:.2f} s of a bare httpx client making the same calls",
        ratio=best.seconds / best_bare.seconds,
    )
    yield Row(
        what=f"{what}: CPU",
        measured=f"{1000 * least / calls:.2f} ms a call",
        reference=f"{1000 * least_bare / calls:.2f} ms a call of the bare client",
        ratio=least / least_bare,
    )
    yield Row(
        what=f"{MANY} components: peak memory",
        measured=f"{many.peak_mib:.0f} MiB",
        reference=f"{few_mib:.0f} MiB with {FEW}",
        ratio=many.peak_mib / few_mib,
        wanted=("at most", 1.5),
    )


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """A running simulator with so many components."""

    url: str
    settings: Mapping[str, str]

    def run(self, what: str, file: Path) -> Took:
        """Run the subject in a process of its own."""
        command = [sys.executable, "-m", "benchmarks.collect_subject", what, str(file)]
        done = subprocess.run(command, input=json.dumps(self.settings), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
        return Took(**json.loads(done.stdout))

    def calls(self) -> int:
        """Count what ScaleOps was asked since the counts were forgotten, logins apart."""
        counts = self.control("GET", "calls")["scaleops"]
        return sum(count for route, count in counts.items() if not route.startswith("POST /auth/"))

    def control(self, method: str, route: str, body: object = None) -> Any:  # noqa: ANN401 - JSON of the control desk
        """Ask the control desk."""
        request = urllib.request.Request(  # noqa: S310 - our own child on loopback
            f"{self.url}/control/{route}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())


@contextmanager
def simulating(components: int) -> Iterator[Crowd]:
    """Run the simulator as a child, on the real clock."""
    command = [sys.executable, "-m", "simulator", "--scenario", f"crowd:{components}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own module
        try:
            told = json.loads(child.stdout.readline() if child.stdout else "")
            yield Crowd(url=told["url"], settings=told["settings"])
        finally:
            child.terminate()
