"""Turns settings and the configuration file into the values that stages and gateway decide with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from actions.ports import no_link
from alerts.policy import AlertPolicy, PagingMode, Rules, RuleSettings, StormLimits
from clients.http.loopback import is_loopback_host
from clients.scaleops.links import DashboardLinks
from domain.component import RoutingKey
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.urls import is_cluster_internal_host
from domain.weeks import Schedule, Schedules, parse_day, parse_zone
from store.retention import Retention
from tasks.context import Policy
from wiring.config_file import ConfigFile
from wiring.config_sections import RuleSection, RulesSection, TeamSection
from wiring.environment import read_secret_file
from wiring.secrets import page_links
from wiring.settings import Settings


def build_policy(settings: Settings, config: ConfigFile) -> Policy:
    """Build what the stages decide with.

    Raises:
        SettingsError: the file of a routing key cannot be read.
    """
    links = settings.scaleops_link_to_dashboard and settings.scaleops_base_url
    return Policy(
        instance=settings.instance,
        currency=settings.scaleops_currency,
        collect_every=settings.worker_collect_every,
        watch_every=settings.worker_watch_every,
        sweep_limit=settings.worker_sweep_limit,
        max_in_flight=settings.scaleops_max_concurrency,
        uses_bulk=settings.scaleops_bulk == "auto",
        schedules=Schedules(
            default=_schedule(settings, TeamSection()),
            teams={ref: _schedule(settings, team) for ref, team in config.teams.items()},
        ),
        namespaces_allowed=dict(config.selectors.namespaces),
        alerts=alert_policy(settings, config),
        routes=_route_policy(settings, config),
        quiet_teams=frozenset(ref for ref, team in config.teams.items() if team.quiet),
        shared_namespaces=frozenset(config.unallocated.shared),
        removed_clusters=frozenset(config.clusters.removed),
        retention=Retention(**config.retention.model_dump()),
        dashboard_link=DashboardLinks(links) if links else no_link,
        pagerduty_changes=config.pagerduty.changes,
        catalog_url=_catalog_url(settings),
        public_url=settings.worker_public_url if can_link_pages(settings) else None,
        page_links=page_links(settings),
        docs_url=settings.worker_docs_url,
    )


def _catalog_url(settings: Settings) -> str | None:
    """Return the address of Backstage that the browser of any reader can open."""
    host = urlsplit(settings.backstage_base_url or "").hostname
    is_reachable = host is not None and not is_cluster_internal_host(host) and not is_loopback_host(host)
    return settings.backstage_app_url or (settings.backstage_base_url if is_reachable else None)


def can_link_pages(settings: Settings) -> bool:
    """Return True if a reader can open a link to a page: it is signed, or the gateway asks for no token."""
    return settings.worker_secret_key is not None or settings.gateway_auth == "none"


def _route_policy(settings: Settings, config: ConfigFile) -> RoutePolicy:
    """Build the routes, with routing keys by their fingerprints."""
    default = settings.pagerduty_routing_key
    return RoutePolicy(
        slack_annotations=config.routes.slack_annotations,
        allowed_channels=frozenset(config.routes.allowed_channels),
        slack_by_team={ref: team.slack_channel for ref, team in config.teams.items() if team.slack_channel},
        slack_default=settings.slack_default_channel,
        platform_channel=settings.worker_platform_channel,
        monthly_channel=config.monthly.slack_channel,
        pagerduty_by_team={ref: key.fingerprint for ref, key in routing_keys_by_team(config).items()},
        pagerduty_default=RoutingKey(default.get_secret_value()).fingerprint if default else None,
    )


def routing_keys_by_team(config: ConfigFile) -> dict[EntityRef, RoutingKey]:
    """Read the routing keys whose files the configuration names.

    Raises:
        SettingsError: a file cannot be read or is empty.
    """
    return {
        ref: RoutingKey(read_secret_file(team.pagerduty_routing_key_file, f"teams.{ref}.pagerduty_routing_key_file"))
        for ref, team in config.teams.items()
        if team.pagerduty_routing_key_file
    }


def _schedule(settings: Settings, team: TeamSection) -> Schedule:
    return Schedule(
        zone=parse_zone(team.timezone or settings.worker_timezone),
        day=parse_day(team.report_day or settings.worker_report_day),
        at=team.report_time or settings.worker_report_time,
    )


def alert_policy(settings: Settings, config: ConfigFile) -> AlertPolicy:
    """Build the alert policy: the defaults, overridden by the file for all components and for single ones."""
    rules = _rules(config.alerts, Rules())
    storm = config.alerts.storm.model_dump(exclude_none=True)
    budgets = {ref: team.monthly_budget for ref, team in config.teams.items() if team.monthly_budget is not None}
    budgets |= {ref: own.monthly_budget for ref, own in config.components.items() if own.monthly_budget is not None}
    return AlertPolicy(
        instance=settings.instance,
        rules=rules,
        component_rules={ref: _rules(own.alerts, rules) for ref, own in config.components.items()},
        monthly_budgets=budgets,
        storm=replace(StormLimits(), **storm),
        non_production_clusters=frozenset(config.clusters.non_production),
        full_sweep_every=settings.worker_collect_every,
    )


def _rules(section: RulesSection, defaults: Rules) -> Rules:
    changes: dict[str, Any] = {
        name: _override(getattr(defaults, name), own) for name, own in section if isinstance(own, RuleSection)
    }
    return replace(defaults, **changes)


def _override(defaults: RuleSettings, section: RuleSection) -> RuleSettings:
    changes: dict[str, Any] = section.model_dump(exclude_none=True)
    if "repeat_after" in changes:
        # Of a rule that pages it applies to pages: the default of 24h, spelled out, must not repeat in Slack daily as well.
        pages = changes.get("page", defaults.page) is not PagingMode.NEVER
        after, posts_after = changes["repeat_after"], defaults.slack_repeat_after
        changes["slack_repeat_after"] = after if not pages else posts_after and max(after, posts_after)
    return replace(defaults, **changes)
