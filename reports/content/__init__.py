"""The content of a report: one value and its JSON. Every rendering is made from it, and the JSON is stored.

Every number carries its currency, period, coverage and as-of. `None` in place of a number means unknown; an adjacent text field
holds the reason.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias, Union

from pydantic import Field

from reports.content.budgets import ComponentBudget, ComponentBudgets
from reports.content.costs import CausePart, Mover, MoverPlace, Trend, TrendWeek, WhyChanged
from reports.content.headline import Budget, ChangePart, Forecast, Headline, HeadlineChange, HeadlineLine, UsualChange
from reports.content.platform import RoutingProblems, TeamOverview, TeamSummary, UnroutedTeam
from reports.content.recommendations import FollowUp, RecommendationOutcome, RecommendedAction, Resource, TopActions
from reports.content.sections import AlertList, Automation, ClusterGap, DataGap, DataGaps, HotSpot, Network, OpenAlert, PolicyUse
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
    "AlertList",
    "Amount",
    "Automation",
    "Body",
    "Budget",
    "CausePart",
    "ChangePart",
    "ClusterGap",
    "ComponentBudget",
    "ComponentBudgets",
    "ComponentName",
    "ContentModel",
    "DataGap",
    "DataGaps",
    "FollowUp",
    "Forecast",
    "Headline",
    "HeadlineChange",
    "HeadlineLine",
    "HotSpot",
    "Money",
    "Mover",
    "MoverPlace",
    "NamespaceList",
    "Network",
    "OpenAlert",
    "PolicyUse",
    "RecommendationOutcome",
    "RecommendedAction",
    "Report",
    "Resource",
    "RoutingProblems",
    "Section",
    "Share",
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
        Trend,
        TopActions,
        FollowUp,
        AlertList,
        ComponentBudgets,
        Network,
        Automation,
        DataGaps,
        TeamOverview,
        RoutingProblems,
        UnallocatedSpend,
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

    def to_json(self) -> str:
        """Return the JSON that `Report.model_validate_json` reads."""
        return self.model_dump_json(indent=2)
