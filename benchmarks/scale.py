"""A distributed installation of 10,000 components: its sweep against a bare client, two workers against one, its memory, its history.

`python -m benchmarks scale`. Workers are real ones with one child each, on a real PostgreSQL and Valkey; ScaleOps is canned.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.rows import Row
from benchmarks.scale_history import measure_history, sqlite_url
from benchmarks.scale_installation import ROOT, Installation, installed

NAME: Final = "scale"
COMPONENTS: Final = 10_000
ROOMS_COMPONENTS: Final = 1_000
LATENCY_MS: Final = 200
SLOW_COMPONENTS: Final = 400
SMALL_SWEEP: Final = 300
SWEEPS: Final = 10
EARLY: Final = 3


def measure() -> Iterator[Row]:
    """Measure everything."""
    with installed(COMPONENTS) as installation:
        yield from measure_rate(installation)
        yield from measure_rooms(installation)
        yield from measure_two_workers(installation)
        yield from measure_memory(installation)
        yield from measure_history(installation.fresh_database(), COMPONENTS)
    with tempfile.TemporaryDirectory() as folder:
        yield from measure_history(sqlite_url(Path(folder)), COMPONENTS)


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


def measure_rooms(installation: Installation) -> Iterator[Row]:
    """Sweep with doors between the rooms, and tell what each used."""
    file = installation.folder / "rooms.json"
    command = ("-m", "benchmarks.scale_worker", json.dumps({"rooms": str(file)}))
    installation.steer()
    took = installation.sweep_once(ROOMS_COMPONENTS, workers=1, command=command)
    used: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    for room, seconds in sorted(used.items(), key=lambda one: -one[1]):
        yield Row(
            what=f"CPU in the room {room}",
            measured=f"{1000 * seconds / ROOMS_COMPONENTS:.2f} s per 1,000 components",
            reference=f"{1000 * took.cpu_s / ROOMS_COMPONENTS:.2f} s in all rooms, with the cost of measuring",
            ratio=seconds / took.cpu_s,
        )


def measure_two_workers(installation: Installation) -> Iterator[Row]:
    """Sweep with one worker and with two while upstream is slow."""
    installation.steer(latency_ms=LATENCY_MS)
    one, two = (installation.sweep_once(SLOW_COMPONENTS, workers=workers) for workers in (1, 2))
    installation.steer()
    yield Row(
        what=f"{SLOW_COMPONENTS} components, {LATENCY_MS} ms latency, two workers of one process each",
        measured=f"{SLOW_COMPONENTS / two.seconds:.1f} components/s",
        reference=f"{SLOW_COMPONENTS / one.seconds:.1f} components/s of one worker",
        ratio=one.seconds / two.seconds,
        wanted=("at least", 1.7),
    )


def measure_memory(installation: Installation) -> Iterator[Row]:
    """Let one child measure sweep after sweep, each in a slot of its own, and look at its memory."""
    resident = installation.resident_after_sweeps(SMALL_SWEEP, sweeps=SWEEPS)
    early, late = resident[EARLY - 1], resident[-1]
    yield Row(
        what=f"resident memory of one child after sweep {SWEEPS} of {SMALL_SWEEP} components",
        measured=f"{late:.1f} MiB",
        reference=f"{early:.1f} MiB after sweep {EARLY}",
        ratio=late / early,
        wanted=("at most", 1.1),
    )
