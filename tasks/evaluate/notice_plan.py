"""Decides everything that one sweep changes and sends: alert transitions, storms, routes, threads and pages.

Pure: the stage reads the rows that it needs, has the decisions rendered, and writes the result. Every notice leaves one event, so
that the alert's state holds what was sent and where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.folding import AlertChange, apply
from alerts.lifecycle import Notice, Paging, move, record, step
from alerts.observations import AlertId, Observation, dedup_key_of
from alerts.outage import OUTAGE, suppress_in_outage
from alerts.shared_workloads import page_once
from alerts.states import ENDINGS, AlertState, Event, NoticeKind, OpenIncident, SlackPost
from alerts.storm import Summary, group_notices
from domain.component import Component, Team
from domain.messages import Channel
from domain.refs import EntityRef
from domain.routes import Route, Unrouted, platform_route
from domain.sweeps import ClusterState
from reports.alert_summaries import summary_key
from reports.notices import is_own_message, key_of
from tasks.context import Policy
from tasks.evaluate.decisions import (
    Decision,
    EditDecision,
    LostClusterDecision,
    MissingPagerDecision,
    PageDecision,
    PageOutcome,
    PostDecision,
    RejectedChannelDecision,
    ResolveDecision,
    ReturnedClusterDecision,
    SummaryDecision,
    TriggerDecision,
)
from tasks.evaluate.notice_routing import NoticeRouting


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
    clusters: Sequence[ClusterState]
    is_watch: bool = False
    """They are of a watch sweep."""
    checked_every: timedelta | None = None
    """How often a danger is looked for; None: with the full sweeps."""
    resting: frozenset[str] = frozenset()
    """Slack channels that had a message about what is no danger within the last hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """What one sweep changes and sends."""

    changes: tuple[AlertChange, ...]
    decisions: tuple[Decision, ...]
    notices: Counter[NoticeKind]
    undeliverable: tuple[str, ...]
    """Why something has no destination, each reason once."""
    page_ages: tuple[timedelta, ...] = ()
    """Of each incident that is opened: since the sweep whose evidence it pages."""


def plan_sweep(facts: PlanInput) -> SweepPlan:
    """Return the events and decisions of one sweep."""
    planner = _Planner(facts=facts, states=dict(facts.states))
    notices = planner.step_all(page_once(suppress_in_outage(facts.observations, facts.states.get(OUTAGE)), facts.states))
    groups = group_notices(
        notices,
        planner.open_states(),
        as_of=facts.as_of,
        limits=facts.policy.alerts.storm,
        window=facts.policy.alerts.full_sweep_every,
        channel_of=planner.routing.channel,
        resting=facts.resting,
    )
    for notice in planner.step_all(groups.observations):
        planner.notify(notice, storm=None)
    for summary in groups.summaries:
        planner.notify_together(summary, groups.storms)
    for notice in groups.single:
        planner.notify(notice, storm=groups.storms.get(notice.alert))
    for notice in groups.absorbed:
        planner.fold_into_storm(notice, groups.storms.get(notice.alert))
    for cluster in facts.clusters:
        planner.report_cluster(cluster)
    return SweepPlan(
        changes=tuple(planner.changes),
        decisions=tuple(planner.decisions),
        notices=planner.notices,
        undeliverable=tuple(planner.undeliverable),
        page_ages=tuple(planner.page_ages()),
    )


@dataclass(kw_only=True)
class _Planner:
    facts: PlanInput
    states: dict[AlertId, AlertState]
    changes: list[AlertChange] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    notices: Counter[NoticeKind] = field(default_factory=Counter)
    undeliverable: dict[str, None] = field(default_factory=dict)

    @property
    def routing(self) -> NoticeRouting:
        return NoticeRouting(policy=self.facts.policy.routes, components=self.facts.components, teams=self.facts.teams)

    def step_all(self, observations: Iterable[Observation]) -> list[Notice]:
        notices: list[Notice] = []
        for observation in observations:
            before, facts = self._state(observation.alert), self.facts
            taken = step(before, observation, facts.now, facts.policy.alerts, is_watch=facts.is_watch)
            self._apply(observation.alert, *taken.events)
            notices += taken.notices
        return notices

    def page_ages(self) -> Iterator[timedelta]:
        for decision in self.decisions:
            if isinstance(decision, TriggerDecision) and decision.notice.is_new_page:
                yield self.facts.now - decision.notice.seen_as_of

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
        page = self._page(notice, storm)
        post = self._post(notice, page) if notice.posts else None
        self._record(notice, post=post, page=page.page, storm=storm)

    def notify_together(self, summary: Summary, storms: Mapping[AlertId, AlertId]) -> None:
        route = self._slack_route(summary.notices[0])
        post = None
        if isinstance(route, Route):
            post = SlackPost(target=route.target, route=route.rule, root=summary_key(summary))
            self.decisions.append(SummaryDecision(summary=summary, post=post))
        for notice in summary.notices:
            self._reported_elsewhere(notice, post, storm=storms.get(notice.alert))

    def fold_into_storm(self, notice: Notice, storm: AlertId | None) -> None:
        """Record an alert that its team's storm reports; one that ends resolves an incident of its own, if it has one."""
        sent = self._state(storm).last_notification if storm is not None else None
        self._reported_elsewhere(notice, sent.post if sent is not None else None, storm=storm)

    def _reported_elsewhere(self, notice: Notice, post: SlackPost | None, *, storm: AlertId | None) -> None:
        """Record a notice that the message of several alerts reports. The alert's own message, if it has one, is edited and stays its own."""
        page, own = self._page(notice, storm), notice.last_post
        if own is not None and is_own_message(own.root, notice.alert):
            stays = post is None or post.target == own.target or notice.kind in ENDINGS
            self._edit(notice, own, page, moved_to="" if stays or post is None else post.target)
            post = own if stays else post
        self._record(notice, post=post, page=page.page, storm=storm)

    def _edit(self, notice: Notice, own: SlackPost, page: PageDecision, *, moved_to: str = "") -> None:
        number = self._next_number(notice.alert)
        self.decisions.append(EditDecision(notice=notice, number=number, post=own, page=page, moved_to=moved_to))

    def _post(self, notice: Notice, page: PageDecision) -> SlackPost | None:
        """Decide the Slack message of one notice: an update of the alert's own, or a new one.

        An ending goes where the alert was posted, the thread of a summary too; anything else to today's route.
        """
        before = notice.last_post
        if notice.kind in ENDINGS and before is not None:
            target, rule = before.target, before.route
        else:
            route = self._slack_route(notice)
            if isinstance(route, Unrouted):
                return None
            target, rule = route.target, route.rule
        number = self._next_number(notice.alert)
        root = key_of(notice.alert, number, Channel.SLACK)
        if (
            before is not None
            and before.target == target
            and (notice.kind in ENDINGS or is_own_message(before.root, notice.alert))
        ):
            root = before.root
        elif before is not None and before.target != target and is_own_message(before.root, notice.alert):
            self._edit(notice, before, page, moved_to=target)
        post = SlackPost(target=target, route=rule, root=root)
        self.decisions.append(PostDecision(notice=notice, number=number, post=post, page=page))
        return post

    def _slack_route(self, notice: Notice) -> Route | Unrouted:
        route = self.routing.slack(notice)
        for rejected in route.rejected:
            platform = self._platform_route()
            if platform is not None:
                self.decisions.append(RejectedChannelDecision(rejected=rejected, route=platform))
        if isinstance(route, Unrouted):
            self.undeliverable[route.reason] = None
        return route

    def _page(self, notice: Notice, storm: AlertId | None) -> PageDecision:
        """Decide the PagerDuty event of a notice, and which incident it leaves open."""
        if storm is not None:
            return PageDecision(outcome=PageOutcome.IN_STORM, detail=str(storm))
        before = notice.open_incident
        if notice.paging is Paging.RESOLVE and before is not None:
            self._resolve(notice.alert, before, reason=notice.reason)
            return PageDecision(outcome=PageOutcome.RESOLVED)
        if notice.paging is not Paging.TRIGGER:
            return PageDecision()
        route = self.routing.pagerduty(notice)
        if isinstance(route, Unrouted):
            if before is None:
                return self._report_missing_pager(notice, route)
            page = before
        elif before is not None and before.target == route.target:
            page = replace(before, route=route.rule)
        else:
            if before is not None:  # resolved at its old service first: never two open for one condition
                moved = move(notice, now=self.facts.now)
                self._resolve(notice.alert, before, reason=moved.reason)
                self._apply(notice.alert, moved)
                self.notices[NoticeKind.MOVED] += 1
            key = dedup_key_of(notice.alert, self.facts.policy.alerts.instance)
            page = OpenIncident(target=route.target, route=route.rule, dedup_key=key)
        self.decisions.append(TriggerDecision(notice=notice, number=self._next_number(notice.alert), page=page))
        return PageDecision(outcome=PageOutcome.PAGED, page=page, detail=page.route)

    def _resolve(self, alert: AlertId, page: OpenIncident, *, reason: str) -> None:
        self.decisions.append(ResolveDecision(alert=alert, number=self._next_number(alert), page=page, reason=reason))

    def _report_missing_pager(self, notice: Notice, route: Unrouted) -> PageDecision:
        platform = self._platform_route()
        if platform is not None:
            self.decisions.append(MissingPagerDecision(alert=notice.alert, team=notice.team, reason=route.reason, route=platform))
        return PageDecision(outcome=PageOutcome.NO_ROUTE, detail=route.reason)

    def report_cluster(self, cluster: ClusterState) -> None:
        """Decide the notice about a cluster that is newly lost or measured again, unless it was sent."""
        as_of = self.facts.as_of
        is_lost = cluster.lost_since is not None and cluster.notified_at is None and cluster.lost_since <= as_of
        has_returned = cluster.lost_since is None and cluster.notified_at is not None and cluster.last_seen <= as_of
        route = self._platform_route() if is_lost or has_returned else None
        if route is not None:
            self.decisions.append((LostClusterDecision if is_lost else ReturnedClusterDecision)(cluster=cluster, route=route))

    def _platform_route(self) -> Route | None:
        route = platform_route(self.facts.policy.routes)
        if isinstance(route, Unrouted):
            self.undeliverable[route.reason] = None
            return None
        return route
