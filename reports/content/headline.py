"""The first screen of a report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reports.content.values import Amount, ContentModel, Money, Share


class ChangePart(ContentModel):
    """One part of a change: its workloads, and their contribution to the difference of the totals."""

    workloads: int
    amount: Money


class HeadlineChange(ContentModel):
    """Cost change against the closing snapshot a week before. The seven parts add up to the difference of the totals."""

    currency: str
    period: Literal["7 days"] = "7 days"
    then_as_of: datetime
    now_as_of: datetime
    cost_then: Amount
    like_for_like: ChangePart
    share: Share | None
    """Like-for-like change as a fraction of its cost then; None if that is no base for a percentage."""
    added: ChangePart
    removed: ChangePart
    ramping_in: ChangePart
    """Workloads that ran for only a part of the week before."""
    ramping_out: ChangePart
    """Workloads that stopped, and are still listed."""
    changed_owner: ChangePart
    """Workloads that came from or went to another owner."""
    not_comparable: ChangePart

    @property
    def parts(self) -> tuple[tuple[str, ChangePart], ...]:
        """The parts that are not like for like, with their labels."""
        return (
            ("Added", self.added),
            ("Removed", self.removed),
            ("Ramping in", self.ramping_in),
            ("Ramping out", self.ramping_out),
            ("Moved between owners", self.changed_owner),
            ("Not comparable", self.not_comparable),
        )


class Budget(ContentModel):
    """Cost of a month so far, or of a whole one, against the monthly budget."""

    currency: str
    month: str
    """As `2026-11`."""
    is_finished: bool
    spent: Money | None
    """None: it is a range, or unknown."""
    spent_at_least: Money | None
    """What was measured; None: nothing was."""
    spent_at_most: Money | None
    """With the highest cost measured this month for what was not measured; None: not known."""
    reason: str
    """Why it is not exact; empty when it is."""
    monthly_budget: Money | None
    known_days: int
    days: int


class Headline(ContentModel):
    """The first screen: missing data, the change, what to do."""

    missing: tuple[str, ...]
    changed: str
    todo: str
    cost: Amount
    change: HeadlineChange | None
    no_change_reason: str
    """Why there is no comparison; empty if there is one."""
    savings_available: Amount
    savings_realised: Amount
    month_to_date: Budget | None
    finished_month: Budget | None
    """The month that ended in this week."""
    components: int
    components_measured: int
    claimed_twice: int
