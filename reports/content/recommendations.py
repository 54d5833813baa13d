"""The sections about recommendations: what to do, and what became of the earlier ones."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reports.content.values import ComponentName, ContentModel, Money, WorkloadName


class Resource(ContentModel):
    """A request per pod, now and recommended: CPU in millicores, memory in bytes. None: not known."""

    resource: Literal["cpu", "memory"]
    now: float | None
    recommended: float | None


class ActionPlace(ContentModel):
    """One of the workloads of an action."""

    cluster: str
    namespace: str
    pods: int | None
    requests: tuple[Resource, ...]
    """What to change; empty if that is nothing."""
    monthly_savings: Money | None
    oom_kills_24h: int | None
    sentence: str
    """The requests per pod, and of all its pods; empty without any."""


class ActionPatch(ContentModel):
    """The change of requests to copy, for those of the places that get the same."""

    places: tuple[str, ...]
    """Cluster and namespace of each."""
    yaml: str
    command: str
    """The kubectl command; empty if `no_command_reason` says why there is none."""
    no_command_reason: str
    note: str


class RecommendedAction(ContentModel):
    """One recommendation as an imperative sentence: for the workloads of one name over clusters and namespaces."""

    number: int
    label: str
    """The name to show: with the type where another type has the same name."""
    name: str
    type: str
    components: tuple[ComponentName, ...]
    issue: str
    priority: str
    is_dangerous: bool
    risk: str
    """In one phrase."""
    workloads: int
    places: tuple[ActionPlace, ...]
    """The first of the workloads, the most urgent first."""
    patches: tuple[ActionPatch, ...]
    """Of the places; empty where there is nothing to set."""
    monthly_savings: Money | None
    """The sum over all workloads of which it is known."""
    savings_unknown: int
    """The number of others."""
    oom_kills_24h: int | None
    sentence: str
    link: str | None


class TopActions(ContentModel):
    """The recommendations, those of danger first, then by savings, and the number of those that are not listed."""

    kind: Literal["actions"] = "actions"
    currency: str
    as_of: datetime
    summary: str
    """All recommendations in one sentence; empty without any."""
    patch_note: str
    """What to know before a patch is applied; empty without patches."""
    top: tuple[RecommendedAction, ...]
    more: int
    """Recommendations for workloads that are not listed."""
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
    realised: Money | None
    """Realised savings per month since, as far as they are known; None if none of those judged is known."""
    realised_unknown: int = 0
    """Recommendations that are done, whose savings could not be measured."""
    components_unknown: int = 0
    """Components that could not be measured."""
    open_lines: tuple[str, ...] = ()
    """Newly advised, and open for longer: one sentence each, by workload over clusters and namespaces."""
