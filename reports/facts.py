"""What a report is made from. Gathered by the task that reads the store; nothing here is computed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from domain.advice import Issue
from domain.measures import Total
from domain.refs import EntityRef
from domain.trends import ClosingPoint, MonthToDate
from domain.weeks import IsoWeek, Lateness
from domain.workload import WorkloadKey
from reports.links import Links

Fate: TypeAlias = Literal["open", "done", "no longer advised", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedRecommendation:
    """One recommendation as it was tracked: open, or ended in one of three ways."""

    component: EntityRef
    workload: WorkloadKey
    issue: Issue
    opened_at: datetime
    ended_at: datetime | None
    fate: Fate
    realised_per_month: Decimal | None
    """Savings of what was done; None of everything else, and where they could not be measured."""
    answered: bool = False
    """Somebody acknowledged or snoozed it: it is not called ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekTotal:
    """Closing cost of one week; `as_of` is None when the week has no closing snapshot."""

    week: IsoWeek
    as_of: datetime | None
    cost_7d: Total


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMeta:
    """What every report is framed by."""

    week: IsoWeek
    zone: str
    due_at: datetime
    made_at: datetime
    late: Lateness | None
    again: int
    running: bool
    currency: str
    route: str
    links: Links


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFacts:
    """What the report of one team is made from."""

    frame: ReportMeta
    team: EntityRef
    title: str
    now: ClosingPoint | None
    """The closing snapshot of the week; None when there is none."""
    then: ClosingPoint | None
    """That of the week before."""
    weeks: tuple[WeekTotal, ...]
    """The last weeks, oldest first, this one included."""
    titles: Mapping[EntityRef, str]
    """How components spell themselves."""
    labels: Mapping[EntityRef, tuple[str, ...]]
    """What narrows a dashboard link to a component, where that can be said in one query."""
    followed: tuple[FollowedRecommendation, ...]
    """Recommendations open at the closing snapshot, or ended since `followed_since`."""
    followed_since: datetime
    """The closing snapshot before, or where it should have been."""
    month_to_date: MonthToDate | None = None
    monthly_budget: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingGap:
    """A team without a channel of its own, and why."""

    team: EntityRef
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFacts:
    """What the roll-up of all teams is made from."""

    frame: ReportMeta
    now: ClosingPoint | None
    then: ClosingPoint | None
    weeks: tuple[WeekTotal, ...]
    titles: Mapping[EntityRef, str]
    team_titles: Mapping[EntityRef, str]
    unrouted: tuple[RoutingGap, ...] = ()
    skipped: tuple[str, ...] = ()
    """One sentence for each report that was given up since the last roll-up."""
    month_to_date: MonthToDate | None = None
    monthly_budget: Decimal | None = None
