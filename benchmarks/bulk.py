"""A hundred thousand workloads: a watch sweep over them, and the inventory and bulk costs of a full sweep.

`python -m benchmarks bulk`. Each in a process of its own, on SQLite; ScaleOps returns static responses.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.process_memory import require_proc
from benchmarks.results import BenchmarkResult
from benchmarks.scale_deployment import ROOT, serving_upstream

NAME: Final = "bulk"
COMPONENTS: Final = 28_572
"""With 3.5 workloads each."""
MAX_CPU_S: Final = 60
MAX_MIB: Final = 600
WHAT: Final = {"watch": "a watch sweep", "inventory": "inventory and bulk costs of a full sweep"}


def measure() -> Iterator[BenchmarkResult]:
    """Measure both."""
    require_proc()
    with tempfile.TemporaryDirectory() as folder, serving_upstream(COMPONENTS) as upstream:
        catalog = Path(folder) / "catalog.yaml"
        catalog.touch()
        settings = {
            "SCALEOPS_BASE_URL": upstream,
            "SCALEOPS_TOKEN": "a-token-of-the-benchmark",
            "BACKSTAGE_CATALOG_FILE": str(catalog),
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        }
        run("fill", settings)
        for name, what in WHAT.items():
            used = run(name, settings)
            rows = int(used["rows"])
            yield BenchmarkResult(
                what=f"{what}, {rows:,} workloads: CPU",
                measured=f"{used['cpu_s']:.1f} s ({rows / used['cpu_s']:,.0f} rows/s)",
                reference=f"{MAX_CPU_S} s allowed",
                ratio=used["cpu_s"] / MAX_CPU_S,
                required=("at most", 1.0),
            )
            yield BenchmarkResult(
                what=f"{what}, {rows:,} workloads: memory",
                measured=f"{used['mib']:.0f} MiB at its peak",
                reference=f"{MAX_MIB} MiB allowed",
                ratio=used["mib"] / MAX_MIB,
                required=("at most", 1.0),
            )


def run(what: str, settings: dict[str, str]) -> dict[str, float]:
    """Run one task of `bulk_process`."""
    command = [sys.executable, "-m", "benchmarks.bulk_process", what, str(COMPONENTS)]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(settings), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
    used: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return used
