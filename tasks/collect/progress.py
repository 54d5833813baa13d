"""Progress of a sweep, reported by the stage's main thread. The command line draws it."""

from __future__ import annotations

from typing import Final, Protocol


class Progress(Protocol):
    """Receives the progress of a sweep."""

    def listed(self, components: int) -> None:
        """`components` have been listed so far."""

    def started(self, *, total: int, done: int) -> None:
        """The sweep has `total` components, `done` of which were measured before."""

    def measured(self, *, known: int, unknown: int) -> None:
        """This many more components have an outcome."""


class NoProgress:
    """Ignores all progress."""

    def listed(self, components: int) -> None:
        """Do nothing."""

    def started(self, *, total: int, done: int) -> None:
        """Do nothing."""

    def measured(self, *, known: int, unknown: int) -> None:
        """Do nothing."""


NO_PROGRESS: Final[Progress] = NoProgress()
