"""The content of the monthly roll-up for leadership. Costs are of UTC months; a month that was not measured whole is a range."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reports.content.headline import Budget, Forecast
from reports.content.values import Amount, ContentModel, Money, Share


class MonthChange(ContentModel):
    """The cost of the month less that of the month before; a range if one of them is."""

    at_least: Money | None
    at_most: Money | None
    """None: not known."""
    share: Share | None
    """Of the month before; None if the change is not exact, or that is no base for a percentage."""


class RealisedSavings(ContentModel):
    """What recommendations saved that were carried out in the month."""

    done: int
    """Recommendations that were carried out, each once however many components own its workload."""
    effect_pending: int
    """Of those done: their savings were not judged yet."""
    unknown: int = 0
    """Of those judged: their savings could not be measured."""
    per_month: Money | None
    """Of the others of those judged; None if those of all are unknown."""


class TeamMonth(ContentModel):
    """One team's month against its budget."""

    ref: str
    title: str
    cost: Budget

    @property
    def variance(self) -> tuple[Money | None, Money | None]:
        """The cost less the budget, at least and at most; None: not known, or there is no budget."""
        budget = self.cost.monthly_budget
        if budget is None:
            return None, None
        low = self.cost.spent if self.cost.spent is not None else self.cost.spent_at_least
        high = self.cost.spent if self.cost.spent is not None else self.cost.spent_at_most
        return None if low is None else low - budget, None if high is None else high - budget


class TeamBudgets(ContentModel):
    """All teams: those with a budget first, by what they spent above it, then by cost."""

    kind: Literal["team-budgets"] = "team-budgets"
    teams: tuple[TeamMonth, ...]


class MonthHeadline(ContentModel):
    """The first screen."""

    cost: Budget
    before: Budget | None
    """The month before."""
    change: MonthChange | None
    no_change_reason: str
    """Why there is no comparison; empty if there is one."""
    next_month: str
    """The month of the forecast, as `2026-11`."""
    forecast: Forecast | None
    """At the daily rates of the last weeks of this month."""
    no_forecast_reason: str
    savings_realised: Amount
    """What ScaleOps saves already, per month, at the end of the month."""
    realised: RealisedSavings
    as_of: datetime | None
    """Of the sweep that closes the month."""
    missing: tuple[str, ...]
    """What is not in the figures, one sentence each."""
