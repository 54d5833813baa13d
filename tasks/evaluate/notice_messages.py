"""Renders the decisions of a sweep as outbox messages. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from alerts.lifecycle import Notice
from alerts.observations import AlertId, MemberFigures
from alerts.policy import Rule
from domain.clock import format_utc
from domain.component import Component, Team, title_of_team
from domain.messages import EventAction, Message
from domain.problems import Runbook
from domain.refs import OWNER_KINDS, PLATFORM, RESERVED_TEAMS, EntityRef
from domain.selectors import dashboard_labels
from reports.alert_replies import alert_reply
from reports.alert_summaries import slack_summary
from reports.formatting import format_delay
from reports.links import catalog_page
from reports.notices import AlertSubject, MessageContext, platform_notice, slack_moved, slack_notice
from reports.page_addresses import PageAddress
from reports.pagerduty_events import pagerduty_follow_up, pagerduty_trigger
from tasks.context import Policy
from tasks.evaluate.decisions import (
    Decision,
    EditDecision,
    LostClusterDecision,
    MissingPagerDecision,
    PageDecision,
    PageOutcome,
    PlatformDecision,
    PostDecision,
    RejectedChannelDecision,
    ResolveDecision,
    ReturnedClusterDecision,
    SummaryDecision,
    TriggerDecision,
)
from tasks.evaluate.notice_routing import NoticeRouting

RUNBOOKS: Final[Mapping[Rule, Runbook]] = {
    Rule.UNMEASURED: Runbook.UNMEASURED,
    Rule.STORM: Runbook.STORM,
    Rule.OUTAGE: Runbook.OUTAGE,
    Rule.CATALOG: Runbook.CATALOG,
}
"""Run books of the rules about the installation and about many alerts at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRenderer:
    """Renders decisions with the names, links and time zones of an installation."""

    now: datetime
    policy: Policy
    components: Mapping[EntityRef, Component]
    teams: Mapping[EntityRef, Team]
    checked_every: timedelta | None = None
    """How often a danger is looked for; None: with the full sweeps."""
    growth: Mapping[AlertId, tuple[str, ...]] = field(default_factory=dict)
    """What grew behind alerts about money."""

    def render_all(self, decisions: Iterable[Decision]) -> tuple[Message, ...]:
        """Return the messages of each decision, in order."""
        return tuple(message for decision in decisions for message in (self.render(decision), *self._reply(decision)))

    def _reply(self, decision: Decision) -> Iterator[Message]:
        """Yield the reply to an alert's message when that is updated for a reason to look at it again: an edit notifies no one."""
        if isinstance(decision, PostDecision):
            has_paged = decision.page.outcome is PageOutcome.PAGED
            reply = alert_reply(decision.notice, number=decision.number, post=decision.post, now=self.now, has_paged=has_paged)
            if reply is not None:
                yield reply

    def render(self, decision: Decision) -> Message:
        """Return the message of a decision."""
        now = self.now
        match decision:
            case EditDecision(notice=notice, number=number, post=post, moved_to=channel) if channel:
                title = self._title_of(notice.alert.about)
                return slack_moved(notice, title, self.policy.currency, number=number, post=post, to=channel, now=now)
            case (
                PostDecision(notice=notice, number=number, post=post, page=page)
                | EditDecision(notice=notice, number=number, post=post, page=page)
            ):
                origin, note = f"Slack {post.target}", _page_note(page)
                context = self._context(notice.alert.about, notice.team, notice, origin=origin)
                return slack_notice(notice, context, number=number, post=post, now=now, page_note=note)
            case SummaryDecision(summary=summary, post=post):
                alerts, origin = [notice.alert for notice in summary.notices], f"Slack {post.target}"
                context = self._context(summary.audience, summary.audience, alerts=alerts, origin=origin)
                return slack_summary(summary, context, causes=self.growth, post=post, now=now)
            case TriggerDecision(notice=notice, number=number, page=page):
                context = self._context(notice.alert.about, notice.team, notice.as_page, origin="PagerDuty")
                return pagerduty_trigger(notice.as_page, context, number=number, page=page, now=now)
            case ResolveDecision(alert=alert, number=number, page=page, reason=reason):
                return pagerduty_follow_up(alert, EventAction.RESOLVE, number=number, page=page, reason=reason, now=now)
            case _:
                return self._platform_message(decision)

    def _platform_message(self, decision: PlatformDecision) -> Message:
        match decision:
            case MissingPagerDecision(alert=alert, team=team):
                key, title = f"route:page-unrouted:{team}", f"No PagerDuty key for {team}"
                lines = [
                    f"{alert} is a reason to page, but {decision.reason}.",
                    "What to do: set PAGERDUTY_ROUTING_KEY, pagerduty_routing_key_file of the team, or the annotation on its group.",
                ]
                reason, runbook = "It was posted to Slack only.", Runbook.PAGE_UNROUTED
            case RejectedChannelDecision(rejected=rejected):
                key = f"route:refused:{rejected.entity}:{rejected.annotation}:{rejected.channel}"
                title = f"A Slack channel of {rejected.entity} is not allowed"
                lines = [f"{rejected}.", "What to do: list the channel in routes.allowed_channels, or change the annotation."]
                reason, runbook = "Messages went to the next route instead.", Runbook.CHANNEL_REJECTED
            case LostClusterDecision(cluster=cluster):
                since = cluster.lost_since or cluster.last_seen
                key = f"cluster:lost:{cluster.name}:{since:%Y-%m-%dT%H:%MZ}"
                title = f"Cluster {cluster.name} unreachable: no data from ScaleOps since {format_utc(since)}"
                lines = [
                    "It had workloads, and no ScaleOps response has named it since.",
                    "Its workloads count as unknown, so no alert about them resolves. After 7 days it counts as removed.",
                    "What to do: check whether ScaleOps still reaches it; if it is gone for good, list it in clusters.removed.",
                ]
                reason, runbook = "Numbers that include this cluster are incomplete from now on.", Runbook.CLUSTER_LOST
            case ReturnedClusterDecision(cluster=cluster):
                key = f"cluster:returned:{cluster.name}:{cluster.last_seen:%Y-%m-%dT%H:%MZ}"
                title = f"Cluster {cluster.name} reachable again: ScaleOps has data of it"
                lost = cluster.notified_at or cluster.last_seen
                away = format_delay(cluster.last_seen - lost)
                lines = [
                    f"Measured again {format_utc(cluster.last_seen)}, {away} after its loss was reported.",
                    "Alerts about its workloads open and resolve again.",
                ]
                reason, runbook = (
                    "Numbers that include this cluster are complete again, from this sweep on.",
                    Runbook.CLUSTER_LOST,
                )
            case _:
                assert_never(decision)
        return platform_notice(
            key=key,
            title=title,
            lines=lines,
            reason=reason,
            runbooks=[runbook],
            route=decision.route,
            pages=self.policy.pages,
            now=self.now,
        )

    def _context(
        self, about: EntityRef, team: EntityRef, notice: Notice | None = None, *, alerts: Iterable[AlertId] = (), origin: str
    ) -> MessageContext:
        """Return what a message needs; `alerts` are those that it lists besides its own, and a storm's members."""
        figures = () if notice is None else (finding.figures for finding in notice.findings)
        listed = [*alerts, *(one.alert for one in figures if isinstance(one, MemberFigures))]
        about_rules = {one.rule for one in listed} or ({notice.alert.rule} if notice is not None else set())
        is_watched = notice is not None and about_rules == {Rule.UNDER_PROVISIONED}
        page = self._page_about(about, origin)
        return MessageContext(
            title=self._title_of(about),
            instance=self.policy.alerts.instance,
            currency=self.policy.currency,
            zone=self.policy.schedules.of(team).zone.key,
            checked_every=self.checked_every if is_watched else None,
            measured_every=(self.checked_every if is_watched else None) or self.policy.collect_every,
            owner=self._owner(team),
            slack_channel=self._slack_channel(notice),
            page=self._url_about(about, origin),
            growth=self.growth.get(notice.alert, ()) if notice is not None else (),
            runbook=self._runbook_path(notice),
            links=tuple(self._links(about, notice, page)),
            subjects={
                alert.about: AlertSubject(title=self._title_of(alert.about), page=self._url_about(alert.about, origin))
                for alert in listed
            },
        )

    def _owner(self, team: EntityRef) -> str:
        title = self._title_of(team)
        return title if team in RESERVED_TEAMS else f"{title} ({team})"

    def _slack_channel(self, notice: Notice | None) -> str:
        if notice is None:
            return ""
        routing = NoticeRouting(policy=self.policy.routes, components=self.components, teams=self.teams)
        return routing.channel(notice)

    def _page_about(self, about: EntityRef, origin: str) -> PageAddress | None:
        """Return the page where a reader can answer the alert. A component that left the catalog has none."""
        has_page = about in self.components or about.kind in OWNER_KINDS or about == PLATFORM
        return self.policy.pages.page_about(about, origin=origin, now=self.now) if has_page else None

    def _url_about(self, about: EntityRef, origin: str) -> str | None:
        page = self._page_about(about, origin)
        return None if page is None else page.url

    def _links(self, about: EntityRef, notice: Notice | None, page: PageAddress | None) -> Iterator[tuple[str, str]]:
        if page is not None:
            yield page.label, page.url
        if notice is not None and (dashboard := self._dashboard_link(notice)) is not None:
            yield "Open in ScaleOps", dashboard
        component, catalog = self.components.get(about), self.policy.catalog_url
        if catalog is not None and (component is not None or about in self.teams):
            yield "Open in Backstage", catalog_page(catalog, about)
        if component is not None:
            yield from component.runbooks
        if notice is not None and (runbook := RUNBOOKS.get(notice.alert.rule)) is not None:
            yield from ((one.label, one.url) for one in self.policy.pages.runbook_links([runbook]))

    def _runbook_path(self, notice: Notice | None) -> str:
        """Return the path of the run book of an alert about the installation; empty if it is linked, or there is none."""
        runbook = RUNBOOKS.get(notice.alert.rule) if notice is not None else None
        return "" if runbook is None or self.policy.docs_url is not None else runbook.path

    def _dashboard_link(self, notice: Notice) -> str | None:
        component = self.components.get(notice.alert.about)
        workload = next((finding.workload for finding in notice.findings if finding.workload is not None), None)
        if component is None or workload is None:
            return None
        return self.policy.dashboard_link(workload.name, dashboard_labels(component))

    def _title_of(self, about: EntityRef) -> str:
        if about == PLATFORM:
            return "This installation"
        component = self.components.get(about)
        if component is not None:
            return component.title or component.spelled_name
        return title_of_team(about, self.teams.get(about)) if about.kind in OWNER_KINDS else str(about)


def _page_note(page: PageDecision) -> str:
    match page.outcome:
        case PageOutcome.NONE:
            return ""
        case PageOutcome.PAGED:
            return f"On-call is paged by {page.detail}."
        case PageOutcome.IN_STORM:
            return f"On-call is paged by {page.detail} instead."
        case PageOutcome.RESOLVED:
            return "The PagerDuty incident is resolved."
        case PageOutcome.NO_ROUTE:
            return f"No one was paged, because {page.detail}."
        case outcome:
            assert_never(outcome)
