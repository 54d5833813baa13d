"""`python -m benchmarks [NAME ...]`: every benchmark that there is, or those named, in one table of ratios.

Answers 1 when a ratio is worse than was asked. A benchmark whose tools are missing is skipped with a sentence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.rows import CannotMeasure, Row

_RATIO_PLACES: Final = 2


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One module of this package that measures."""

    name: str
    measure: Callable[[], Iterator[Row]]


def main() -> int:
    """Measure and print."""
    found = find_benchmarks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios against a reference.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(sorted(found))}; all when left out")
    names = parser.parse_args().names or sorted(found)
    unknown = sorted(set(names) - set(found))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(sorted(found))}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table("benchmark", "what", "measured", "reference of the same run", "ratio", "asked")
    missed = 0
    for name in names:
        console.print(f"measuring {name} ...", style="dim")
        try:
            for row in found[name].measure():
                missed += not row.is_met
                table.add_row(name, row.what, row.measured, row.reference, f"{row.ratio:.{_RATIO_PLACES}f} x", in_words(row))
        except CannotMeasure as reason:
            console.print(f"{name} was skipped: it {reason}", style="yellow")
    console.print(table)
    return 1 if missed else 0


def find_benchmarks() -> dict[str, Benchmark]:
    """Answer the benchmarks by name: modules of this package with a NAME and a measure()."""
    modules = [
        import_module(f"{benchmarks.__name__}.{each.name}")
        for each in iter_modules(benchmarks.__path__)
        if each.name != "__main__"
    ]
    measuring = [module for module in modules if hasattr(module, "NAME") and hasattr(module, "measure")]
    return {module.NAME: Benchmark(name=module.NAME, measure=module.measure) for module in measuring}


def in_words(row: Row) -> str:
    """Say what was asked of a ratio, and whether it is so."""
    if row.wanted is None:
        return ""
    bound, limit = row.wanted
    return f"{bound} {limit:g} x: {'met' if row.is_met else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main())
