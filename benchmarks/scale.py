"""A distributed installation of 10,000 components: its sweep against a bare client, two workers against one, its memory, its history.

`python -m benchmarks scale`. Workers are real ones with one child each, on a real PostgreSQL and Valkey; ScaleOps is canned.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.rows import Row
from benchmarks.scale_installation import ROOT, Installation, installed

NAME: Final = "scale"
COMPONENTS: Final = int(os.environ.get("N", "10000"))


def measure() -> Iterator[Row]:
    """Measure everything."""
    with installed(COMPONENTS) as installation:
        yield from measure_rate(installation)


def measure_rate(installation: Installation) -> Iterator[Row]:
    """Sweep with one worker, and make the very same calls with a bare client."""
    installation.steer(record=True)
    swept = installation.sweep_once(COMPONENTS, workers=1)
    calls, recorded = installation.calls()
    installation.steer()
    bare = run_bare(installation, recorded)
    yield Row(
        what=f"{COMPONENTS:,} components, one worker process: calls a second",
        measured=f"{calls / swept.seconds:,.0f} calls/s ({COMPONENTS / swept.seconds:,.0f} components/s, {swept.seconds:.0f} s)",
        reference=f"{calls / bare['seconds']:,.0f} calls/s of a bare client making the same {calls:,} calls",
        ratio=bare["seconds"] / swept.seconds,
        wanted=("at least", 0.6),
    )
    yield Row(
        what=f"{COMPONENTS:,} components, one worker process: CPU",
        measured=f"{1000 * swept.cpu_s / COMPONENTS:.1f} s per 1,000 components",
        reference=f"{1000 * bare['cpu_s'] / COMPONENTS:.1f} s of the bare client",
        ratio=swept.cpu_s / bare["cpu_s"],
    )


def run_bare(installation: Installation, calls: list[dict[str, Any]]) -> dict[str, float]:
    """Make recorded calls with a bare client in a process of its own."""
    file = Path(installation.folder) / "calls.json"
    file.write_text(json.dumps(calls), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.collect_subject", "bare", str(file)]
    settings = json.dumps({"SCALEOPS_BASE_URL": installation.upstream})
    done = subprocess.run(command, cwd=ROOT, input=settings, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
    told: dict[str, float] = json.loads(done.stdout)
    return told
