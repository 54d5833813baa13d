"""What a sweep decides to send: values with what, to whom and why. `notice_messages` turns them into outbox messages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from alerts.lifecycle import Notice
from alerts.observations import AlertId
from alerts.states import OpenIncident, SlackPost
from alerts.storm import Summary
from domain.refs import EntityRef
from domain.routes import RejectedChannel, Route
from domain.sweeps import ClusterState


class PageOutcome(StrEnum):
    """What becomes of the page of a notice."""

    NONE = "none"
    PAGED = "paged"
    IN_STORM = "in storm"
    RESOLVED = "resolved"
    NO_ROUTE = "no route"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDecision:
    """The outcome of a page, what it leaves open, and by which storm or route, or why there is none."""

    outcome: PageOutcome = PageOutcome.NONE
    page: OpenIncident | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDecision:
    """Post one notice to Slack. `number` is that of the event that records it."""

    notice: Notice
    number: int
    post: SlackPost
    page: PageDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDecision:
    """Edit the message that an alert has of its own, when a message elsewhere reports the notice."""

    notice: Notice
    number: int
    post: SlackPost
    page: PageDecision
    moved_to: str = ""
    """The channel in which the alert continues, so that this message ends; empty: it stays its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryDecision:
    """Post several notices to Slack as one message."""

    summary: Summary
    post: SlackPost


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDecision:
    """Trigger a PagerDuty incident, or repeat its page."""

    notice: Notice
    number: int
    page: OpenIncident


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDecision:
    """Resolve a PagerDuty incident."""

    alert: AlertId
    number: int
    page: OpenIncident
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPagerDecision:
    """Notify the platform team that an alert is a reason to page, and nothing names a PagerDuty key."""

    alert: AlertId
    team: EntityRef
    reason: str
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedChannelDecision:
    """Notify the platform team that an annotation names a Slack channel that is not allowed."""

    rejected: RejectedChannel
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class LostClusterDecision:
    """Notify the platform team that a cluster is lost."""

    cluster: ClusterState
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedClusterDecision:
    """Notify the platform team that a lost cluster is measured again."""

    cluster: ClusterState
    route: Route


PlatformDecision = MissingPagerDecision | RejectedChannelDecision | LostClusterDecision | ReturnedClusterDecision
Decision = PostDecision | EditDecision | SummaryDecision | TriggerDecision | ResolveDecision | PlatformDecision
