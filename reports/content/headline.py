"""The first screen of a report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reports.content.values import Amount, ContentModel, Money, Share, Tone, tone_of


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


class UsualChange(ContentModel):
    """The like-for-like change compared with the team's own last weeks (`domain.usual_range`)."""

    position: Literal["inside", "above", "below", "too early to say", "not comparable"]
    is_noise: bool
    """True if the change is below the noise floor: about the same as the week before."""
    weeks: int
    """Comparable weeks before, of twelve; the usual range takes six."""
    low: Share | None
    high: Share | None
    """The usual range; None with too few weeks."""

    @property
    def is_unusual(self) -> bool:
        """True if the change is above the noise floor and outside the usual range."""
        return self.position in ("above", "below") and not self.is_noise


class Forecast(ContentModel):
    """What the month will have cost at its end (`domain.forecast`)."""

    low: Money
    at_current_rate: Money
    """At the rate of the last seven days; what the budget alert compares."""
    high: Money | None
    is_exact: bool
    """False: `at_current_rate` is a lower bound, because not everything was measured."""
    weeks: int
    """Completely measured weeks whose rates give the range."""


class Budget(ContentModel):
    """Cost of a month so far, or of a whole one, its forecast, and both against the monthly budget."""

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
    budget_by_now: Money | None = None
    """The part of the budget that falls to the days so far; all of it for a finished month."""
    forecast: Forecast | None = None
    """None: the month is over, or nothing was measured that could be forecast."""
    verdict: Literal["", "exceeded", "above", "uncertain", "within"] = ""
    """What the forecast says about the budget; empty without one of them."""
    sentence: str = ""


class HeadlineLine(ContentModel):
    """One labelled line of the first screen; every rendering shows its sentences."""

    label: str
    sentences: tuple[str, ...]
    is_list: bool = False
    """True: each sentence is an item of its own."""


class Headline(ContentModel):
    """The first screen: what the cost is and whether its change is usual, why, the month, what to do first, on call, what is missing."""

    changed: str
    """One sentence; with the title of the report it is the notification of its Slack message."""
    lines: tuple[HeadlineLine, ...] = ()
    usual: UsualChange | None = None
    """None: there is no comparison."""
    missing: tuple[str, ...]
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

    @property
    def like_for_like(self) -> ChangePart | None:
        """The like-for-like change; None: there is no comparison, or no workload existed throughout both weeks."""
        return self.change.like_for_like if self.change is not None and self.change.like_for_like.workloads else None

    @property
    def share(self) -> Share | None:
        """The like-for-like change as a fraction; None without one."""
        return None if self.change is None or self.like_for_like is None else self.change.share

    @property
    def tone(self) -> Tone:
        """The direction of an unusual like-for-like change."""
        like_for_like, is_unusual = self.like_for_like, self.usual is not None and self.usual.is_unusual
        return tone_of(None if like_for_like is None else like_for_like.amount, deserves_attention=is_unusual)
