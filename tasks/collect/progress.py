"""How a stage that takes long says how far it is. The command line draws it; everybody else keeps quiet."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by the stage's main thread only."""

    def listed(self, components: int) -> None:
        """So many components were listed so far."""

    def started(self, *, total: int, done: int) -> None:
        """So many components are in the sweep, and so many of them were measured before."""

    def measured(self, *, known: int, unknown: int) -> None:
        """So many more components have an outcome."""


class NoProgress:
    """Says nothing."""

    def listed(self, components: int) -> None:
        """Keep quiet."""

    def started(self, *, total: int, done: int) -> None:
        """Keep quiet."""

    def measured(self, *, known: int, unknown: int) -> None:
        """Keep quiet."""


QUIET: Progress = NoProgress()
