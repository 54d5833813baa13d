"""The content of a report: one value and its JSON. Every rendering is made from it, and the JSON is stored.

Every number carries its currency, period, coverage and as-of. `None` in place of a number means unknown; an adjacent text field
holds the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias, Union

from pydantic import Field

from reports.content.components import AutomatedWorkloads, ComponentFigures, ComponentOverview, ComponentSummary
from reports.content.costs import CausePart, Mover, MoverPlace, Trend, TrendWeek, WhyChanged
from reports.content.headline import Budget, ChangePart, Forecast, Headline, HeadlineChange, HeadlineLine, UsualChange
from reports.content.monthly import MonthChange, MonthHeadline, RealisedSavings, TeamBudgets, TeamMonth
from reports.content.platform import RoutingProblems, TeamOverview, TeamSummary, UnroutedTeam
from reports.content.recommendations import (
    ActionPatch,
    ActionPlace,
    FollowUp,
    RecommendationOutcome,
    RecommendedAction,
    Resource,
    TopActions,
)
from reports.content.sections import (
    AlertList,
    Automation,
    ClusterGap,
    DataGap,
    DataGaps,
    HotSpot,
    HotSpotPlace,
    Network,
    OpenAlert,
    PolicyUse,
)
from reports.content.stored import ComponentBudget, ComponentBudgets
from reports.content.unallocated import (
    NamespaceList,
    UnallocatedNamespace,
    UnallocatedSpend,
    UnallocatedWeek,
    UnallocatedWorkload,
)
from reports.content.values import Amount, ComponentName, ContentModel, Money, Share, WorkloadName

__all__ = [
    "FORMAT",
    "PLATFORM",
    "ActionPatch",
    "ActionPlace",
    "AlertList",
    "Amount",
    "AnyReport",
    "AutomatedWorkloads",
    "Automation",
    "Body",
    "Budget",
    "CausePart",
    "ChangePart",
    "ClusterGap",
    "ComponentBudget",
    "ComponentBudgets",
    "ComponentFigures",
    "ComponentName",
    "ComponentOverview",
    "ComponentSummary",
    "ContentModel",
    "DataGap",
    "DataGaps",
    "FollowUp",
    "Forecast",
    "Headline",
    "HeadlineChange",
    "HeadlineLine",
    "HotSpot",
    "HotSpotPlace",
    "Money",
    "MonthChange",
    "MonthHeadline",
    "MonthlyReport",
    "Mover",
    "MoverPlace",
    "NamespaceList",
    "Network",
    "OpenAlert",
    "PolicyUse",
    "RealisedSavings",
    "RecommendationOutcome",
    "RecommendedAction",
    "Report",
    "Resource",
    "RoutingProblems",
    "Section",
    "Share",
    "TeamBudgets",
    "TeamMonth",
    "TeamOverview",
    "TeamSummary",
    "TopActions",
    "Trend",
    "TrendWeek",
    "UnallocatedNamespace",
    "UnallocatedSpend",
    "UnallocatedWeek",
    "UnallocatedWorkload",
    "UnroutedTeam",
    "UsualChange",
    "WhyChanged",
    "WorkloadName",
]

FORMAT: Final = 1
"""Version of the JSON. Adding a field keeps it; renaming or removing one increments it."""

PLATFORM: Final = "platform"
"""In place of a team reference: the roll-up of all teams."""

Body: TypeAlias = Annotated[
    Union[  # noqa: UP007 - readable as a list
        WhyChanged,
        ComponentOverview,
        Trend,
        TopActions,
        FollowUp,
        AlertList,
        Network,
        Automation,
        DataGaps,
        TeamOverview,
        RoutingProblems,
        UnallocatedSpend,
        TeamBudgets,
        ComponentBudgets,
    ],
    Field(discriminator="kind"),
]


class Section(ContentModel):
    """One section. Without a body, `failure` says why it could not be built."""

    title: str
    body: Body | None
    failure: str = ""


class Report(ContentModel):
    """A weekly report, of a team or of the platform."""

    format: Literal[1] = FORMAT
    scope: Literal["team", "platform"]
    team: str
    """Reference of the team, or `platform`."""
    title: str
    week: str
    first_day: str
    last_day: str
    zone: str
    due_at: datetime
    made_at: datetime
    late_reason: str
    """Empty if the report is on time."""
    again: int
    """0: the report of the week; 1, 2, ...: sent again by hand."""
    running: bool
    """The week has not ended: the report can be shown, not sent."""
    currency: str
    route: str
    """The rule that chose the destination; empty if nothing is sent."""
    headline: Headline
    sections: tuple[Section, ...]
    page: str | None
    """URL of the page of this report."""
    catalog: str | None = None
    """URL of the team in Backstage; of its catalog for the roll-up."""
    dashboard: str | None = None
    """URL of the cost report in ScaleOps."""
    quiet: bool = False
    """Nothing of the week is unusual or new, and the team wants such a week reported in one short message (`quiet` of the configuration)."""

    @property
    def period(self) -> str:
        """The week."""
        return self.week

    @property
    def component_pages(self) -> Mapping[str, str | None]:
        """The URLs of the pages of components by reference, not signed."""
        bodies = (section.body for section in self.sections)
        return {row.component.ref: row.page for body in bodies if isinstance(body, ComponentOverview) for row in body.components}

    def to_json(self) -> str:
        """Return the JSON that `Report.model_validate_json` reads."""
        return self.model_dump_json(indent=2)


class MonthlyReport(ContentModel):
    """The monthly roll-up of all teams."""

    format: Literal[1] = FORMAT
    report: Literal["monthly"] = "monthly"
    scope: Literal["platform"] = "platform"
    team: Literal["platform"] = "platform"
    title: str
    month: str
    """As `2026-10`."""
    zone: str
    due_at: datetime
    made_at: datetime
    late_reason: str
    """Empty if the report is on time."""
    again: int
    """0: the report of the month; 1, 2, ...: sent again by hand."""
    running: bool
    """The month has not ended: the report can be shown, not sent."""
    currency: str
    route: str
    headline: MonthHeadline
    sections: tuple[Section, ...]
    page: str | None
    """URL of the page of this report."""
    catalog: str | None = None
    """URL of the catalog in Backstage."""
    dashboard: str | None = None
    """URL of the cost report in ScaleOps."""

    @property
    def period(self) -> str:
        """The month."""
        return self.month

    def to_json(self) -> str:
        """Return the JSON that `MonthlyReport.model_validate_json` reads."""
        return self.model_dump_json(indent=2)


AnyReport: TypeAlias = Union[Report, MonthlyReport]  # noqa: UP007 - as above
