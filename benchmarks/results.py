"""The form of every benchmark: a module of this package with a `NAME` and a `measure()` that yields results."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Literal


class CannotMeasure(Exception):
    """A program that the benchmark needs is missing; the message names it."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkResult:
    """One measured value and its ratio to a reference of the same run."""

    what: str
    measured: str
    """The value with its unit."""
    reference: str
    """The value, its unit and what it is."""
    ratio: float
    required: tuple[Literal["at most", "at least"], float] | None = None
    """None: the ratio is reported and not judged."""

    @property
    def is_met(self) -> bool:
        """Return True if the ratio is as good as required."""
        if self.required is None:
            return True
        bound, limit = self.required
        return self.ratio <= limit if bound == "at most" else self.ratio >= limit


def require_programs(*names: str) -> None:
    """Raise CannotMeasure, naming the programs that are not on the PATH."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        message = f"needs {' and '.join(missing)}, which this machine does not have"
        raise CannotMeasure(message)
