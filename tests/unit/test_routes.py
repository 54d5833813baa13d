"""Where something goes, and by which rule."""

from dataclasses import replace

import pytest

from domain import routes
from domain.component import NotificationTargets
from domain.refs import EntityRef
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_team

NOTIFY = "slack.com/bot-notify"
SHOP = EntityRef("group", "default", "shop")
ALL = EntityRef("group", "default", "all")
FULL = routes.RoutePolicy(
    slack_by_team={PAYMENTS: "C-CONFIG"},
    slack_default="C-DEFAULT",
    platform_channel="C-PLATFORM",
    pagerduty_by_team={PAYMENTS: "key-config"},
    pagerduty_default="key-default",
)


def contact(channel: str | None = None, key: str | None = None, annotation: str = NOTIFY) -> NotificationTargets:
    return NotificationTargets(slack_channels=((annotation, channel),) if channel else (), pagerduty_fingerprint=key)


def routed(route: routes.Route | routes.Unrouted) -> routes.Route:
    assert isinstance(route, routes.Route)
    return route


@pytest.mark.parametrize(
    ("own", "owners", "parents", "target", "rule"),
    [
        ("C1", "C2", ["C3"], "C1", "the annotation slack.com/bot-notify on the component component:default/checkout"),
        (None, "C2", ["C3"], "C2", "the annotation slack.com/bot-notify on its owner group:default/payments"),
        (None, None, ["C3", "C4"], "C3", "the annotation slack.com/bot-notify on the parent group group:default/shop"),
        (None, None, [None, "C4"], "C4", "the annotation slack.com/bot-notify on the parent group group:default/shop"),
        (None, None, [None], "C-CONFIG", "slack_channel of group:default/payments in the configuration file"),
    ],
)
def test_slack_goes_to_the_nearest_entity_that_names_a_channel(
    own: str | None, owners: str | None, parents: list[str | None], target: str, rule: str
) -> None:
    owner = make_team(PAYMENTS, contact=contact(owners))
    above = [make_team(SHOP, contact=contact(channel)) for channel in parents]
    of = make_component(contact=contact(own))
    expected = routes.Route(target=target, rule=rule)
    assert routes.slack_route(FULL, team=PAYMENTS, component=of, owner=owner, parents=above) == expected


@pytest.mark.parametrize(
    ("own", "owners", "target", "rule"),
    [
        ("key-1", "key-2", "key-1", "the annotation pagerduty.com/integration-key on the component component:default/checkout"),
        (None, "key-2", "key-2", "the annotation pagerduty.com/integration-key on its owner group:default/payments"),
        (None, None, "key-config", "pagerduty_routing_key_file of group:default/payments in the configuration file"),
    ],
)
def test_pagerduty_goes_to_the_nearest_entity_that_names_a_key(
    own: str | None, owners: str | None, target: str, rule: str
) -> None:
    of, owner = make_component(contact=contact(key=own)), make_team(PAYMENTS, contact=contact(key=owners))
    assert routes.pagerduty_route(FULL, team=PAYMENTS, component=of, owner=owner) == routes.Route(target=target, rule=rule)


def test_a_route_says_by_which_rule() -> None:
    by_annotation = routed(routes.slack_route(FULL, team=PAYMENTS, component=make_component(contact=contact("C1"))))
    assert by_annotation.rule == "the annotation slack.com/bot-notify on the component component:default/checkout"
    by_default = routed(routes.slack_route(routes.RoutePolicy(slack_default="C9"), team=SHOP))
    assert by_default.rule == "SLACK_DEFAULT_CHANNEL, because nothing names a channel for group:default/shop"
    assert by_default.is_fallback
    assert not by_annotation.is_fallback


def test_the_settings_choose_the_annotation_and_its_precedence() -> None:
    candidates = NotificationTargets(slack_channels=((NOTIFY, "C1"), ("acme.io/alerts", "C2"), ("acme.io/other", "C3")))
    policy = routes.RoutePolicy(slack_annotations=("acme.io/alerts", NOTIFY))
    assert routed(routes.slack_route(policy, team=PAYMENTS, component=make_component(contact=candidates))).target == "C2"


def test_a_channel_that_is_not_allowed_is_skipped_and_reported() -> None:
    policy = routes.RoutePolicy(allowed_channels=frozenset({"C2"}), slack_default="C9")
    of, owner = make_component(contact=contact("C1")), make_team(PAYMENTS, contact=contact("C2"))
    route = routed(routes.slack_route(policy, team=PAYMENTS, component=of, owner=owner))
    assert route.target == "C2"
    assert route.rejected == (routes.RejectedChannel(entity=CHECKOUT, annotation=NOTIFY, channel="C1"),)
    assert "routes.allowed_channels" in str(route.rejected[0])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            routes.RoutePolicy(slack_by_team={PAYMENTS: "C7"}),
            routes.Route(target="C7", rule="slack_channel of group:default/payments in the configuration file"),
        ),
        (
            routes.RoutePolicy(slack_default="C8", platform_channel="C9"),
            routes.Route(
                target="C8",
                rule="SLACK_DEFAULT_CHANNEL, because nothing names a channel for group:default/payments",
                is_fallback=True,
            ),
        ),
        (
            routes.RoutePolicy(platform_channel="C9"),
            routes.Route(
                target="C9",
                rule="the platform channel, because nothing names a channel for group:default/payments",
                is_fallback=True,
            ),
        ),
        (
            routes.RoutePolicy(),
            routes.Unrouted(
                reason="nothing names a Slack channel for group:default/payments, "
                "and neither WORKER_PLATFORM_CHANNEL nor SLACK_DEFAULT_CHANNEL is set"
            ),
        ),
    ],
)
def test_a_channel_that_is_not_allowed_is_reported_wherever_the_message_goes(
    policy: routes.RoutePolicy, expected: routes.Route | routes.Unrouted
) -> None:
    of, limited = make_component(contact=contact("C1")), replace(policy, allowed_channels=frozenset({"C2"}))
    rejected = (routes.RejectedChannel(entity=CHECKOUT, annotation=NOTIFY, channel="C1"),)
    assert routes.slack_route(limited, team=PAYMENTS, component=of) == replace(expected, rejected=rejected)


def test_a_channel_of_the_configuration_is_always_allowed() -> None:
    policy = routes.RoutePolicy(allowed_channels=frozenset({"C2"}), slack_by_team={PAYMENTS: "C7"})
    assert routed(routes.slack_route(policy, team=PAYMENTS, component=make_component(contact=contact("C1")))).target == "C7"


def test_without_any_route_the_reason_names_the_setting() -> None:
    route = routes.slack_route(routes.RoutePolicy(), team=PAYMENTS)
    assert isinstance(route, routes.Unrouted)
    assert "SLACK_DEFAULT_CHANNEL" in route.reason
    page = routes.pagerduty_route(routes.RoutePolicy(), team=PAYMENTS)
    assert isinstance(page, routes.Unrouted)
    assert "PAGERDUTY_ROUTING_KEY" in page.reason


def test_the_platform_falls_back_to_the_default_channel() -> None:
    assert routed(routes.platform_route(FULL)).target == "C-PLATFORM"
    assert routed(routes.platform_route(routes.RoutePolicy(slack_default="C-DEFAULT"))).target == "C-DEFAULT"
    assert isinstance(routes.platform_route(routes.RoutePolicy()), routes.Unrouted)
    assert routed(routes.platform_pagerduty_route(FULL)).target == "key-default"
    assert isinstance(routes.platform_pagerduty_route(routes.RoutePolicy()), routes.Unrouted)


def test_the_routes_of_the_platform_name_the_setting_that_chose_them() -> None:
    default, nothing = routes.RoutePolicy(slack_default="C-DEFAULT", monthly_channel="C-MONTH"), routes.RoutePolicy()

    assert routes.platform_route(FULL) == routes.Route(target="C-PLATFORM", rule="WORKER_PLATFORM_CHANNEL")
    assert routes.platform_route(default) == routes.Route(
        target="C-DEFAULT", rule="SLACK_DEFAULT_CHANNEL, because WORKER_PLATFORM_CHANNEL is not set"
    )
    assert routes.platform_route(nothing) == routes.Unrouted(
        reason="neither WORKER_PLATFORM_CHANNEL nor SLACK_DEFAULT_CHANNEL is set"
    )
    assert routes.monthly_route(default) == routes.Route(target="C-MONTH", rule="monthly.slack_channel of the configuration file")
    assert routes.monthly_route(nothing) == routes.Unrouted(reason="monthly.slack_channel of the configuration file is not set")
    assert routes.platform_pagerduty_route(FULL) == routes.Route(target="key-default", rule="PAGERDUTY_ROUTING_KEY")
    assert routes.platform_pagerduty_route(nothing) == routes.Unrouted(reason="PAGERDUTY_ROUTING_KEY is not set")


def test_a_route_by_default_counts_as_unrouted() -> None:
    default = routes.RoutePolicy(pagerduty_default="key-default", slack_default="C-DEFAULT")
    page, post = routed(routes.pagerduty_route(default, team=PAYMENTS)), routed(routes.slack_route(default, team=PAYMENTS))

    assert page == routes.Route(
        target="key-default",
        rule="PAGERDUTY_ROUTING_KEY, because nothing names a key for group:default/payments",
        is_fallback=True,
    )
    assert (post.is_fallback, post.rule) == (
        True,
        "SLACK_DEFAULT_CHANNEL, because nothing names a channel for group:default/payments",
    )
    assert not routed(routes.pagerduty_route(FULL, team=PAYMENTS)).is_fallback
    assert routes.pagerduty_route(routes.RoutePolicy(), team=PAYMENTS) == routes.Unrouted(
        reason="nothing names a PagerDuty key for group:default/payments, and PAGERDUTY_ROUTING_KEY is not set"
    )


@pytest.mark.parametrize("top", [PAYMENTS, SHOP], ids=["a cycle", "a cycle above the team"])
def test_parents_are_the_nearest_first_and_a_cycle_ends(top: EntityRef) -> None:
    teams = {PAYMENTS: make_team(PAYMENTS, parent=SHOP), SHOP: make_team(SHOP, parent=ALL), ALL: make_team(ALL, parent=top)}
    assert [team.ref for team in routes.parents_of(PAYMENTS, teams)] == [SHOP, ALL]
    assert routes.parents_of(EntityRef("group", "default", "nobody"), teams) == ()
