"""Where notices go: routes, pages, missing and refused destinations."""

from alerts.states import Phase
from alerts.storm import storm_of
from domain.messages import Channel, EventAction
from domain.refs import PLATFORM, EntityRef
from domain.routes import RoutePolicy
from store import Store
from tests.factories import PAYMENTS, make_component, make_contact
from tests.integration.alert_installation import KEY, OTHER_KEY, TEAM_CHANNEL, Installation, alert, fine, group, starved
from tests.integration.evaluate_samples import actions_of, payload_of, text_of
from tests.stage_factories import PLATFORM_CHANNEL


def test_a_storm_is_one_page_and_resolves_with_the_last(store: Store) -> None:
    names = [f"c{number}" for number in range(7)]
    installation = Installation(store=store, components=[make_component(name) for name in names])
    installation.run({name: [fine(name)] for name in names})
    page, post = installation.run({name: [starved(name)] for name in names})
    assert payload_of(page)["dedup_key"] == "test:storm:group:default/payments"
    assert (page.action, page.target, post.target) == (EventAction.TRIGGER, KEY, TEAM_CHANNEL)
    assert text_of(post).startswith("Payments: 7 alerts at once")
    most = {name: [fine(name)] for name in names[1:]}
    assert installation.run(*({"c0": [starved("c0")], **most} for _ in range(2))) == []
    assert installation.state(storm_of(PAYMENTS)).phase is Phase.FIRING
    resolve, reply = installation.run({"c0": [fine("c0")], **most}, {"c0": [fine("c0")], **most})
    assert (resolve.action, resolve.target) == (EventAction.RESOLVE, KEY)
    assert payload_of(resolve)["dedup_key"] == payload_of(page)["dedup_key"]
    assert reply.thread_of == post.key
    for name in names:
        assert installation.state(alert(name)).phase is Phase.QUIET


def test_a_storm_over_many_teams_pages_the_platform_once(store: Store) -> None:
    teams = [EntityRef("group", "default", f"t{number:02}") for number in range(11)]
    installation = Installation(
        store=store,
        components=[make_component(team.name, team=team) for team in teams],
        teams=[group(team, channel=f"C0{team.name.upper()}") for team in teams],
        routes=RoutePolicy(platform_channel=PLATFORM_CHANNEL, pagerduty_default=OTHER_KEY),
    )
    well = {team.name: [fine(team.name)] for team in teams}
    ill = {team.name: [starved(team.name)] for team in teams}
    messages = installation.run(well, ill, ill)
    (page,) = [message for message in messages if message.channel is Channel.PAGERDUTY]
    assert (page.target, payload_of(page)["dedup_key"]) == (OTHER_KEY, f"test:storm:{PLATFORM}")
    posts = [message for message in messages if message.channel is Channel.SLACK]
    assert {message.target for message in posts} == {PLATFORM_CHANNEL, *(f"C0{team.name.upper()}" for team in teams)}
    messages = installation.run(well, well)
    assert [message.action for message in messages if message.channel is Channel.PAGERDUTY] == [EventAction.RESOLVE]


def test_a_resolve_takes_the_route_of_its_opening_after_the_owner_changed(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    other = EntityRef("group", "default", "search")
    installation.components = [make_component("checkout", team=other)]
    installation.teams = [group(), group(other, channel="C0SEARCH", key=OTHER_KEY)]
    resolve, reply = installation.run({"checkout": [fine()]}, {"checkout": [fine()]})
    assert (resolve.target, reply.target) == (KEY, TEAM_CHANNEL)


def test_a_page_with_a_new_route_moves_and_is_never_open_twice(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    installation.components = [make_component(contact=make_contact(pagerduty=OTHER_KEY))]
    resolve, trigger, _ = installation.run({"checkout": [starved(kills=5)]})
    assert actions_of([resolve, trigger]) == [
        (Channel.PAGERDUTY, EventAction.RESOLVE, KEY),
        (Channel.PAGERDUTY, EventAction.TRIGGER, OTHER_KEY),
    ]
    messages = installation.run({"checkout": [fine()]}, {"checkout": [fine()]})
    assert [message.target for message in messages if message.channel is Channel.PAGERDUTY] == [OTHER_KEY]


def test_without_a_pagerduty_key_slack_says_that_no_one_was_paged(installation: Installation) -> None:
    installation.teams = [group(key=None)]
    messages = installation.run(*({"checkout": [starved()]} for _ in range(4)))
    assert {message.channel for message in messages} == {Channel.SLACK}
    post, notice = sorted(messages, key=lambda message: message.target, reverse=True)
    assert "No one was paged" in text_of(notice if notice.target == TEAM_CHANNEL else post)
    assert {message.target for message in messages} == {TEAM_CHANNEL, PLATFORM_CHANNEL}


def test_without_a_channel_it_is_undeliverable_in_slack_and_still_pages(installation: Installation) -> None:
    installation.teams, installation.routes = [group(channel=None)], RoutePolicy()
    installation.sweep({"checkout": [starved()]})
    evaluated = installation.evaluate()
    (page,) = installation.new_messages()
    assert page.channel is Channel.PAGERDUTY
    assert "SLACK_DEFAULT_CHANNEL" in evaluated.undeliverable[0]


def test_a_channel_that_is_not_allowed_is_reported_to_the_platform_once(installation: Installation) -> None:
    installation.routes = RoutePolicy(
        platform_channel=PLATFORM_CHANNEL, slack_default="C0DEFAULT", allowed_channels=frozenset({"C0OTHER"})
    )
    messages = installation.run(*({"checkout": [starved(kills=0)]} for _ in range(3)), {"checkout": [starved(kills=3)]})
    refused = [message for message in messages if message.target == PLATFORM_CHANNEL]
    assert len(refused) == 1
    assert "routes.allowed_channels" in text_of(refused[0])
    assert len([message for message in messages if message.target == "C0DEFAULT"]) == 2
