"""Decides everything that one sweep changes and sends: alert transitions, storms, routes, threads and pages.

Pure: the stage reads the rows that it needs and writes what it returns. Every notice leaves one event, so that the alert's
state holds what was sent and where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.folding import AlertChange, apply
from alerts.lifecycle import Notice, Paging, move, record, step
from alerts.observations import AlertId, Observation, dedup_key_of
from alerts.states import ENDINGS, AlertState, Event, NoticeKind, OpenIncident, SlackPost
from alerts.storm import Summary, audience_of, group_notices, suppress_in_outage
from domain.component import Component, Team
from domain.messages import Channel, EventAction, Message
from domain.refs import PLATFORM, EntityRef
from domain.routes import Route, Unrouted, pagerduty_route, parents_of, platform_pagerduty_route, platform_route, slack_route
from domain.selectors import InvalidSelector, plan_for
from domain.sweeps import ClusterState
from reports.notices import (
    MessageContext,
    key_of,
    pagerduty_follow_up,
    pagerduty_trigger,
    platform_notice,
    slack_notice,
    slack_summary,
    summary_key,
)
from tasks.context import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """One sweep's observations, and the rows that its plan depends on."""

    as_of: datetime
    now: datetime
    policy: Policy
    observations: tuple[Observation, ...]
    states: Mapping[AlertId, AlertState]
    """Every alert that is not quiet, is observed, or is a storm that may begin."""
    components: Mapping[EntityRef, Component]
    teams: Mapping[EntityRef, Team]
    lost_clusters: Sequence[ClusterState]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """What one sweep changes and sends."""

    changes: tuple[AlertChange, ...]
    messages: tuple[Message, ...]
    notified_clusters: tuple[str, ...]
    notices: Counter[NoticeKind]
    undeliverable: tuple[str, ...]
    """Why something has no destination, each reason once."""


def plan_sweep(facts: PlanInput) -> SweepPlan:
    """Return the events, messages and marks of one sweep."""
    planner = _Planner(facts=facts, states=dict(facts.states))
    notices = planner.step_all(suppress_in_outage(facts.observations))
    groups = group_notices(notices, planner.open_states(), as_of=facts.as_of, limits=facts.policy.alerts.storm)
    for notice in planner.step_all(groups.observations):
        planner.notify(notice, storm=None)
    for summary in groups.summaries:
        planner.notify_together(summary, groups.storms)
    for notice in groups.single:
        planner.notify(notice, storm=groups.storms.get(notice.alert))
    for notice in groups.absorbed:
        planner.fold_into_storm(notice, groups.storms.get(notice.alert))
    notified = [cluster.name for cluster in facts.lost_clusters if planner.report_lost_cluster(cluster)]
    return SweepPlan(
        changes=tuple(planner.changes),
        messages=tuple(planner.messages),
        notified_clusters=tuple(notified),
        notices=planner.notices,
        undeliverable=tuple(planner.undeliverable),
    )


@dataclass(kw_only=True)
class _Planner:
    facts: PlanInput
    states: dict[AlertId, AlertState]
    changes: list[AlertChange] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    notices: Counter[NoticeKind] = field(default_factory=Counter)
    undeliverable: dict[str, None] = field(default_factory=dict)

    def step_all(self, observations: Iterable[Observation]) -> list[Notice]:
        notices: list[Notice] = []
        for observation in observations:
            taken = step(self._state(observation.alert), observation, self.facts.now, self.facts.policy.alerts)
            self._apply(observation.alert, *taken.events)
            notices += taken.notices
        return notices

    def open_states(self) -> list[AlertState]:
        return sorted((state for state in self.states.values() if state.is_open), key=lambda state: state.alert)

    def _state(self, alert: AlertId) -> AlertState:
        return self.states.get(alert) or AlertState(alert=alert)

    def _apply(self, alert: AlertId, *events: Event) -> None:
        for event in events:
            self.states[alert] = apply(self._state(alert), event)
            self.changes.append(AlertChange(state=self.states[alert], event=event))

    def _record(self, notice: Notice, *, post: SlackPost | None, page: OpenIncident | None, storm: AlertId | None) -> None:
        self.notices[notice.kind] += 1
        self._apply(notice.alert, record(notice, now=self.facts.now, post=post, page=page, storm=storm))

    def _next_number(self, alert: AlertId) -> int:
        return self._state(alert).events + 1

    def notify(self, notice: Notice, *, storm: AlertId | None) -> None:
        page, page_note = self._page(notice, storm)
        post = self._post(notice, page_note) if notice.posts else None
        self._record(notice, post=post, page=page, storm=storm)

    def notify_together(self, summary: Summary, storms: Mapping[AlertId, AlertId]) -> None:
        route = self._slack_route(summary.audience, None)
        post = None
        if isinstance(route, Route):
            post = SlackPost(target=route.target, route=route.rule, root=summary_key(summary))
            titles = [self._title_of(notice.alert.about) for notice in summary.notices]
            context = self._message_context(summary.audience, summary.audience)
            self.messages.append(slack_summary(summary, context, titles=titles, post=post, now=self.facts.now))
        for notice in summary.notices:
            storm = storms.get(notice.alert)
            page, _ = self._page(notice, storm)
            self._record(notice, post=post, page=page, storm=storm)

    def fold_into_storm(self, notice: Notice, storm: AlertId | None) -> None:
        """Record an alert that its team's storm reports; one that ends resolves an incident of its own, if it has one."""
        page, _ = self._page(notice, storm)
        sent = self._state(storm).last_notification if storm is not None else None
        self._record(notice, post=sent.post if sent is not None else None, page=page, storm=storm)

    def _post(self, notice: Notice, page_note: str) -> SlackPost | None:
        """Plan the Slack message of one notice. An ending goes to the opening's thread, anything else to today's route."""
        before = notice.last_post
        if notice.kind in ENDINGS and before is not None:
            target, rule = before.target, before.route
        else:
            route = self._slack_route(audience_of(notice), self.facts.components.get(notice.alert.about))
            if isinstance(route, Unrouted):
                return None
            target, rule = route.target, route.rule
        number = self._next_number(notice.alert)
        root = before.root if before is not None and before.target == target else key_of(notice.alert, number, Channel.SLACK)
        post = SlackPost(target=target, route=rule, root=root)
        context = self._message_context(notice.alert.about, notice.team, notice)
        message = slack_notice(notice, context, number=number, post=post, now=self.facts.now, page_note=page_note)
        self.messages.append(message)
        return post

    def _slack_route(self, audience: EntityRef, component: Component | None) -> Route | Unrouted:
        routes, teams = self.facts.policy.routes, self.facts.teams
        if audience == PLATFORM:
            route = platform_route(routes)
        else:
            owner, parents = teams.get(audience), parents_of(audience, teams)
            route = slack_route(routes, team=audience, component=component, owner=owner, parents=parents)
        for rejected in route.rejected:
            self._notify_platform(
                key=f"route:refused:{rejected.entity}:{rejected.annotation}:{rejected.channel}",
                title=f"A Slack channel of {rejected.entity} is not allowed",
                lines=[f"{rejected}.", "What to do: list the channel in routes.allowed_channels, or change the annotation."],
                reason="Messages went to the next route instead.",
            )
        if isinstance(route, Unrouted):
            self.undeliverable[route.reason] = None
        return route

    def _page(self, notice: Notice, storm: AlertId | None) -> tuple[OpenIncident | None, str]:
        """Plan the PagerDuty event of a notice. Returns the incident that it leaves open, and a note about it for Slack."""
        if storm is not None:
            return None, f"On-call is paged by {storm} instead."
        before = notice.open_incident
        if notice.paging is Paging.RESOLVE and before is not None:
            self._resolve(notice, before, reason=notice.reason)
            return None, "The PagerDuty incident is resolved."
        if notice.paging is not Paging.TRIGGER:
            return None, ""
        route = self._pagerduty_route(notice)
        if isinstance(route, Unrouted):
            if before is None:
                return None, self._report_missing_pager(notice, route)
            page = before
        elif before is not None and before.target == route.target:
            page = replace(before, route=route.rule)
        else:
            if before is not None:  # resolved at its old service first: never two open for one condition
                moved = move(notice, now=self.facts.now)
                self._resolve(notice, before, reason=moved.reason)
                self._apply(notice.alert, moved)
                self.notices[NoticeKind.MOVED] += 1
            key = dedup_key_of(notice.alert, self.facts.policy.alerts.instance)
            page = OpenIncident(target=route.target, route=route.rule, dedup_key=key)
        number = self._next_number(notice.alert)
        context = self._message_context(notice.alert.about, notice.team, notice)
        self.messages.append(pagerduty_trigger(notice, context, number=number, page=page, now=self.facts.now))
        return page, f"On-call is paged by {page.route}."

    def _pagerduty_route(self, notice: Notice) -> Route | Unrouted:
        routes = self.facts.policy.routes
        if notice.team == PLATFORM:
            return platform_pagerduty_route(routes)
        component, owner = self.facts.components.get(notice.alert.about), self.facts.teams.get(notice.team)
        return pagerduty_route(routes, team=notice.team, component=component, owner=owner)

    def _resolve(self, notice: Notice, page: OpenIncident, *, reason: str) -> None:
        number = self._next_number(notice.alert)
        now = self.facts.now
        event = pagerduty_follow_up(notice.alert, EventAction.RESOLVE, number=number, page=page, reason=reason, now=now)
        self.messages.append(event)

    def _report_missing_pager(self, notice: Notice, route: Unrouted) -> str:
        self._notify_platform(
            key=f"route:nobody-paged:{notice.team}",
            title=f"No PagerDuty key for {notice.team}",
            lines=[
                f"{notice.alert} is a reason to page, but {route.reason}.",
                "What to do: set PAGERDUTY_ROUTING_KEY, or pagerduty_routing_key_file of the team, or the annotation on its group.",
            ],
            reason="It was posted to Slack only.",
        )
        return f"No one was paged, because {route.reason}."

    def report_lost_cluster(self, cluster: ClusterState) -> bool:
        """Plan the notice about a cluster that is newly lost. Returns False when none is due, or none can be delivered."""
        if cluster.lost_since is None or cluster.notified_at is not None or cluster.lost_since > self.facts.as_of:
            return False
        since = f"{cluster.lost_since:%Y-%m-%d %H:%M} UTC"
        return self._notify_platform(
            key=f"cluster:lost:{cluster.name}:{cluster.lost_since:%Y-%m-%dT%H:%MZ}",
            title=f"Cluster {cluster.name} unreachable: no data from ScaleOps since {since}",
            lines=[
                "It had workloads, and no ScaleOps response has named it since.",
                "Its workloads count as unknown, so no alert about them resolves. After 7 days it counts as removed.",
                "What to do: check whether ScaleOps still reaches it; if it is gone for good, list it in clusters.removed.",
            ],
            reason="Numbers that include this cluster are incomplete from now on.",
        )

    def _notify_platform(self, *, key: str, title: str, lines: Sequence[str], reason: str) -> bool:
        """Plan a notice to the platform channel, sent once per key: the outbox ignores a key that it has."""
        route = platform_route(self.facts.policy.routes)
        if isinstance(route, Unrouted):
            self.undeliverable[route.reason] = None
            return False
        now = self.facts.now
        self.messages.append(
            platform_notice(key=key, title=title, lines=lines, reason=reason, target=route.target, route=route.rule, now=now)
        )
        return True

    def _message_context(self, about: EntityRef, team: EntityRef, notice: Notice | None = None) -> MessageContext:
        policy = self.facts.policy
        link = self._dashboard_link(notice) if notice is not None else None
        return MessageContext(
            title=self._title_of(about),
            instance=policy.alerts.instance,
            currency=policy.currency,
            zone=policy.schedules.of(team).zone.key,
            links=() if link is None else (("Open in ScaleOps", link),),
        )

    def _dashboard_link(self, notice: Notice) -> str | None:
        component = self.facts.components.get(notice.alert.about)
        workload = next((finding.workload for finding in notice.findings if finding.workload is not None), None)
        if component is None or workload is None:
            return None
        try:
            labels = plan_for(component).labels
        except InvalidSelector:  # the selector changed since the sweep; the notice goes out without a link
            return None
        return self.facts.policy.dashboard_link(workload.name, labels)

    def _title_of(self, about: EntityRef) -> str:
        if about == PLATFORM:
            return "This installation"
        component, team = self.facts.components.get(about), self.facts.teams.get(about)
        if component is not None:
            return component.title or component.spelled_name
        return team.title if team is not None and team.title else str(about)
