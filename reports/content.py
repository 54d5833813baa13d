"""The content of a report: one value and its JSON. Every rendering is made from it, and the JSON is stored.

Every number carries its currency, period, coverage and as-of. `None` in place of a number means unknown; an adjacent text field
holds the reason.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias, Union

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

FORMAT: Final = 1
"""Version of the JSON. Adding a field keeps it; renaming or removing one increments it."""

PLATFORM: Final = "platform"
"""In place of a team reference: the roll-up of all teams."""

Money: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Exact inside, a number in JSON."""
Share: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""A fraction: 0.25 is 25 %."""


class ContentModel(BaseModel):
    """Base of the content models: frozen, unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Amount(ContentModel):
    """An amount of money with its period, coverage and as-of."""

    amount: Money | None
    currency: str
    period: Literal["7 days", "month"]
    known: int
    """Workloads included in the amount, of `parts`."""
    parts: int
    as_of: datetime | None
    unknown_reason: str = ""


class WorkloadName(ContentModel):
    """Identifies a workload."""

    cluster: str
    namespace: str
    type: str
    name: str
    label: str
    """The name to show: with the kind where another kind has the same name."""


class ComponentName(ContentModel):
    """A component and its display name."""

    ref: str
    title: str


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


class Resource(ContentModel):
    """A request per pod, now and recommended: CPU in millicores, memory in bytes."""

    resource: Literal["cpu", "memory"]
    now: float
    recommended: float


class RecommendedAction(ContentModel):
    """One recommendation as an imperative sentence."""

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
    """The first five recommendations, and the number of others."""

    kind: Literal["actions"] = "actions"
    currency: str
    as_of: datetime
    top: tuple[RecommendedAction, ...]
    more: int
    more_savings: Money | None
    """Savings per month of the recommendations that are not listed; None if none of them is known."""
    left_to_automation: int
    """Over-provisioned workloads that ScaleOps automates."""
    unknown: int = 0
    """Workloads whose recommendations are unknown."""


class RecommendationOutcome(ContentModel):
    """The outcome of one recommendation."""

    workload: WorkloadName
    component: ComponentName
    also_owned_by: tuple[ComponentName, ...] = ()
    """Further components that own the workload; the recommendation counts once."""
    issue: str
    outcome: Literal["done", "no longer advised", "gone", "open", "ignored", "left to automation"]
    opened_at: datetime
    ended_at: datetime | None
    monthly_savings: Money | None
    """Realised savings per month; None unless the outcome is `done` and they were judged."""
    sentence: str

    @property
    def owners(self) -> tuple[ComponentName, ...]:
        """All components that own the workload."""
        return (self.component, *self.also_owned_by)


class FollowUp(ContentModel):
    """Follow-up on the recommendations of earlier weeks."""

    kind: Literal["follow-up"] = "follow-up"
    currency: str
    since: datetime
    until: datetime
    ended: tuple[RecommendationOutcome, ...]
    ignored: tuple[RecommendationOutcome, ...]
    done: int
    effect_pending: int = 0
    """Of those done: their savings are judged once they have arrived, after seven days at the latest."""
    no_longer_advised: int
    gone: int
    still_open: int
    left_to_automation: int = 0
    realised: Money
    """Realised savings per month since."""
    components_unknown: int = 0
    """Components that could not be measured."""


class OpenAlert(ContentModel):
    """An alert that was open at the end of the week."""

    rule: str
    about: str
    """Reference of the component or team."""
    title: str
    since: datetime
    sentence: str


class AlertList(ContentModel):
    """Open alerts, and costs that rose and are usual now: alerts that ended without a fix."""

    kind: Literal["alerts"] = "alerts"
    open: tuple[OpenAlert, ...]
    became_usual: tuple[str, ...]
    """Titles of the components."""


class HotSpot(ContentModel):
    """A workload with cross-zone traffic. Money and bytes over the 168 hours before the snapshot."""

    workload: WorkloadName
    components: tuple[ComponentName, ...]
    cross_az_cost: Money
    network_cost: Money | None
    cross_az_traffic_bytes: Money | None


class Network(ContentModel):
    """Traffic between availability zones, over 168 hours."""

    kind: Literal["network"] = "network"
    currency: str
    period: Literal["7 days"] = "7 days"
    as_of: datetime
    cross_az_cost: Money | None
    measured: int
    not_monitored: int
    unknown: int
    hot_spots: tuple[HotSpot, ...]
    clusters_not_monitored: tuple[str, ...]
    components_unknown: int = 0
    """Components that could not be measured."""


class PolicyUse(ContentModel):
    """Number of workloads with a policy."""

    policy: str
    workloads: int


class Automation(ContentModel):
    """Automation and policy coverage."""

    kind: Literal["automation"] = "automation"
    as_of: datetime
    automated: int
    known: int
    workloads: int
    policies: tuple[PolicyUse, ...]
    without_policy: int
    components_unknown: int = 0
    """Components that could not be measured."""


class DataGap(ContentModel):
    """Items that could not be measured for one reason."""

    what: Literal["component", "workload", "warning"]
    names: tuple[str, ...]
    reason: str


class DataGaps(ContentModel):
    """All items that could not be measured."""

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
    """All teams, highest cost first."""

    kind: Literal["teams"] = "teams"
    teams: tuple[TeamSummary, ...]


class UnroutedTeam(ContentModel):
    """A team without a channel of its own."""

    ref: str
    title: str
    reason: str


class RoutingProblems(ContentModel):
    """Teams without a route, reports that were skipped, and annotations that could not be used."""

    kind: Literal["routing"] = "routing"
    unrouted: tuple[UnroutedTeam, ...]
    skipped: tuple[str, ...]
    """One sentence per skipped report."""
    teams: int | None = None
    """Number of teams that own a component."""
    problems: tuple[str, ...] = ()
    """What the catalog entities of teams say that could not be used, one sentence each."""


Body: TypeAlias = Annotated[
    Union[Trend, Movers, TopActions, FollowUp, AlertList, Network, Automation, DataGaps, TeamOverview, RoutingProblems],  # noqa: UP007 - readable as a list
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
