"""The content of a report: one value and its JSON, from which every rendering is made and which is what is stored.

A number stands beside its currency, period, coverage and the instant it is for. `None` where a number could be means
unknown, and the words beside it say why.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias, Union

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

FORMAT: Final = 1
"""Version of the JSON. Fields may be added; a renamed or removed one raises it."""

PLATFORM: Final = "platform"
"""What stands for all teams where a team's reference would stand."""

Money: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Exact inside, a number in JSON."""
Share: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""A part of one: 0.25 is a quarter."""


class ContentModel(BaseModel):
    """A part of the content: frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Amount(ContentModel):
    """Money with everything one needs to know to trust it."""

    amount: Money | None
    currency: str
    period: Literal["7 days", "month"]
    known: int
    """Of `parts` workloads, this many are in the amount."""
    parts: int
    as_of: datetime | None
    unknown_because: str = ""


class WorkloadName(ContentModel):
    """Which workload."""

    cluster: str
    namespace: str
    type: str
    name: str


class ComponentName(ContentModel):
    """Which component, as it spells itself."""

    ref: str
    title: str


class ChangePart(ContentModel):
    """One group of a change: how many workloads, and what they add to the difference of the two totals."""

    workloads: int
    amount: Money


class HeadlineChange(ContentModel):
    """Cost now against the closing snapshot a week before. The four groups add up to the difference of the totals."""

    currency: str
    period: Literal["7 days"] = "7 days"
    then_as_of: datetime
    now_as_of: datetime
    cost_then: Amount
    like_for_like: ChangePart
    share: Share | None
    """Like for like, of its cost then; None when that was nothing."""
    added: ChangePart
    removed: ChangePart
    not_comparable: ChangePart


class Budget(ContentModel):
    """Cost of the month so far against a monthly budget."""

    currency: str
    spent: Money | None
    monthly_budget: Money | None
    known_days: int
    days: int


class Headline(ContentModel):
    """The first screen: what is missing, what changed, what to do."""

    missing: tuple[str, ...]
    changed: str
    todo: str
    cost: Amount
    change: HeadlineChange | None
    no_change_because: str
    """Why nothing can be compared; empty when something can."""
    savings_available: Amount
    savings_realised: Amount
    month_to_date: Budget | None
    components: int
    components_measured: int
    claimed_twice: int


class TrendWeek(ContentModel):
    """One bar of the picture."""

    week: str
    cost: Amount


class Trend(ContentModel):
    """Closing cost of the last weeks, oldest first; this week is the last."""

    kind: Literal["trend"] = "trend"
    weeks: tuple[TrendWeek, ...]


class Mover(ContentModel):
    """A workload at both ends. An end that is None was not known, or the workload was not there."""

    workload: WorkloadName
    components: tuple[ComponentName, ...]
    then: Money | None
    now: Money | None
    amount: Money
    share: Share | None


class Movers(ContentModel):
    """What moved the cost, the largest first: all of it, a rendering shows as much as it has room for."""

    kind: Literal["movers"] = "movers"
    currency: str
    period: Literal["7 days"] = "7 days"
    then_as_of: datetime
    now_as_of: datetime
    moved: tuple[Mover, ...]
    added: tuple[Mover, ...]
    removed: tuple[Mover, ...]
    not_comparable: int


class Resource(ContentModel):
    """A request per pod, now and as recommended: millicores of CPU, bytes of memory."""

    resource: Literal["cpu", "memory"]
    now: float
    recommended: float


class RecommendedAction(ContentModel):
    """One thing to do, in one imperative sentence."""

    number: int
    workload: WorkloadName
    components: tuple[ComponentName, ...]
    issue: str
    priority: str
    requests: tuple[Resource, ...]
    monthly_savings: Money | None
    oom_kills_24h: int | None
    sentence: str
    link: str | None


class TopActions(ContentModel):
    """The top five, and how many more there are."""

    kind: Literal["actions"] = "actions"
    currency: str
    as_of: datetime
    top: tuple[RecommendedAction, ...]
    more: int
    more_savings: Money
    """Savings per month of those that are not shown."""
    left_to_automation: int
    """Over-provisioned workloads that ScaleOps lowers by itself."""


class RecommendationOutcome(ContentModel):
    """What became of one recommendation."""

    workload: WorkloadName
    component: ComponentName
    issue: str
    became: Literal["done", "no longer advised", "gone", "open", "ignored"]
    opened_at: datetime
    ended_at: datetime | None
    monthly_savings: Money | None
    """Realised savings per month; only of what was done."""
    sentence: str


class FollowUp(ContentModel):
    """What became of last week's recommendations."""

    kind: Literal["follow-up"] = "follow-up"
    currency: str
    since: datetime
    until: datetime
    ended: tuple[RecommendationOutcome, ...]
    ignored: tuple[RecommendationOutcome, ...]
    done: int
    no_longer_advised: int
    gone: int
    still_open: int
    realised: Money
    """Savings per month of what was done since."""


class HotSpot(ContentModel):
    """A workload that pays for traffic between zones. Money and bytes of the 168 hours before the snapshot."""

    workload: WorkloadName
    components: tuple[ComponentName, ...]
    cross_az_cost: Money
    network_cost: Money | None
    cross_az_traffic_bytes: Money | None


class Network(ContentModel):
    """Traffic between availability zones."""

    kind: Literal["network"] = "network"
    currency: str
    period: Literal["7 days"] = "7 days"
    as_of: datetime
    cross_az_cost: Money | None
    measured: int
    not_watched: int
    unknown: int
    hot_spots: tuple[HotSpot, ...]
    clusters_not_watched: tuple[str, ...]


class PolicyUse(ContentModel):
    """How many workloads follow a policy."""

    policy: str
    workloads: int


class Automation(ContentModel):
    """Policies, and how much ScaleOps may do by itself."""

    kind: Literal["automation"] = "automation"
    as_of: datetime
    automated: int
    known: int
    workloads: int
    policies: tuple[PolicyUse, ...]
    without_policy: int


class DataGap(ContentModel):
    """What could not be measured, for one reason."""

    what: Literal["component", "workload", "warning"]
    names: tuple[str, ...]
    reason: str


class DataGaps(ContentModel):
    """Everything that could not be measured."""

    kind: Literal["gaps"] = "gaps"
    gaps: tuple[DataGap, ...]


class TeamSummary(ContentModel):
    """One team of the roll-up."""

    ref: str
    title: str
    cost: Amount
    like_for_like: Money | None
    share: Share | None
    savings_available: Amount
    savings_realised: Amount
    components: int
    components_measured: int
    link: str | None


class TeamOverview(ContentModel):
    """All teams, the most expensive first."""

    kind: Literal["teams"] = "teams"
    teams: tuple[TeamSummary, ...]


class UnroutedTeam(ContentModel):
    """A team whose report has no channel of its own."""

    ref: str
    title: str
    reason: str


class RoutingProblems(ContentModel):
    """Teams without a route, and reports that could not be sent."""

    kind: Literal["routing"] = "routing"
    unrouted: tuple[UnroutedTeam, ...]
    skipped: tuple[str, ...]
    """One sentence for each report that was given up."""


Body: TypeAlias = Annotated[
    Union[Trend, Movers, TopActions, FollowUp, Network, Automation, DataGaps, TeamOverview, RoutingProblems],  # noqa: UP007 - reads as the list it is
    Field(discriminator="kind"),
]


class Section(ContentModel):
    """One section; without a body it says in `failed` why it could not be made."""

    title: str
    body: Body | None
    failed: str = ""


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
    late_because: str
    """Empty when it came in time."""
    again: int
    """0: the report of the week; 1, 2, ...: made again by hand."""
    running: bool
    """The week has not ended: shown, never sent."""
    currency: str
    route: str
    """Why it goes where it goes; empty when nothing is sent."""
    headline: Headline
    sections: tuple[Section, ...]
    page: str | None
    """Address of the page of this report."""

    def to_json(self) -> str:
        """Answer its JSON, which `Report.model_validate_json` reads again."""
        return self.model_dump_json(indent=2)
