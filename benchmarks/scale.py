"""A deployment with thousands of components: its sweep with bulk responses and without, two workers against one, memory, history.

`python -m benchmarks scale`. Real workers with one child each, on PostgreSQL and Valkey; ScaleOps returns static responses.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.results import BenchmarkResult
from benchmarks.scale_deployment import ROOT, BenchmarkDeployment, deployed
from benchmarks.scale_history import measure_history, sqlite_url

NAME: Final = "scale"
COMPONENTS: Final = 10_000
RATE_COMPONENTS: Final = 5_000
SQLITE_COMPONENTS: Final = 2_500
"""Of an installation on one machine."""
PROFILED_COMPONENTS: Final = 1_000
LATENCY_MS: Final = 200
SLOW_COMPONENTS: Final = 1_600
"""Four chunks."""
SMALL_SWEEP: Final = 300
SWEEPS: Final = 10
EARLY: Final = 3


def measure() -> Iterator[BenchmarkResult]:
    """Measure everything."""
    with deployed(COMPONENTS) as deployment:
        yield from measure_rate(deployment)
        yield from measure_packages(deployment)
        yield from measure_two_workers(deployment)
        yield from measure_memory(deployment)
        yield from measure_history(deployment.fresh_database(), COMPONENTS)
    with tempfile.TemporaryDirectory() as folder:
        yield from measure_history(sqlite_url(Path(folder)), SQLITE_COMPONENTS)


def measure_rate(deployment: BenchmarkDeployment) -> Iterator[BenchmarkResult]:
    """Sweep with one worker as before bulk responses, then the next slot with them, and make the latter's calls with a bare client."""
    sweeps = deployment.sweep_slots(RATE_COMPONENTS, {"SCALEOPS_BULK": "off"}, {})
    deployment.control()
    before = next(sweeps)
    calls_before, _ = deployment.calls()
    deployment.control(record=True)
    swept = next(sweeps)
    calls, recorded = deployment.calls()
    deployment.control()
    bare = run_bare(deployment, recorded)
    what = f"{RATE_COMPONENTS:,} components, one worker process"
    yield BenchmarkResult(
        what=f"{what}: speed",
        measured=f"{RATE_COMPONENTS / swept.seconds:,.0f} components/s, {calls / RATE_COMPONENTS:.1f} calls each",
        reference=f"{RATE_COMPONENTS / before.seconds:,.0f} components/s without bulk responses and with every network, "
        f"{calls_before / RATE_COMPONENTS:.1f} calls each",
        ratio=before.seconds / swept.seconds,
        required=("at least", 2.0),
    )
    yield BenchmarkResult(
        what=f"{what}: CPU",
        measured=f"{1000 * swept.cpu_s / RATE_COMPONENTS:.1f} s per 1,000 components",
        reference=f"{1000 * before.cpu_s / RATE_COMPONENTS:.1f} s without bulk responses and with every network",
        ratio=swept.cpu_s / before.cpu_s,
    )
    yield BenchmarkResult(
        what=f"{what}: CPU",
        measured=f"{1000 * swept.cpu_s / RATE_COMPONENTS:.1f} s per 1,000 components",
        reference=f"{1000 * bare['cpu_s'] / RATE_COMPONENTS:.1f} s of a bare client making the same calls",
        ratio=swept.cpu_s / bare["cpu_s"],
    )


def run_bare(deployment: BenchmarkDeployment, calls: list[dict[str, Any]]) -> dict[str, float]:
    """Make recorded calls with a bare client in its own process."""
    file = Path(deployment.folder) / "calls.json"
    file.write_text(json.dumps(calls), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.collect_process", "bare", str(file)]
    settings = json.dumps({"SCALEOPS_BASE_URL": deployment.upstream})
    done = subprocess.run(command, cwd=ROOT, input=settings, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
    usage: dict[str, float] = json.loads(done.stdout)
    return usage


def measure_packages(deployment: BenchmarkDeployment) -> Iterator[BenchmarkResult]:
    """Sweep with instrumented packages, and report the CPU time of each in a sweep that is not the first."""
    file = deployment.folder / "packages.json"
    deployment.control()
    *_, swept = deployment.sweep_slots(PROFILED_COMPONENTS, {}, {}, packages=str(file))
    used: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    for package, seconds in sorted(used.items(), key=lambda item: -item[1]):
        yield BenchmarkResult(
            what=f"CPU of {package}",
            measured=f"{1000 * seconds / PROFILED_COMPONENTS:.2f} s per 1,000 components",
            reference=f"{1000 * swept.cpu_s / PROFILED_COMPONENTS:.2f} s of all packages, with the cost of measuring",
            ratio=seconds / swept.cpu_s,
        )


def measure_two_workers(deployment: BenchmarkDeployment) -> Iterator[BenchmarkResult]:
    """Sweep with one worker and with two, with a slow upstream."""
    deployment.control(latency_ms=LATENCY_MS)
    one, two = (deployment.sweep_once(SLOW_COMPONENTS, workers=workers) for workers in (1, 2))
    deployment.control()
    yield BenchmarkResult(
        what=f"{SLOW_COMPONENTS} components, {LATENCY_MS} ms latency, two workers of one process each",
        measured=f"{SLOW_COMPONENTS / two.seconds:.1f} components/s",
        reference=f"{SLOW_COMPONENTS / one.seconds:.1f} components/s of one worker",
        ratio=one.seconds / two.seconds,
        required=("at least", 1.7),
    )


def measure_memory(deployment: BenchmarkDeployment) -> Iterator[BenchmarkResult]:
    """Run one child through several sweeps, each in its own slot, and compare its memory."""
    resident = deployment.resident_after_sweeps(SMALL_SWEEP, sweeps=SWEEPS)
    early, late = resident[EARLY - 1], resident[-1]
    yield BenchmarkResult(
        what=f"resident memory of one child after sweep {SWEEPS} of {SMALL_SWEEP} components",
        measured=f"{late:.1f} MiB",
        reference=f"{early:.1f} MiB after sweep {EARLY}",
        ratio=late / early,
        required=("at most", 1.1),
    )
