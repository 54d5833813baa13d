"""What stands around every answer, and the few words they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from actions.live.outputs import figure
from actions.live.upstream import ComponentWorkloads
from actions.ports import DashboardLink
from domain.component import Component
from domain.workload import WorkloadKey


@dataclass(frozen=True, kw_only=True)
class OutputContext:
    """What stands around every answer."""

    component: Component
    as_of: datetime
    currency: str
    link: DashboardLink

    def link_to(self, key: WorkloadKey, claim: ComponentWorkloads) -> str | None:
        """Answer the address of a workload in the dashboard."""
        return self.link(key.name, claim.found_by[key])


def sum_known(values: Iterable[Decimal | None]) -> int | float:
    """Add up what is known."""
    return figure(sum((value for value in values if value is not None), Decimal(0)))


def name_of(key: WorkloadKey) -> str:
    """Name a workload in a sentence."""
    return f"{key.name} ({key.type} in {key.namespace} on {key.cluster})"


def join_words(words: Sequence[str]) -> str:
    """List words in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
