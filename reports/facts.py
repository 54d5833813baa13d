"""The input of a report, read from the store by the report stage. Nothing here is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alerts.policy import Rule
from domain.closing_point import ClosingPoint
from domain.inventory import InventoryWorkload
from domain.measures import Total
from domain.month_to_date import MonthToDate
from domain.months import Month
from domain.refs import EntityRef
from domain.tracking import Recommendation
from domain.unallocated import SweepUnallocated
from domain.usual_range import WeeklyChange
from domain.weeks import IsoWeek, Lateness, parse_zone
from reports import content
from reports.links import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekTotal:
    """Closing cost of one week; `as_of` is None if no snapshot closes it."""

    week: IsoWeek
    as_of: datetime | None
    cost_7d: Total


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMeta:
    """What every report shows about itself."""

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
    quiet: bool = False
    """The team wants a quiet week reported in one short message."""

    @property
    def week_start(self) -> datetime:
        """The first instant of the week."""
        return self.week.starts_at(parse_zone(self.zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthMeta:
    """What the monthly roll-up shows about itself."""

    month: Month
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
class ReportedAlert:
    """An alert of the week: what it is about, in words, and since when it is open."""

    rule: Rule
    about: EntityRef
    since: datetime
    dismissed: str = ""
    """The reason of its dismissal; empty: it is not dismissed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAlerts:
    """The alerts of a team that were open at the closing snapshot, and those that ended since the one before as the usual level."""

    open: tuple[ReportedAlert, ...] = ()
    became_usual: tuple[EntityRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAlert:
    """An alert that opened in one of the weeks of the trend, or that began to page."""

    rule: Rule
    about: EntityRef
    as_of: datetime
    is_page: bool
    """True if on-call was paged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentMonth:
    """The month of a component with a budget."""

    ref: EntityRef
    month: MonthToDate
    monthly_budget: Decimal
    costs_7d: tuple[Total, ...]
    """The cost of each week, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFacts:
    """The input of one team's report."""

    meta: ReportMeta
    team: EntityRef
    title: str
    now: ClosingPoint | None
    """Closing snapshots of the week; None if there are none."""
    then: ClosingPoint | None
    """Closing snapshots of the week before."""
    weeks: tuple[WeekTotal, ...]
    """The last weeks, oldest first, ending with this one."""
    titles: Mapping[EntityRef, str]
    """Display names of components."""
    labels: Mapping[EntityRef, tuple[str, ...]]
    """Labels for the dashboard link of a component, if one query selects it."""
    followed: tuple[Recommendation, ...]
    """Recommendations open at the closing snapshot or ended since `followed_since`."""
    handled: frozenset[tuple[str, EntityRef]]
    """Issue and component of the acknowledged, snoozed and dismissed alerts: such a recommendation is not counted as ignored."""
    followed_since: datetime
    """As-of of the previous closing snapshot, or where it was due."""
    alerts: TeamAlerts = TeamAlerts()
    opened: tuple[OpenedAlert, ...] = ()
    """The alerts of the weeks of the trend, oldest first."""
    component_months: tuple[ComponentMonth, ...] = ()
    reported_at: tuple[datetime, ...] = ()
    """As-of of the closing snapshots that the team's earlier reports were made from."""
    month_to_date: MonthToDate | None = None
    finished_month: MonthToDate | None = None
    """The month that ended in the week."""
    monthly_budget: Decimal | None = None
    changes_before: tuple[WeeklyChange, ...] = ()
    """The like-for-like changes of the 12 weeks before, oldest first; a week without two closing snapshots is left out."""
    sweeps_now: tuple[datetime, ...] = ()
    sweeps_then: tuple[datetime, ...] = ()
    """The sweeps that may close the two weeks; recorded, so that the report made again chooses among the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnallocatedFacts:
    """What no component claims: in the sweep that closes the week, and in those of the weeks before."""

    closing: SweepUnallocated
    largest: tuple[InventoryWorkload, ...] = ()
    """The workloads of the highest cost, without those of shared namespaces."""
    without_workloads: int = 0
    """Components that were never measured."""
    weeks: tuple[tuple[IsoWeek, SweepUnallocated], ...] = ()
    """Oldest first, ending with this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFacts:
    """The input of the roll-up of all teams."""

    meta: ReportMeta
    now: ClosingPoint | None
    then: ClosingPoint | None
    weeks: tuple[WeekTotal, ...]
    titles: Mapping[EntityRef, str]
    team_titles: Mapping[EntityRef, str]
    unallocated: UnallocatedFacts
    unrouted: tuple[content.UnroutedTeam, ...] = ()
    catalog_problems: tuple[str, ...] = ()
    """What the entities of teams say that could not be used, one sentence each."""
    opened: tuple[OpenedAlert, ...] = ()
    """The alerts of the week, oldest first."""
    skipped: tuple[str, ...] = ()
    """One sentence per report skipped since the last roll-up."""
    month_to_date: MonthToDate | None = None
    finished_month: MonthToDate | None = None
    """The month that ended in the week."""
    monthly_budget: Decimal | None = None
    changes_before: tuple[WeeklyChange, ...] = ()
    """The like-for-like changes of the 12 weeks before, oldest first; a week without two closing snapshots is left out."""
    sweeps_now: tuple[datetime, ...] = ()
    sweeps_then: tuple[datetime, ...] = ()
    """The sweeps that may close the two weeks; recorded, so that the report made again chooses among the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMonthFacts:
    """One team's month."""

    team: EntityRef
    title: str
    cost: MonthToDate
    monthly_budget: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """The input of the monthly roll-up."""

    meta: MonthMeta
    now: ClosingPoint | None
    """Closing snapshots of the month; None if there are none."""
    cost: MonthToDate
    before: MonthToDate
    """The month before."""
    reported_before: content.Budget | None
    """What the roll-up of the month before said; None if there was none."""
    weeks: tuple[Total, ...]
    """The cost of the week before the closing snapshots, and of the weeks before that, newest first."""
    teams: tuple[TeamMonthFacts, ...]
    done: tuple[Recommendation, ...]
    """Recommendations that were carried out, or whose savings were judged, in the month."""
    unallocated: UnallocatedFacts
    titles: Mapping[EntityRef, str]
    sweeps: tuple[datetime, ...]
    """The sweeps that may close the month."""
