"""Where the notices of a sweep go: the route of each, and what is wrong with the routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.lifecycle import Notice
from alerts.storm import audience_of
from domain.component import Component, Team
from domain.refs import PLATFORM, EntityRef
from domain.routes import (
    Route,
    RoutePolicy,
    Unrouted,
    pagerduty_route,
    parents_of,
    platform_pagerduty_route,
    platform_route,
    slack_route,
)


@dataclass(frozen=True, kw_only=True)
class NoticeRouting:
    """The routes of one sweep's notices."""

    policy: RoutePolicy
    components: Mapping[EntityRef, Component]
    teams: Mapping[EntityRef, Team]

    def slack(self, notice: Notice) -> Route | Unrouted:
        """Return today's Slack route of a notice."""
        audience = audience_of(notice)
        if audience == PLATFORM:
            return platform_route(self.policy)
        return slack_route(
            self.policy,
            team=audience,
            component=self.components.get(notice.alert.about),
            owner=self.teams.get(audience),
            parents=parents_of(audience, self.teams),
        )

    def channel(self, notice: Notice) -> str:
        """Return the Slack channel of a notice; empty if it has none."""
        route = self.slack(notice)
        return route.target if isinstance(route, Route) else ""

    def pagerduty(self, notice: Notice) -> Route | Unrouted:
        """Return today's PagerDuty route of a notice."""
        if notice.team == PLATFORM:
            return platform_pagerduty_route(self.policy)
        component, owner = self.components.get(notice.alert.about), self.teams.get(notice.team)
        return pagerduty_route(self.policy, team=notice.team, component=component, owner=owner)
