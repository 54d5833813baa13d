"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named, and print a table of ratios after each.

Exits with 1 when a ratio is worse than required. A benchmark is skipped, with the reason, when a program that it needs is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.results import BenchmarkResult, CannotMeasure

Measure = Callable[[], Iterator[BenchmarkResult]]


def main() -> int:
    """Measure and print; return the exit status."""
    found = find_benchmarks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios to a reference.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"benchmarks to run, default all: {', '.join(sorted(found))}")
    names = parser.parse_args().names or sorted(found)
    unknown = sorted(set(names) - set(found))
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}; known are {', '.join(sorted(found))}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    missed = 0
    for name in names:
        console.print(f"measuring {name} (load {os.getloadavg()[0]:.1f}) ...", style="dim")
        table = Table("benchmark", "what", "measured", "reference of the same run", "ratio", "required")
        try:
            for result in found[name]():
                missed += not result.is_met
                table.add_row(
                    name, result.what, result.measured, result.reference, f"{result.ratio:.2f} x", format_required(result)
                )
        except CannotMeasure as reason:
            console.print(f"{name} was skipped: it {reason}", style="yellow")
        if table.row_count:
            console.print(table)
    return 1 if missed else 0


def find_benchmarks() -> dict[str, Measure]:
    """Return `measure` of every module of this package with a NAME, by name."""
    modules = [
        import_module(f"{benchmarks.__name__}.{info.name}")
        for info in iter_modules(benchmarks.__path__)
        if info.name != "__main__"
    ]
    return {module.NAME: module.measure for module in modules if hasattr(module, "NAME") and hasattr(module, "measure")}


def format_required(result: BenchmarkResult) -> str:
    """Return the required ratio and whether it is met."""
    if result.required is None:
        return ""
    bound, limit = result.required
    return f"{bound} {limit:g} x: {'met' if result.is_met else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main())
