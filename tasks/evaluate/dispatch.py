"""Turns what one sweep ought to tell into events and messages: routes, storms, threads, and the open incident's own key.

Nothing is sent here. Every notice leaves one event, so that the alert remembers what was told and where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.lifecycle import Notice, Paging, move, record, step
from alerts.observations import PLATFORM, AlertId, dedup_key_of
from alerts.states import ENDINGS, NoticeKind, OpenIncident, SlackPost
from alerts.storm import NoticePlan, Summary, audience_of, plan
from domain.component import Component, Team
from domain.messages import EventAction, Message
from domain.refs import EntityRef
from domain.routes import (
    Route,
    Unrouted,
    pagerduty_route,
    parents_of,
    platform_pagerduty_route,
    platform_route,
    slack_route,
)
from domain.selectors import InvalidSelector, plan_for
from domain.sweeps import Sweep
from reports.notices import (
    MessageContext,
    pagerduty_follow_up,
    pagerduty_trigger,
    platform_notice,
    slack_notice,
    slack_summary,
    summary_key,
)
from store import Transaction
from tasks.context import Policy
from tasks.evaluate.alert_session import AlertSession


@dataclass(kw_only=True)
class DispatchResult:
    """What one sweep tells."""

    kinds: Counter[NoticeKind] = field(default_factory=Counter)
    messages: list[Message] = field(default_factory=list)
    nowhere: dict[str, None] = field(default_factory=dict)
    """Why something has nowhere to go at all, each reason once."""


@dataclass(kw_only=True)
class NoticeDispatcher:
    """Tells the notices of one sweep within one transaction."""

    transaction: Transaction
    ledger: AlertSession
    policy: Policy
    sweep: Sweep
    now: datetime
    told: DispatchResult = field(default_factory=DispatchResult)
    _components: dict[EntityRef, Component | None] = field(default_factory=dict)
    _teams: Mapping[EntityRef, Team] | None = None

    def tell(self, notices: Sequence[Notice]) -> DispatchResult:
        """Plan what is told alone and what together, and tell it. Answers the messages; the caller puts them into the outbox."""
        planned = plan(notices, self.ledger.open_states(), as_of=self.sweep.as_of, limits=self.policy.alerts.storm)
        for notice in self._storm_notices(planned):
            self._tell_alone(notice, storm=None)
        for summary in planned.summaries:
            self._tell_together(summary, planned)
        for notice in planned.alone:
            self._tell_alone(notice, storm=planned.storms.get(notice.alert))
        for notice in planned.silent:
            self._leave_to_the_storm(notice, planned.storms.get(notice.alert))
        self._tell_of_lost_clusters()
        return self.told

    def _storm_notices(self, planned: NoticePlan) -> Iterable[Notice]:
        for observation in planned.observations:
            state = self.ledger.hold(observation.alert)
            taken = step(state, observation, self.now, self.policy.alerts)
            self.ledger.apply(observation.alert, taken.events)
            yield from taken.notices

    def _tell_alone(self, notice: Notice, *, storm: AlertId | None) -> None:
        page, remark = self._page(notice, storm)
        post = self._post(notice, remark) if notice.posts else None
        self._record(notice, post=post, page=page, storm=storm)

    def _tell_together(self, summary: Summary, planned: NoticePlan) -> None:
        route = self._slack_route(summary.audience, None)
        if isinstance(route, Route):
            titles = [self._title_of(notice.alert.about) for notice in summary.notices]
            voice = self._voice(summary.audience, summary.audience)
            message = slack_summary(summary, voice, titles=titles, target=route.target, route=route.rule, now=self.now)
            self.told.messages.append(message)
        for notice in summary.notices:
            storm = planned.storms.get(notice.alert)
            page, _ = self._page(notice, storm)
            post = None
            if isinstance(route, Route):
                post = SlackPost(target=route.target, route=route.rule, root=summary_key(summary))
            self._record(notice, post=post, page=page, storm=storm)

    def _leave_to_the_storm(self, notice: Notice, storm: AlertId | None) -> None:
        """Record an alert that its team's storm speaks for; one that ends resolves a page of its own, if it had one."""
        page, _ = self._page(notice, storm)
        post = None
        if storm is not None:
            incident = self.ledger.state(storm).incident
            post = incident.told.post if incident is not None and incident.told is not None else None
        self._record(notice, post=post, page=page, storm=storm)

    def _record(self, notice: Notice, *, post: SlackPost | None, page: OpenIncident | None, storm: AlertId | None) -> None:
        self.told.kinds[notice.kind] += 1
        event = record(notice, now=self.now, post=post, page=page, storm=storm)
        self.ledger.apply(notice.alert, [event])

    # Slack ------------------------------------------------------------------------------------------------------------

    def _post(self, notice: Notice, remark: str) -> SlackPost | None:
        """Write the Slack message of one notice; an ending answers where the opening stands, anything else goes today's way."""
        before = notice.told.post if notice.told is not None else None
        if notice.kind in ENDINGS and before is not None:
            target, rule = before.target, before.route
        else:
            component = self._component(notice.alert.about)
            route = self._slack_route(audience_of(notice), component)
            if isinstance(route, Unrouted):
                return None
            target, rule = route.target, route.rule
        number = self._next_number(notice.alert)
        root = before.root if before is not None and before.target == target else None
        message = slack_notice(
            notice,
            self._voice(notice.alert.about, notice.team, notice),
            number=number,
            target=target,
            route=rule,
            root=root,
            now=self.now,
            paging=remark,
        )
        self.told.messages.append(message)
        return SlackPost(target=target, route=rule, root=root or message.key)

    def _slack_route(self, audience: EntityRef, component: Component | None) -> Route | Unrouted:
        if audience == PLATFORM:
            route = platform_route(self.policy.routes)
        else:
            owner, parents = self._team(audience), parents_of(audience, self._all_teams())
            route = slack_route(self.policy.routes, team=audience, component=component, owner=owner, parents=parents)
        for refused in route.refused:
            self._tell_platform(
                key=f"route:refused:{refused.entity}:{refused.annotation}:{refused.channel}",
                title=f"A Slack channel was refused for {refused.entity}",
                lines=[f"{refused}.", "What to do: list the channel in routes.allowed_channels, or change the annotation."],
                reason="Messages went to the next route instead.",
            )
        if isinstance(route, Unrouted):
            self.told.nowhere[route.reason] = None
        return route

    # PagerDuty --------------------------------------------------------------------------------------------------------

    def _page(self, notice: Notice, storm: AlertId | None) -> tuple[OpenIncident | None, str]:
        """Write the PagerDuty event of a notice. Answers the incident it leaves open, and a remark for Slack."""
        if storm is not None:
            return None, f"On-call hears of it through {storm}."
        before = notice.told.page if notice.told is not None else None
        if notice.paging is Paging.RESOLVE and before is not None:
            self._follow_up(notice, EventAction.RESOLVE, before, reason=notice.reason)
            return None, "The PagerDuty incident is resolved."
        if notice.paging is not Paging.TRIGGER:
            return None, ""
        route = self._pagerduty_route(notice)
        if isinstance(route, Unrouted):
            if before is None:
                return None, self._tell_that_nobody_is_paged(notice, route)
            page = before
        else:
            page = OpenIncident(target=route.target, route=route.rule, dedup_key=self._dedup_key(notice, before, route))
        if before is not None and before.target != page.target:
            self._move(notice, before)
        number = self._next_number(notice.alert)
        voice = self._voice(notice.alert.about, notice.team, notice)
        self.told.messages.append(pagerduty_trigger(notice, voice, number=number, page=page, now=self.now))
        return page, f"On-call is paged by {page.route}."

    def _dedup_key(self, notice: Notice, before: OpenIncident | None, route: Route) -> str:
        if before is not None and before.target == route.target:
            return before.dedup_key
        return dedup_key_of(notice.alert, self.policy.alerts.instance)

    def _move(self, notice: Notice, before: OpenIncident) -> None:
        """Close the incident where it stands, before it is opened where pages go now: never two for one condition."""
        moved = move(notice, now=self.now)
        self._follow_up(notice, EventAction.RESOLVE, before, reason=moved.reason)
        self.ledger.apply(notice.alert, [moved])
        self.told.kinds[NoticeKind.MOVED] += 1

    def _follow_up(self, notice: Notice, act: EventAction, page: OpenIncident, *, reason: str) -> None:
        number = self._next_number(notice.alert)
        event = pagerduty_follow_up(notice.alert, act, number=number, page=page, reason=reason, now=self.now)
        self.told.messages.append(event)

    def _pagerduty_route(self, notice: Notice) -> Route | Unrouted:
        if notice.team == PLATFORM:
            return platform_pagerduty_route(self.policy.routes)
        component = self._component(notice.alert.about)
        return pagerduty_route(self.policy.routes, team=notice.team, component=component, owner=self._team(notice.team))

    def _tell_that_nobody_is_paged(self, notice: Notice, route: Unrouted) -> str:
        self._tell_platform(
            key=f"route:nobody-paged:{notice.team}",
            title=f"Nobody can be paged for {notice.team}",
            lines=[
                f"{notice.alert} is a reason to page, but {route.reason}.",
                "What to do: set PAGERDUTY_ROUTING_KEY, or pagerduty_routing_key_file of the team, or the annotation on its group.",
            ],
            reason="It was told in Slack only.",
        )
        return f"Nobody was paged, because {route.reason}."

    # The platform -----------------------------------------------------------------------------------------------------

    def _tell_of_lost_clusters(self) -> None:
        for cluster in self.transaction.clusters.lost():
            if cluster.lost_since is None or cluster.notified_at is not None or cluster.lost_since > self.sweep.as_of:
                continue
            told = self._tell_platform(
                key=f"cluster:lost:{cluster.name}:{cluster.lost_since:%Y-%m-%dT%H:%MZ}",
                title=f"The cluster {cluster.name} is lost",
                lines=[
                    f"It had workloads, and since {cluster.lost_since:%Y-%m-%d %H:%M} UTC no answer of ScaleOps names it.",
                    "Its workloads count as unknown, so no alert about them resolves. After 7 days it counts as removed.",
                    "What to do: see whether ScaleOps still reaches it; if it is gone for good, list it in clusters.removed.",
                ],
                reason="Numbers that include this cluster are incomplete from now on.",
            )
            if told:
                self.transaction.clusters.mark_notified(cluster.name, at=self.now)

    def _tell_platform(self, *, key: str, title: str, lines: Sequence[str], reason: str) -> bool:
        """Tell whoever runs this installation, once a key: the outbox takes no key twice."""
        route = platform_route(self.policy.routes)
        if isinstance(route, Unrouted):
            self.told.nowhere[route.reason] = None
            return False
        self.told.messages.append(
            platform_notice(key=key, title=title, lines=lines, reason=reason, target=route.target, route=route.rule, now=self.now)
        )
        return True

    # What words and routes need ---------------------------------------------------------------------------------------

    def _next_number(self, alert: AlertId) -> int:
        return self.ledger.state(alert).events + 1

    def _voice(self, about: EntityRef, team: EntityRef, notice: Notice | None = None) -> MessageContext:
        schedule = self.policy.schedules.of(team)
        voice = MessageContext(
            title=self._title_of(about),
            instance=self.policy.alerts.instance,
            currency=self.policy.currency,
            zone=schedule.zone.key,
        )
        link = self._link(about, notice) if notice is not None else None
        return voice if link is None else replace(voice, links=(("Open in ScaleOps", link),))

    def _link(self, about: EntityRef, notice: Notice) -> str | None:
        component = self._component(about)
        workload = next((finding.workload for finding in notice.findings if finding.workload is not None), None)
        if component is None or workload is None:
            return None
        try:
            labels = plan_for(component).labels
        except InvalidSelector:  # it had a selector when its workloads were listed; a link is no reason to stay silent
            return None
        return self.policy.dashboard_link(workload.name, labels)

    def _title_of(self, about: EntityRef) -> str:
        if about == PLATFORM:
            return "This installation"
        component = self._component(about)
        if component is not None:
            return component.title or component.spelled_name
        team = self._team(about)
        return team.title if team is not None and team.title else str(about)

    def _component(self, about: EntityRef) -> Component | None:
        if about not in self._components:
            self._components[about] = self.transaction.components.get(about)
        return self._components[about]

    def _team(self, team: EntityRef) -> Team | None:
        return self._all_teams().get(team)

    def _all_teams(self) -> Mapping[EntityRef, Team]:
        if self._teams is None:
            self._teams = {team.ref: team for team in self.transaction.components.teams()}
        return self._teams
