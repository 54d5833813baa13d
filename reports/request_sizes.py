"""Requests and recommendations per pod in words, memory first: it is what workloads are killed for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from domain.money import format_cores, format_memory
from reports.formatting import UNKNOWN

ARROW: Final = "\N{RIGHTWARDS ARROW}"


class AdvisedSizes(Protocol):
    """Requests per pod, now and recommended; None: not known."""

    @property
    def cpu_request_millicores(self) -> float | None: ...  # noqa: D102 - named by their unit
    @property
    def cpu_recommended_millicores(self) -> float | None: ...  # noqa: D102
    @property
    def memory_request_bytes(self) -> float | None: ...  # noqa: D102
    @property
    def memory_recommended_bytes(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSize:
    """The request of one resource, now and recommended."""

    label: str
    now: float | None
    recommended: float | None
    format_known: Callable[[float], str]

    @property
    def is_change(self) -> bool:
        """True if both are known, and differ as they are shown."""
        return None not in (self.now, self.recommended) and self.format(self.now) != self.format(self.recommended)

    @property
    def is_rise(self) -> bool:
        """True if more is recommended."""
        return self.now is not None and self.recommended is not None and self.recommended > self.now

    def format(self, size: float | None) -> str:
        """Format a request, or `unknown`."""
        return UNKNOWN if size is None else self.format_known(size)

    @property
    def step(self) -> str:
        """The change as `256 MiB -> 768 MiB per pod` (with an arrow)."""
        return f"{self.format(self.now)} {ARROW} {self.format(self.recommended)} per pod"


def resource_sizes(advised: AdvisedSizes) -> Sequence[ResourceSize]:
    """Return memory, then CPU."""
    return (
        ResourceSize(
            label="memory",
            now=advised.memory_request_bytes,
            recommended=advised.memory_recommended_bytes,
            format_known=format_memory,
        ),
        ResourceSize(
            label="CPU",
            now=advised.cpu_request_millicores,
            recommended=advised.cpu_recommended_millicores,
            format_known=format_cores,
        ),
    )
