"""The collect stage against a bare client that makes the same calls in the same run.

Simulator, collect stage and bare client are separate processes; the simulator adds the latency and counts the calls. The speed of a
sweep is reported and not judged.
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

from benchmarks.collect_process import IN_FLIGHT
from benchmarks.results import BenchmarkResult

NAME: Final = "collect"
LATENCY_MS: Final = 50
FEW: Final = 200
MANY: Final = 1000
ROUNDS: Final = 3


@dataclass(frozen=True, kw_only=True)
class ProcessUsage:
    """What one process used."""

    seconds: float
    cpu_s: float
    peak_mib: float


def measure() -> Iterator[BenchmarkResult]:
    """Measure 200 components against the bare client, and the memory of 1,000."""
    with tempfile.TemporaryDirectory() as folder:
        calls_file = Path(folder) / "calls.json"
        with ExitStack() as running:
            simulator = running.enter_context(running_simulator(FEW))
            simulator.run("record", calls_file)
            simulator.control("PUT", "latency", {"ms": LATENCY_MS})
            bare, ours = [], []
            for _ in range(ROUNDS):
                bare.append(simulator.run("bare", calls_file))
                simulator.control("DELETE", "calls")
                ours.append(simulator.run("collect", calls_file))
            calls = simulator.calls()
        with running_simulator(MANY) as simulator:
            many = simulator.run("collect", calls_file)
    best, best_bare = (min(runs, key=lambda run: run.seconds) for runs in (ours, bare))
    least, least_bare = (min(run.cpu_s for run in runs) for runs in (ours, bare))
    few_mib = max(run.peak_mib for run in ours)
    what = f"{FEW} components, {LATENCY_MS} ms, {IN_FLIGHT} in flight"
    yield BenchmarkResult(
        what=f"{what}: speed",
        measured=f"{FEW / best.seconds:.1f} components/s ({calls} calls)",
        reference=f"{FEW / best_bare.seconds:.1f} components/s of a bare httpx client making the same calls",
        ratio=best_bare.seconds / best.seconds,
    )
    yield BenchmarkResult(
        what=f"{what}: CPU",
        measured=f"{1000 * least / calls:.2f} ms a call",
        reference=f"{1000 * least_bare / calls:.2f} ms a call of the bare client",
        ratio=least / least_bare,
    )
    yield BenchmarkResult(
        what=f"{MANY} components: peak memory",
        measured=f"{many.peak_mib:.0f} MiB",
        reference=f"{few_mib:.0f} MiB with {FEW}",
        ratio=many.peak_mib / few_mib,
        required=("at most", 1.5),
    )


@dataclass(frozen=True, kw_only=True)
class SimulatorProcess:
    """A running simulator."""

    url: str
    settings: Mapping[str, str]

    def run(self, what: str, file: Path) -> ProcessUsage:
        """Run one task of `collect_process`."""
        command = [sys.executable, "-m", "benchmarks.collect_process", what, str(file)]
        done = subprocess.run(command, input=json.dumps(self.settings), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
        return ProcessUsage(**json.loads(done.stdout))

    def calls(self) -> int:
        """Return the number of calls to ScaleOps since the counts were reset, without logins."""
        counts = self.control("GET", "calls")["scaleops"]
        return sum(count for route, count in counts.items() if not route.startswith("POST /auth/"))

    def control(self, method: str, route: str, body: object = None) -> Any:  # noqa: ANN401 - JSON of the control API
        """Send a request to the control API."""
        request = urllib.request.Request(  # noqa: S310 - our own child on loopback
            f"{self.url}/control/{route}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            return json.loads(response.read())


@contextmanager
def running_simulator(components: int) -> Iterator[SimulatorProcess]:
    """Run the simulator as a child, on the real clock."""
    command = [sys.executable, "-m", "simulator", "--scenario", f"crowd:{components}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own module
        try:
            ready = json.loads(child.stdout.readline() if child.stdout else "")
            yield SimulatorProcess(url=ready["url"], settings=ready["settings"])
        finally:
            child.terminate()
