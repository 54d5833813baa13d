"""The sections about cost: trend and movers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reports.content.values import Amount, ComponentName, ContentModel, Money, Share, WorkloadName


class TrendWeek(ContentModel):
    """One bar of the chart."""

    week: str
    cost: Amount


class Trend(ContentModel):
    """Closing cost per week, oldest first, ending with this week."""

    kind: Literal["trend"] = "trend"
    weeks: tuple[TrendWeek, ...]


class Mover(ContentModel):
    """A workload whose cost changed. `then` or `now` is None if unknown or if the workload did not exist."""

    workload: WorkloadName
    components: tuple[ComponentName, ...]
    then: Money | None
    now: Money | None
    amount: Money
    share: Share | None
    other_owner: str = ""
    """Reference of the owner that it came from or went to."""


class Movers(ContentModel):
    """Workloads that changed the cost, largest first. Complete; a rendering shows as many as fit."""

    kind: Literal["movers"] = "movers"
    currency: str
    period: Literal["7 days"] = "7 days"
    then_as_of: datetime
    now_as_of: datetime
    moved: tuple[Mover, ...]
    added: tuple[Mover, ...]
    removed: tuple[Mover, ...]
    ramping_in: tuple[Mover, ...]
    ramping_out: tuple[Mover, ...]
    changed_owner: tuple[Mover, ...]
    not_comparable: int
    components_unknown: int = 0
    """Components that could not be measured in one of the two weeks."""

    @property
    def groups(self) -> tuple[tuple[str, tuple[Mover, ...]], ...]:
        """All movers by kind; those of both weeks, like for like, have no label."""
        return (
            ("", self.moved),
            ("added", self.added),
            ("removed", self.removed),
            ("ramping in", self.ramping_in),
            ("ramping out", self.ramping_out),
            ("moved", self.changed_owner),
        )
