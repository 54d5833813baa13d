"""Inputs and outputs of the actions over stored history. Long lists are paged: `total`, `truncated`, and how to get the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from actions.live.outputs import ApiModel, MaybeNumber, Number, WorkloadFields

T = TypeVar("T")


class HistoryInput(BaseModel):
    """Base of all inputs: camelCase names, unknown ones rejected."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class PagedInput(HistoryInput):
    """Input of an action with a paged output."""

    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of rows")] = 50
    offset: Annotated[int, Field(ge=0, description="Rows to skip")] = 0


Team = Annotated[str | None, Field(description="Owner, for example payments or group:default/payments")]
EntityRefText = Annotated[str, Field(description="Component (component:default/checkout) or team (group:default/payments)")]
Week = Annotated[str | None, Field(description="ISO week, for example 2026-W47")]


class ComponentsInput(PagedInput):
    """Input of list_components."""

    owner: Team = None
    system: Annotated[str | None, Field(description="System, for example shop or system:default/shop")] = None
    text: Annotated[str | None, Field(description="Words in the name or title")] = None


class TrendInput(HistoryInput):
    """Input of get_cost_trend."""

    entity_ref: EntityRefText
    weeks: Annotated[int, Field(ge=1, le=104, description="Weeks up to now")] = 12


class ReportInput(HistoryInput):
    """Input of get_team_report."""

    team: Annotated[
        str, Field(description="Team, for example payments or group:default/payments; all is the roll-up of all teams")
    ]
    week: Week = None


class OpenRecommendationsInput(PagedInput):
    """Input of list_recommendations."""

    team: Team = None
    entity_ref: Annotated[str | None, Field(description="One component")] = None
    priority: Annotated[Literal["high", "medium", "low"] | None, Field(description="Only this priority")] = None
    order: Annotated[Literal["priority", "savings"], Field(description="Sort order")] = "priority"


class AlertsInput(PagedInput):
    """Input of list_alerts."""

    team: Team = None
    entity_ref: Annotated[str | None, Field(description="One component")] = None
    quiet: Annotated[bool, Field(description="Include resolved alerts")] = False


class DeliveryInput(PagedInput):
    """Input of explain_delivery."""

    about: Annotated[
        str, Field(description="Alert id (list_alerts), message key, component or team (then: its weekly reports and notices)")
    ]
    week: Annotated[str | None, Field(description="For a team: only the report of this ISO week")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of messages, newest first")] = 20


class CompareInput(PagedInput):
    """Input of compare_weeks."""

    entity_ref: EntityRefText
    week: Annotated[str | None, Field(description="ISO week; default the last completed one")] = None
    before: Annotated[str | None, Field(description="ISO week to compare with; default the one before")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of workloads, largest change first")] = 25


class UnallocatedInput(PagedInput):
    """Input of get_unallocated_cost."""

    cluster: Annotated[str | None, Field(description="One cluster")] = None
    weeks: Annotated[int, Field(ge=1, le=104, description="Completed weeks of the trend")] = 12
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of namespaces, highest cost first")] = 25


class HistoryOutput(ApiModel):
    """Fields of every output over stored history."""

    currency: Annotated[str, Field(description="ISO 4217")]
    as_of: Annotated[datetime | None, Field(description="Time of the measurement; null: nothing was measured yet")]
    not_shown: Annotated[int, Field(description="Rows hidden because you may not see them; of a list, before any filter")] = 0
    warnings: list[str] = Field(default_factory=list)


class PagedOutput(HistoryOutput):
    """Fields of a paged output."""

    total: Annotated[int, Field(description="Number of rows on all pages")]
    truncated: bool
    rest: Annotated[str | None, Field(description="How to get the rest")]


class ComponentRow(ApiModel):
    """One component."""

    entity_ref: str
    title: str
    owner: str
    system: str | None
    lifecycle: str | None
    cost_last7d: Annotated[MaybeNumber, Field(alias="costLast7d")]
    savings_available_per_month: MaybeNumber
    workloads: Annotated[int | None, Field(description="In the newest sweep")]
    workloads_with_cost: Annotated[int | None, Field(description="Those costLast7d covers")]


class ComponentsOutput(PagedOutput):
    """The components found."""

    components: list[ComponentRow]


class TrendWeekRow(ApiModel):
    """One week; null: not measured."""

    week: str
    as_of: datetime | None
    running: Annotated[bool, Field(description="The week has not ended; cost is of the 7 days to asOf")]
    cost: Annotated[MaybeNumber, Field(description="7 days to asOf")]
    savings_available_per_month: MaybeNumber
    savings_realised_per_month: MaybeNumber
    workloads: Annotated[int | None, Field(description="Counted once each")]
    workloads_with_cost: int | None


class TrendOutput(HistoryOutput):
    """Cost by week, oldest first."""

    entity_ref: str
    weeks: list[TrendWeekRow]
    change: Annotated[MaybeNumber, Field(description="Last known cost minus the first; null if either is partial")]
    change_percent: MaybeNumber


class ReportOutput(HistoryOutput):
    """A stored report; its lists are cut to 12 entries, `<list>Total` is their full length."""

    team: str
    week: str
    weeks: Annotated[list[str], Field(description="Weeks with a report")]
    page: Annotated[str | None, Field(description="Address of the HTML page")]
    report: Annotated[dict[str, JsonValue], Field(description="headline, then sections in the order of the report")]


class OpenRecommendationRow(WorkloadFields):
    """One open recommendation. CPU in millicores and memory in bytes, per pod."""

    entity_ref: str
    owner: str
    issue: str
    priority: str
    opened_at: datetime
    last_seen_at: datetime
    current_cpu: Annotated[MaybeNumber, Field(alias="currentCPU")]
    recommended_cpu: Annotated[MaybeNumber, Field(alias="recommendedCPU")]
    current_memory: MaybeNumber
    recommended_memory: MaybeNumber
    savings_available: Annotated[MaybeNumber, Field(description="per month")]


class OpenRecommendationsSummary(ApiModel):
    """Over all rows, not only this page."""

    high_priority: int
    total_savings_available: Annotated[MaybeNumber, Field(description="per month, each workload once; null: none is known")]


class OpenRecommendationsOutput(PagedOutput):
    """Open recommendations."""

    recommendations: list[OpenRecommendationRow]
    summary: OpenRecommendationsSummary


class AlertRow(ApiModel):
    """One alert."""

    id: str
    rule: str
    about: str
    owner: str
    phase: Literal["quiet", "pending", "firing", "resolving", "ended"]
    severity: str
    opened_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    dismissed: str | None
    workloads: list[str]
    notified_at: datetime | None
    paged: bool


class AlertsOutput(PagedOutput):
    """Alerts, the newest first."""

    alerts: list[AlertRow]


class DeliveryAttemptRow(ApiModel):
    """One attempt to send."""

    at: datetime
    result: str
    detail: str


class MessageRow(ApiModel):
    """One message and its delivery."""

    key: str
    channel: str
    target: str
    act: str
    status: str
    reason: Annotated[str, Field(description="Why it was created, and why it goes there")]
    created_at: datetime
    sent_at: datetime | None
    last_error: str | None
    attempts: list[DeliveryAttemptRow]


class AlertTimelineRow(ApiModel):
    """One event of an alert."""

    at: datetime
    what: str


class DeliveryOutput(PagedOutput):
    """Why something was sent, or not."""

    about: str
    explanation: Annotated[list[str], Field(description="The current state, in sentences")]
    messages: list[MessageRow]
    events: Annotated[list[AlertTimelineRow], Field(description="For an alert: the last 20")]


class ChangeRow(WorkloadFields):
    """One workload in both weeks; null: unknown or absent."""

    entity_refs: list[str]
    comparison: Literal["like for like", "added", "removed", "ramping in", "ramping out", "moved", "not comparable"]
    then: MaybeNumber
    now: MaybeNumber
    amount: Number


class ChangeGroup(ApiModel):
    """All workloads of one comparison."""

    workloads: int
    amount: Number


class CompareOutput(PagedOutput):
    """What changed: cost now minus then = likeForLike + added + removed + rampingIn + rampingOut + moved + notComparable.

    Cost is for 7 days. Like for like are workloads that existed throughout both windows; ramping in and out are those that ran for only
    a part of one, moved those that came from or went to another owner.
    """

    entity_ref: str
    week: str
    before: str
    as_of_before: datetime
    cost_now: MaybeNumber
    cost_then: MaybeNumber
    like_for_like: ChangeGroup
    like_for_like_percent: MaybeNumber
    added: ChangeGroup
    removed: ChangeGroup
    ramping_in: ChangeGroup
    ramping_out: ChangeGroup
    moved: ChangeGroup
    not_comparable: ChangeGroup
    changes: list[ChangeRow]


class UnallocatedNamespaceRow(ApiModel):
    """What no component claims in one namespace."""

    cluster: str
    namespace: str
    cost: MaybeNumber
    workloads: int
    workloads_with_cost: int


class UnallocatedWorkloadRow(WorkloadFields):
    """One workload that no component claims."""

    cost: MaybeNumber


class UnallocatedWeekRow(ApiModel):
    """One completed week; null: unknown."""

    week: str
    as_of: datetime | None
    cost: MaybeNumber
    share_percent: MaybeNumber


class UnallocatedOutput(PagedOutput):
    """The cost that no component claims."""

    period: Literal["7d"]
    unknown_reason: str | None
    cost: Annotated[MaybeNumber, Field(description="Without shared namespaces")]
    share_percent: Annotated[MaybeNumber, Field(description="Of all cost")]
    shared_cost: MaybeNumber
    allocated_cost: MaybeNumber
    workloads: int
    workloads_with_cost: int
    namespaces: list[UnallocatedNamespaceRow]
    largest: Annotated[list[UnallocatedWorkloadRow], Field(description="Workloads of the highest cost")]
    weeks: list[UnallocatedWeekRow]


class PageInfo(TypedDict):
    """Fields of `PagedOutput`."""

    total: int
    truncated: bool
    rest: str | None


def page_of(rows: Sequence[T], query: PagedInput) -> tuple[Sequence[T], PageInfo]:
    """Return the rows of the requested page, and the fields of `PagedOutput`."""
    shown = rows[query.offset : query.offset + query.limit]
    left = max(0, len(rows) - query.offset - len(shown))
    rest = f"repeat with offset {query.offset + len(shown)}" if left else None
    return shown, {"total": len(rows), "truncated": left > 0, "rest": rest}
