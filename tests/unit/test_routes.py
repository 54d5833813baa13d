"""Where something goes, and by which rule."""

import pytest

from domain.component import NotificationTargets
from domain.refs import EntityRef
from domain.routes import (
    RejectedChannel,
    Route,
    RoutePolicy,
    Unrouted,
    pagerduty_route,
    parents_of,
    platform_pagerduty_route,
    platform_route,
    slack_route,
)
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_team

NOTIFY = "slack.com/bot-notify"
SHOP = EntityRef("group", "default", "shop")
ALL = EntityRef("group", "default", "all")
FULL = RoutePolicy(
    slack_by_team={PAYMENTS: "C-CONFIG"},
    slack_default="C-DEFAULT",
    platform_channel="C-PLATFORM",
    pagerduty_by_team={PAYMENTS: "key-config"},
    pagerduty_default="key-default",
)


def contact(channel: str | None = None, key: str | None = None, annotation: str = NOTIFY) -> NotificationTargets:
    return NotificationTargets(slack_channels=((annotation, channel),) if channel else (), pagerduty_fingerprint=key)


@pytest.mark.parametrize(
    ("own", "owners", "parents", "policy", "target"),
    [
        ("C1", "C2", ["C3"], FULL, "C1"),
        (None, "C2", ["C3"], FULL, "C2"),
        (None, None, ["C3", "C4"], FULL, "C3"),
        (None, None, [None, "C4"], FULL, "C4"),
        (None, None, [None], FULL, "C-CONFIG"),
        (None, None, [], RoutePolicy(slack_default="C-DEFAULT", platform_channel="C-PLATFORM"), "C-DEFAULT"),
        (None, None, [], RoutePolicy(platform_channel="C-PLATFORM"), "C-PLATFORM"),
    ],
)
def test_slack_goes_to_the_nearest_entity_that_names_a_channel(
    own: str | None, owners: str | None, parents: list[str | None], policy: RoutePolicy, target: str
) -> None:
    route = slack_route(
        policy,
        team=PAYMENTS,
        component=make_component(contact=contact(own)),
        owner=make_team(PAYMENTS, contact=contact(owners)),
        parents=[make_team(SHOP, contact=contact(channel)) for channel in parents],
    )
    assert isinstance(route, Route)
    assert route.target == target


@pytest.mark.parametrize(
    ("own", "owners", "policy", "target"),
    [
        ("key-1", "key-2", FULL, "key-1"),
        (None, "key-2", FULL, "key-2"),
        (None, None, FULL, "key-config"),
        (None, None, RoutePolicy(pagerduty_default="key-default"), "key-default"),
    ],
)
def test_pagerduty_goes_to_the_nearest_entity_that_names_a_key(
    own: str | None, owners: str | None, policy: RoutePolicy, target: str
) -> None:
    of, owner = make_component(contact=contact(key=own)), make_team(PAYMENTS, contact=contact(key=owners))
    route = pagerduty_route(policy, team=PAYMENTS, component=of, owner=owner)
    assert isinstance(route, Route)
    assert route.target == target


def test_a_route_says_by_which_rule() -> None:
    by_annotation = slack_route(FULL, team=PAYMENTS, component=make_component(contact=contact("C1")))
    assert isinstance(by_annotation, Route)
    assert by_annotation.rule == "the annotation slack.com/bot-notify on the component component:default/checkout"
    by_default = slack_route(RoutePolicy(slack_default="C9"), team=SHOP)
    assert isinstance(by_default, Route)
    assert by_default.rule == "SLACK_DEFAULT_CHANNEL, because nothing names a channel for group:default/shop"
    assert by_default.is_fallback
    assert not by_annotation.is_fallback


def test_the_settings_choose_the_annotation_and_its_precedence() -> None:
    candidates = NotificationTargets(slack_channels=((NOTIFY, "C1"), ("acme.io/alerts", "C2"), ("acme.io/other", "C3")))
    policy = RoutePolicy(slack_annotations=("acme.io/alerts", NOTIFY))
    route = slack_route(policy, team=PAYMENTS, component=make_component(contact=candidates))
    assert isinstance(route, Route)
    assert route.target == "C2"


def test_a_channel_that_is_not_allowed_is_skipped_and_reported() -> None:
    policy = RoutePolicy(allowed_channels=frozenset({"C2"}), slack_default="C9")
    route = slack_route(
        policy, team=PAYMENTS, component=make_component(contact=contact("C1")), owner=make_team(PAYMENTS, contact=contact("C2"))
    )
    assert isinstance(route, Route)
    assert route.target == "C2"
    assert route.rejected == (RejectedChannel(entity=CHECKOUT, annotation=NOTIFY, channel="C1"),)
    assert "routes.allowed_channels" in str(route.rejected[0])


def test_a_channel_of_the_configuration_is_always_allowed() -> None:
    policy = RoutePolicy(allowed_channels=frozenset({"C2"}), slack_by_team={PAYMENTS: "C7"})
    route = slack_route(policy, team=PAYMENTS, component=make_component(contact=contact("C1")))
    assert isinstance(route, Route)
    assert route.target == "C7"


def test_without_any_route_the_reason_names_the_setting() -> None:
    route = slack_route(RoutePolicy(), team=PAYMENTS)
    assert isinstance(route, Unrouted)
    assert "SLACK_DEFAULT_CHANNEL" in route.reason
    page = pagerduty_route(RoutePolicy(), team=PAYMENTS)
    assert isinstance(page, Unrouted)
    assert "PAGERDUTY_ROUTING_KEY" in page.reason


def test_the_platform_falls_back_to_the_default_channel() -> None:
    own, fallback = platform_route(FULL), platform_route(RoutePolicy(slack_default="C-DEFAULT"))
    assert isinstance(own, Route)
    assert isinstance(fallback, Route)
    assert (own.target, fallback.target) == ("C-PLATFORM", "C-DEFAULT")
    assert isinstance(platform_route(RoutePolicy()), Unrouted)
    key = platform_pagerduty_route(FULL)
    assert isinstance(key, Route)
    assert key.target == "key-default"
    assert isinstance(platform_pagerduty_route(RoutePolicy()), Unrouted)


def test_parents_are_the_nearest_first_and_a_cycle_ends() -> None:
    teams = {PAYMENTS: make_team(PAYMENTS, parent=SHOP), SHOP: make_team(SHOP, parent=ALL), ALL: make_team(ALL, parent=PAYMENTS)}
    assert [team.ref for team in parents_of(PAYMENTS, teams)] == [SHOP, ALL]
    assert parents_of(EntityRef("group", "default", "nobody"), teams) == ()


def test_a_cycle_above_the_team_ends_too() -> None:
    teams = {PAYMENTS: make_team(PAYMENTS, parent=SHOP), SHOP: make_team(SHOP, parent=ALL), ALL: make_team(ALL, parent=SHOP)}
    assert [team.ref for team in parents_of(PAYMENTS, teams)] == [SHOP, ALL]
