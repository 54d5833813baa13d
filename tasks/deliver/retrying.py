"""Retries messages by hand: to where they would go today, and with the message that starts their thread."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.observations import AlertId, InvalidAlertId
from alerts.storm import PLATFORM_RULES
from domain.component import Component, Team
from domain.messages import Channel, Message
from domain.refs import PLATFORM, UNOWNED, EntityRef, InvalidReference
from domain.routes import Route, Unrouted, parents_of, platform_route, slack_route
from store import Transaction
from tasks.context import StageContext
from tasks.deliver.undeliverable import is_meta_notice


def retry(context: StageContext, key: str) -> tuple[str, ...]:
    """Requeue a message that failed, expired or is unconfirmed, after the message that starts its thread unless that has arrived.

    Returns:
        The keys of the requeued messages with their targets, in order; empty if there is no such message, or it is sent or leased.
    """
    now, requeued = context.clock(), []
    with context.store.transaction() as t:
        record = t.outbox.get(key)
        root = record.message.thread_of if record is not None else None
        first = [root] if root is not None and t.outbox.location_of(root) is None else []
        for each in (*first, key):
            found = t.outbox.get(each)
            target = _target_today(context, t, found.message) if found is not None else None
            if found is not None and t.outbox.retry(each, now, target=target):
                requeued.append(f"{each} to {target or found.message.target}")
        if not any(one.startswith(f"{key} to ") for one in requeued):
            return ()
    return tuple(requeued)


def _target_today(context: StageContext, t: Transaction, message: Message) -> str | None:
    """Return the Slack channel by the present configuration and catalog; None: the message keeps its target.

    An event of PagerDuty keeps its key: its resolve goes to the service that its trigger opened an incident at.
    """
    if message.channel is not Channel.SLACK:
        return None
    route = _route_today(context, t, message)
    return route.target if isinstance(route, Route) else None


def _route_today(context: StageContext, t: Transaction, message: Message) -> Route | Unrouted:
    policy, about = context.policy.routes, _ref_of(message.about)
    if about in {PLATFORM, UNOWNED} or is_meta_notice(message) or _is_for_platform(message.key):
        return platform_route(policy)
    component: Component | None = t.components.get(about)
    teams: Mapping[EntityRef, Team] = t.components.teams()
    team = component.team if component is not None else about
    return slack_route(policy, team=team, component=component, owner=teams.get(team), parents=parents_of(team, teams))


def _ref_of(about: str) -> EntityRef:
    try:
        return EntityRef.parse(about)
    except InvalidReference:
        return PLATFORM


def _is_for_platform(key: str) -> bool:
    """Return True for the message of an alert that concerns the platform team: `alert:<alert>:<number>:slack`."""
    prefix, _, rest = key.partition(":")
    try:
        return prefix == "alert" and AlertId.parse(rest.rsplit(":", 2)[0]).rule in PLATFORM_RULES
    except InvalidAlertId:
        return False
