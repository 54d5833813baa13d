"""The one form of all benchmarks: a module of this package with a `NAME` and a `measure()` that yields rows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Literal


class CannotMeasure(Exception):
    """A tool that the benchmark needs is not there; the sentence says which."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One ratio: what was measured against a reference of the same run."""

    what: str
    measured: str
    """The value and its unit, for a person."""
    reference: str
    """What it is compared with: the value, its unit and what it is."""
    ratio: float
    wanted: tuple[Literal["at most", "at least"], float] | None = None
    """The ratio that was asked for; None: it is only told."""

    @property
    def is_met(self) -> bool:
        """Whether the ratio is as good as was asked."""
        if self.wanted is None:
            return True
        bound, limit = self.wanted
        return self.ratio <= limit if bound == "at most" else self.ratio >= limit


def require_programs(*names: str) -> None:
    """Check that programs can be found.

    Raises:
        CannotMeasure: naming those that cannot.
    """
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        message = f"needs {' and '.join(missing)}, which this machine does not have"
        raise CannotMeasure(message)
