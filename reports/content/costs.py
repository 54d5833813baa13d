"""The sections about cost: its trend, and why it changed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from reports.content.values import Amount, ComponentName, ContentModel, Money, Share


class TrendWeek(ContentModel):
    """One bar of the chart."""

    week: str
    cost: Amount
    events: tuple[str, ...] = ()
    """Alerts that opened in the week, one phrase each."""


class Trend(ContentModel):
    """Closing cost per week, oldest first, ending with this week."""

    kind: Literal["trend"] = "trend"
    weeks: tuple[TrendWeek, ...]
    budget_7d: Money | None = None
    """The part of the monthly budget that falls to a week; None: there is no budget."""


CauseName: TypeAlias = Literal[
    "pods",
    "requests",
    "spot share",
    "unit price",
    "unknown cause",
    "added",
    "removed",
    "ramping in",
    "ramping out",
    "moved",
    "not comparable",
]


class CausePart(ContentModel):
    """The part of a change that has one cause."""

    cause: CauseName
    amount: Money


class MoverPlace(ContentModel):
    """One of the workloads of a mover."""

    cluster: str
    namespace: str
    amount: Money


class Mover(ContentModel):
    """The workloads of one name over clusters and namespaces. The places, and the causes, add up to `amount`."""

    label: str
    """The name to show: with the type where another type has the same name."""
    name: str
    type: str
    components: tuple[ComponentName, ...]
    places: tuple[MoverPlace, ...]
    then: Money | None
    """None: none of them existed."""
    now: Money | None
    amount: Money
    share: Share | None
    causes: tuple[CausePart, ...]
    """Those in the direction of the change first, the largest first."""
    sentence: str
    """What happened, for example `pods x2.5 since Tue 3 Nov`."""
    other_owner: str = ""
    """Reference of the owner that it came from or went to."""


class WhyChanged(ContentModel):
    """Why the cost changed. Amounts are rounded; the causes add up to `amount`, as do the movers with the two sums below them."""

    kind: Literal["why"] = "why"
    currency: str
    period: Literal["7 days"] = "7 days"
    then_as_of: datetime
    now_as_of: datetime
    cost_then: Amount
    cost_now: Amount
    amount: Money
    """Cost now minus then, an unknown one counted as zero."""
    causes: tuple[CausePart, ...]
    movers: tuple[Mover, ...]
    """Largest change first. Complete; a rendering shows as many as fit."""
    small_workloads: int
    """Changed workloads that are not listed, because they moved less than the noise floor."""
    small_amount: Money
    not_comparable: int
    """Workloads whose cost is unknown in one of the weeks."""
    not_comparable_amount: Money
    components_unknown: int
    """Components that could not be measured in one of the two weeks."""
