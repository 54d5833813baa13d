"""The sections about recommendations: what to do, and what became of the earlier ones."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reports.content.values import ComponentName, ContentModel, Money, WorkloadName


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
    realised: Money | None
    """Realised savings per month since, as far as they are known; None if none of those judged is known."""
    realised_unknown: int = 0
    """Recommendations that are done, whose savings could not be measured."""
    components_unknown: int = 0
    """Components that could not be measured."""
