"""Where a message goes, and by which rule. Without a route of its own it goes to the platform channel.

Slack:     annotation on the component > on its owner > on the owner's parent groups > configuration > default channel
PagerDuty: annotation on the component > on its owner > configuration > default key
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.component import Component, NotificationTargets, Team
from domain.refs import EntityRef

DEFAULT_ANNOTATION = "slack.com/bot-notify"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicy:
    """The routes of the settings and the configuration file."""

    slack_annotations: tuple[str, ...] = (DEFAULT_ANNOTATION,)
    """Annotation keys that name a Slack channel, in order of precedence."""
    allowed_channels: frozenset[str] = frozenset()
    """The only channels that an annotation may name; empty: any. What the configuration names is always allowed."""
    slack_by_team: Mapping[EntityRef, str] = field(default_factory=dict)
    slack_default: str | None = None
    platform_channel: str | None = None
    """Falls back to the default channel."""
    monthly_channel: str | None = None
    """Of the monthly roll-up; None: it is not sent."""
    pagerduty_by_team: Mapping[EntityRef, str] = field(default_factory=dict)
    """Fingerprints of routing keys."""
    pagerduty_default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedChannel:
    """An annotation that names a channel which `routes.allowed_channels` does not list."""

    entity: EntityRef
    annotation: str
    channel: str

    def __str__(self) -> str:
        return f"{self.annotation} of {self.entity} names the channel {self.channel}, which routes.allowed_channels does not list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A target, and the rule that chose it."""

    target: str
    """A Slack channel id, or the fingerprint of a PagerDuty routing key."""
    rule: str
    rejected: tuple[RejectedChannel, ...] = ()
    """Channels that are not allowed; each is reported to the platform channel."""
    is_fallback: bool = False
    """No rule names a target for this entity: it counts as unrouted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrouted:
    """There is no route, and why."""

    reason: str
    rejected: tuple[RejectedChannel, ...] = ()


def slack_route(
    policy: RoutePolicy,
    *,
    team: EntityRef,
    component: Component | None = None,
    owner: Team | None = None,
    parents: Sequence[Team] = (),
) -> Route | Unrouted:
    """Return the Slack channel of a component, or of a team without a component.

    `owner` is the team as the catalog knows it, `parents` its parent groups, the nearest first.
    """
    found: list[RejectedChannel] = []
    for entity, contact, place in _places(component, owner, parents):
        for annotation, channel in _candidates(contact, policy.slack_annotations):
            if policy.allowed_channels and channel not in policy.allowed_channels:
                found.append(RejectedChannel(entity=entity, annotation=annotation, channel=channel))
            else:
                return Route(target=channel, rule=f"the annotation {annotation} on {place} {entity}", rejected=tuple(found))
    rejected = tuple(found)
    configured = policy.slack_by_team.get(team)
    if configured:
        return Route(target=configured, rule=f"slack_channel of {team} in the configuration file", rejected=rejected)
    if policy.slack_default:
        rule = f"SLACK_DEFAULT_CHANNEL, because nothing names a channel for {team}"
        return Route(target=policy.slack_default, rule=rule, rejected=rejected, is_fallback=True)
    platform = platform_route(policy)
    if isinstance(platform, Unrouted):
        return Unrouted(reason=f"nothing names a Slack channel for {team}, and {platform.reason}", rejected=rejected)
    rule = f"the platform channel, because nothing names a channel for {team}"
    return Route(target=platform.target, rule=rule, rejected=rejected, is_fallback=True)


def platform_route(policy: RoutePolicy) -> Route | Unrouted:
    """Return the channel of the platform team."""
    if policy.platform_channel:
        return Route(target=policy.platform_channel, rule="WORKER_PLATFORM_CHANNEL")
    if policy.slack_default:
        return Route(target=policy.slack_default, rule="SLACK_DEFAULT_CHANNEL, because WORKER_PLATFORM_CHANNEL is not set")
    return Unrouted(reason="neither WORKER_PLATFORM_CHANNEL nor SLACK_DEFAULT_CHANNEL is set")


def monthly_route(policy: RoutePolicy) -> Route | Unrouted:
    """Return the channel of the monthly roll-up, which has no default."""
    if policy.monthly_channel:
        return Route(target=policy.monthly_channel, rule="monthly.slack_channel of the configuration file")
    return Unrouted(reason="monthly.slack_channel of the configuration file is not set")


def pagerduty_route(
    policy: RoutePolicy, *, team: EntityRef, component: Component | None = None, owner: Team | None = None
) -> Route | Unrouted:
    """Return the fingerprint of the PagerDuty routing key of a component, or of a team without a component."""
    for entity, contact, place in _places(component, owner, ()):
        if contact.pagerduty_fingerprint:
            rule = f"the annotation pagerduty.com/integration-key on {place} {entity}"
            return Route(target=contact.pagerduty_fingerprint, rule=rule)
    configured = policy.pagerduty_by_team.get(team)
    if configured:
        return Route(target=configured, rule=f"pagerduty_routing_key_file of {team} in the configuration file")
    if policy.pagerduty_default:
        rule = f"PAGERDUTY_ROUTING_KEY, because nothing names a key for {team}"
        return Route(target=policy.pagerduty_default, rule=rule, is_fallback=True)
    return Unrouted(reason=f"nothing names a PagerDuty key for {team}, and PAGERDUTY_ROUTING_KEY is not set")


def platform_pagerduty_route(policy: RoutePolicy) -> Route | Unrouted:
    """Return the fingerprint of the platform team's PagerDuty routing key."""
    if policy.pagerduty_default:
        return Route(target=policy.pagerduty_default, rule="PAGERDUTY_ROUTING_KEY")
    return Unrouted(reason="PAGERDUTY_ROUTING_KEY is not set")


def parents_of(team: EntityRef, teams: Mapping[EntityRef, Team]) -> tuple[Team, ...]:
    """Return the parent groups of a team, the nearest first; a cycle ends where it closes."""
    seen = {team}
    found: list[Team] = []
    known = teams.get(team)
    while known is not None and known.parent is not None and known.parent not in seen:
        seen.add(known.parent)
        known = teams.get(known.parent)
        if known is not None:
            found.append(known)
    return tuple(found)


def _places(
    component: Component | None, owner: Team | None, parents: Iterable[Team]
) -> Iterable[tuple[EntityRef, NotificationTargets, str]]:
    if component is not None:
        yield component.ref, component.contact, "the component"
    if owner is not None:
        yield owner.ref, owner.contact, "its owner"
    for parent in parents:
        yield parent.ref, parent.contact, "the parent group"


def _candidates(contact: NotificationTargets, annotations: Sequence[str]) -> Iterable[tuple[str, str]]:
    named = {key: channel.strip() for key, channel in contact.slack_channels}
    return ((key, named[key]) for key in annotations if named.get(key))  # in the order of the settings
