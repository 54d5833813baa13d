"""From stored sweeps to stored messages, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest

from alerts.observations import PLATFORM, AlertId
from alerts.policy import AlertPolicy, OverProvisionedSettings, Rule, Rules
from alerts.states import NoticeKind, Phase
from alerts.storm import OUTAGE, storm_of
from domain.measures import Unknown
from domain.messages import Channel, EventAction, Message
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.tracking import RecommendationEnd
from store import Store
from tasks.evaluate.manual import AlertNotOpen, InvalidSnooze, acknowledge_alert, list_alerts, snooze_alert
from tasks.evaluate.stage import EvaluateResult, evaluate
from tests.integration.evaluating import (
    KEY,
    OTHER_KEY,
    PAYMENTS,
    PLATFORM_CHANNEL,
    START,
    TEAM_CHANNEL,
    Installation,
    Shown,
    alert,
    component,
    fine,
    group,
    lost,
    ref,
    starved,
)


@pytest.fixture
def here(store: Store) -> Installation:
    """Answer an installation with one component, known from a quiet first sweep."""
    installation = Installation(store=store)
    assert installation.live({"checkout": [fine()]}) == []
    return installation


def acts(messages: list[Message]) -> list[tuple[Channel, EventAction, str]]:
    return [(message.channel, message.act, message.target) for message in messages]


def payload(message: Message) -> dict[str, object]:
    return dict(message.renderings[0].payload)


def words(message: Message) -> str:
    return str(message.renderings[-1].payload["text"])


def test_one_page_opens_and_later_resolves(here: Installation) -> None:
    assert here.live({"checkout": [starved()]}) == []
    page, post = here.live({"checkout": [starved()]})
    assert acts([page, post]) == [(Channel.PAGERDUTY, EventAction.TRIGGER, KEY), (Channel.SLACK, EventAction.POST, TEAM_CHANNEL)]
    assert payload(page)["dedup_key"] == "test:under-provisioned:component:default/checkout"
    assert here.state(alert("checkout")).phase is Phase.FIRING
    assert here.live({"checkout": [fine()]}) == []
    resolve, reply = here.live({"checkout": [fine()]})
    assert acts([resolve, reply]) == [
        (Channel.PAGERDUTY, EventAction.RESOLVE, KEY),
        (Channel.SLACK, EventAction.POST, TEAM_CHANNEL),
    ]
    assert payload(resolve)["dedup_key"] == payload(page)["dedup_key"]
    assert reply.thread_of == post.key
    assert here.state(alert("checkout")).phase is Phase.QUIET
    assert page.stream == resolve.stream
    assert page.number < resolve.number


def test_unchanged_over_ten_sweeps_it_is_one_incident_paged_once_a_day(here: Installation) -> None:
    told = here.live(*({"checkout": [starved()]} for _ in range(10)))
    assert [message.act for message in told if message.channel is Channel.PAGERDUTY] == [EventAction.TRIGGER] * 3
    assert len({str(payload(message)["dedup_key"]) for message in told if message.channel is Channel.PAGERDUTY}) == 1
    assert sum(message.channel is Channel.SLACK for message in told) == 1


def test_a_sweep_is_judged_once_and_in_order(here: Installation) -> None:
    for _ in range(3):
        here.sweep({"checkout": [starved()]})
    evaluated = here.judge()
    assert evaluated.sweeps == sorted(evaluated.sweeps)
    assert len(evaluated.sweeps) == 3
    assert evaluated.notices[NoticeKind.OPENED] == 1
    again = here.judge()
    assert (again.sweeps, again.messages) == ([], 0)


def test_an_open_sweep_is_left_alone(here: Installation) -> None:
    with here.store.transaction() as transaction:
        transaction.sweeps.open(START + timedelta(days=1), opened_at=here.now)
    assert here.judge().sweeps == []


def test_a_trouble_half_way_leaves_nothing_behind(here: Installation) -> None:
    here.live({"checkout": [starved()]})
    here.sweep({"checkout": [starved()]})

    def stop(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    context = here.context
    with pytest.raises(KeyboardInterrupt):
        evaluate(replace(context, policy=replace(context.policy, dashboard_link=stop)))
    assert here.told() == []
    assert here.state(alert("checkout")).phase is Phase.PENDING
    here.judge()
    assert len(here.told()) == 2


def test_a_lost_cluster_resolves_nothing_and_is_told_once(here: Installation) -> None:
    here.live({"checkout": [starved()]}, {"checkout": [starved()]})
    with here.store.transaction() as transaction:
        transaction.clusters.record_seen(["east"], as_of=START)
        transaction.clusters.record_lost("east", as_of=START + here.number * timedelta(hours=6))
    (notice, *pages) = here.live(*({"checkout": [lost()]} for _ in range(4)))
    assert notice.target == PLATFORM_CHANNEL
    assert words(notice).startswith("The cluster east is lost")
    assert {page.act for page in pages} <= {EventAction.TRIGGER}
    assert here.state(alert("checkout")).phase is Phase.FIRING
    told = here.live({"checkout": [fine()]}, {"checkout": [fine()]})
    assert [message.act for message in told] == [EventAction.RESOLVE, EventAction.POST]


def test_a_component_that_cannot_be_measured_is_told_to_the_platform_after_three_sweeps(store: Store) -> None:
    here = Installation(store=store, components=[component(name) for name in ("checkout", "cart", "search", "ads")])
    good = {name: [fine(name)] for name in ("cart", "search", "ads")}
    here.live({"checkout": [fine()], **good})
    failing: Shown = {"checkout": "ScaleOps answered with status 503", **good}
    assert here.live(failing, failing) == []
    (notice,) = here.live(failing)
    assert (notice.channel, notice.target) == (Channel.SLACK, PLATFORM_CHANNEL)
    assert "ScaleOps answered with status 503" in words(notice)


def test_in_an_outage_nothing_opens_and_nothing_resolves(store: Store) -> None:
    names = ("checkout", "cart", "search")
    here = Installation(store=store, components=[component(name) for name in names])
    here.live({name: [fine(name)] for name in names})
    sick = {"checkout": [starved("checkout")], "cart": [fine("cart")], "search": [fine("search")]}
    here.live(sick, sick)
    away: Shown = {"checkout": [fine("checkout")], "cart": [starved("cart")], "search": "ScaleOps did not answer"}
    told = here.live(away, away, away)
    (notice,) = [message for message in told if message.channel is Channel.SLACK]
    assert notice.target == PLATFORM_CHANNEL
    assert words(notice).startswith("1 of 3 components could not be measured")
    assert here.state(alert("checkout")).phase is Phase.FIRING
    assert here.state(alert("cart")).phase is Phase.QUIET
    well = {name: [fine(name)] for name in names}
    told = here.live(well, well)
    assert here.state(OUTAGE).phase is Phase.QUIET
    assert here.state(alert("checkout")).phase is Phase.QUIET
    assert [message.act for message in told if message.channel is Channel.PAGERDUTY] == [EventAction.RESOLVE]


def test_a_storm_is_one_page_and_resolves_with_the_last(store: Store) -> None:
    names = [f"c{number}" for number in range(7)]
    here = Installation(store=store, components=[component(name) for name in names])
    here.live({name: [fine(name)] for name in names})
    here.live({name: [starved(name)] for name in names})
    page, post = here.live({name: [starved(name)] for name in names})
    assert payload(page)["dedup_key"] == "test:storm:group:default/payments"
    assert (page.act, page.target, post.target) == (EventAction.TRIGGER, KEY, TEAM_CHANNEL)
    assert words(post).startswith("Payments: 7 alerts at once")
    most = {name: [fine(name)] for name in names[1:]}
    assert here.live(*({"c0": [starved("c0")], **most} for _ in range(2))) == []
    assert here.state(storm_of(PAYMENTS)).phase is Phase.FIRING
    resolve, reply = here.live({"c0": [fine("c0")], **most}, {"c0": [fine("c0")], **most})
    assert (resolve.act, resolve.target) == (EventAction.RESOLVE, KEY)
    assert payload(resolve)["dedup_key"] == payload(page)["dedup_key"]
    assert reply.thread_of == post.key
    for name in names:
        assert here.state(alert(name)).phase is Phase.QUIET


def test_a_storm_over_many_teams_pages_the_platform_once(store: Store) -> None:
    teams = [EntityRef("group", "default", f"t{number:02}") for number in range(11)]
    here = Installation(
        store=store,
        components=[component(team.name, team=team) for team in teams],
        teams=[group(team, channel=f"C0{team.name.upper()}") for team in teams],
        routes=RoutePolicy(platform_channel=PLATFORM_CHANNEL, pagerduty_default=OTHER_KEY),
    )
    well = {team.name: [fine(team.name)] for team in teams}
    ill = {team.name: [starved(team.name)] for team in teams}
    told = here.live(well, ill, ill)
    (page,) = [message for message in told if message.channel is Channel.PAGERDUTY]
    assert (page.target, payload(page)["dedup_key"]) == (OTHER_KEY, f"test:storm:{PLATFORM}")
    posts = [message for message in told if message.channel is Channel.SLACK]
    assert {message.target for message in posts} == {PLATFORM_CHANNEL, *(f"C0{team.name.upper()}" for team in teams)}
    told = here.live(well, well)
    assert [message.act for message in told if message.channel is Channel.PAGERDUTY] == [EventAction.RESOLVE]


def test_what_the_first_sweep_shows_is_one_summary_and_pages_only_with_evidence(store: Store) -> None:
    names = ["checkout", "cart", "search"]
    here = Installation(store=store, components=[component(name) for name in names])
    first = {"checkout": [starved("checkout")], "cart": [starved("cart", kills=0)], "search": [starved("search", kills=0)]}
    told = here.live(first, first)
    (page,) = [message for message in told if message.channel is Channel.PAGERDUTY]
    (summary,) = [message for message in told if message.channel is Channel.SLACK]
    assert page.about == str(ref("checkout"))
    assert words(summary).startswith("Payments: 3 alerts found when this was first measured")
    well = {name: [fine(name)] for name in names}
    replies = [message for message in here.live(well, well) if message.channel is Channel.SLACK]
    assert {message.thread_of for message in replies} == {summary.key}
    assert len(replies) == 3


def test_the_resolve_takes_the_route_that_opened_it_though_the_owner_changed(here: Installation) -> None:
    here.live({"checkout": [starved()]}, {"checkout": [starved()]})
    other = EntityRef("group", "default", "search")
    here.components = [component("checkout", team=other)]
    here.teams = [group(), group(other, channel="C0SEARCH", key=OTHER_KEY)]
    resolve, reply = here.live({"checkout": [fine()]}, {"checkout": [fine()]})
    assert (resolve.target, reply.target) == (KEY, TEAM_CHANNEL)


def test_a_page_that_now_goes_elsewhere_moves_and_is_never_open_twice(here: Installation) -> None:
    here.live({"checkout": [starved()]}, {"checkout": [starved()]})
    here.components = [component("checkout", key=OTHER_KEY)]
    resolve, trigger, _ = here.live({"checkout": [starved(kills=5)]})
    assert acts([resolve, trigger]) == [
        (Channel.PAGERDUTY, EventAction.RESOLVE, KEY),
        (Channel.PAGERDUTY, EventAction.TRIGGER, OTHER_KEY),
    ]
    told = here.live({"checkout": [fine()]}, {"checkout": [fine()]})
    assert [message.target for message in told if message.channel is Channel.PAGERDUTY] == [OTHER_KEY]


def test_leaving_the_catalog_closes_the_incident_with_that_reason(here: Installation) -> None:
    here.components.append(component("cart"))
    here.live({"checkout": [starved()], "cart": [fine("cart")]}, {"checkout": [starved()], "cart": [fine("cart")]})
    here.sweep({"cart": [fine("cart")]}, listed=["cart"])
    here.judge()
    assert here.told() == []
    here.sweep({"cart": [fine("cart")]}, listed=["cart"])
    here.judge()
    resolve, post = here.told()
    assert resolve.act is EventAction.RESOLVE
    assert "left the catalog" in words(post)
    with here.store.reading() as transaction:
        gone = transaction.recommendations.ended_between(START, here.now)
    assert {one.ending for one in gone} == {RecommendationEnd.GONE}


def test_a_rule_that_is_switched_off_closes_its_alert(here: Installation) -> None:
    waste = fine(over_provisioned=True, savings_available_per_month=Decimal(100))
    waste = replace(waste, automated=False)
    (post,) = here.live({"checkout": [waste]}, {"checkout": [waste]})
    assert words(post).startswith("Checkout: $100.00 a month could be saved on api")
    off = Rules(over_provisioned=OverProvisionedSettings(enabled=False))
    here.alerts = AlertPolicy(instance="test", component_rules={ref("checkout"): off})
    (closed,) = here.live({"checkout": [waste]})
    assert words(closed).startswith("Closed: Checkout")


def test_without_any_pagerduty_key_slack_says_that_nobody_was_paged(here: Installation) -> None:
    here.teams = [group(key=None)]
    told = here.live(*({"checkout": [starved()]} for _ in range(4)))
    assert {message.channel for message in told} == {Channel.SLACK}
    post, notice = sorted(told, key=lambda message: message.target, reverse=True)
    assert "No one was paged" in words(notice if notice.target == TEAM_CHANNEL else post)
    assert {message.target for message in told} == {TEAM_CHANNEL, PLATFORM_CHANNEL}


def test_without_any_channel_it_says_so_and_still_pages(here: Installation) -> None:
    here.teams, here.routes = [group(channel=None)], RoutePolicy()
    here.live({"checkout": [starved()]})
    here.sweep({"checkout": [starved()]})
    evaluated = here.judge()
    (page,) = here.told()
    assert page.channel is Channel.PAGERDUTY
    assert "SLACK_DEFAULT_CHANNEL" in evaluated.undeliverable[0]


def test_a_channel_that_is_not_allowed_is_told_to_the_platform_once(here: Installation) -> None:
    here.routes = RoutePolicy(
        platform_channel=PLATFORM_CHANNEL, slack_default="C0DEFAULT", allowed_channels=frozenset({"C0OTHER"})
    )
    told = here.live(*({"checkout": [starved(kills=0)]} for _ in range(3)), {"checkout": [starved(kills=3)]})
    refused = [message for message in told if message.target == PLATFORM_CHANNEL]
    assert len(refused) == 1
    assert "routes.allowed_channels" in words(refused[0])
    assert len([message for message in told if message.target == "C0DEFAULT"]) == 2


def test_acknowledging_stops_repeats_and_acknowledges_the_incident(here: Installation) -> None:
    here.live({"checkout": [starved()]}, {"checkout": [starved()]})
    line = acknowledge_alert(here.context, str(alert("checkout")), by="ana", note="on it")
    assert line.acknowledged_by == "ana"
    (acknowledged,) = here.told()
    assert (acknowledged.act, acknowledged.target) == (EventAction.ACKNOWLEDGE, KEY)
    assert here.live(*({"checkout": [starved()]} for _ in range(9))) == []
    assert here.state(alert("checkout")).phase is Phase.FIRING


def test_snoozing_is_silent_until_its_end(here: Installation) -> None:
    here.live({"checkout": [starved()]}, {"checkout": [starved()]})
    snooze_alert(here.context, str(alert("checkout")), by="ana", until=here.now + timedelta(hours=13))
    assert here.live({"checkout": [starved(kills=9)]}, {"checkout": [starved(kills=9)]}) == []
    told = here.live({"checkout": [starved()]})
    assert [message.act for message in told] == [EventAction.TRIGGER, EventAction.POST]
    assert "ana's snooze ended" in words(told[1])


def test_what_is_not_open_can_be_neither_acknowledged_nor_snoozed(here: Installation) -> None:
    with pytest.raises(AlertNotOpen, match="it was never observed"):
        acknowledge_alert(here.context, str(alert("checkout")), by="ana")
    with pytest.raises(InvalidSnooze, match="is in the past"):
        snooze_alert(here.context, str(alert("checkout")), by="ana", until=START)


def test_the_list_shows_what_is_open(here: Installation) -> None:
    assert list_alerts(here.context) == ()
    here.live({"checkout": [starved()]}, {"checkout": [starved()]})
    (line,) = list_alerts(here.context, team=PAYMENTS)
    assert (line.id, line.phase, line.severity, line.findings) == (str(alert("checkout")), "firing", "error", 1)
    assert line.dedup_key == "test:under-provisioned:component:default/checkout"
    here.live({"checkout": [fine()]}, {"checkout": [fine()]})
    assert list_alerts(here.context) == ()
    assert [one.phase for one in list_alerts(here.context, all_of_them=True)] == ["quiet"]


def test_a_budget_of_a_team_counts_a_shared_workload_once(store: Store) -> None:
    both = {"checkout": [fine(cost_7d=Decimal(70))], "cart": [fine(cost_7d=Decimal(70))]}
    # the month as it goes at 70 a week from the 7th on: 10 a day for 24 days
    kept = AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(240)})
    here = Installation(store=store, components=[component("checkout"), component("cart")], alerts=kept)
    assert here.live(both) == []
    here.alerts = AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(239)})
    (post,) = here.live(both)
    assert words(post).startswith("Payments: this month is heading for $240.00, budget $239.00")
    here.alerts = AlertPolicy(instance="test")
    (closed,) = here.live(both)
    assert words(closed).startswith("Closed: Payments")


def test_a_cost_increase_is_held_against_the_closing_snapshots(store: Store) -> None:
    here = Installation(store=store)
    for week in range(3):
        here.number = week * 28
        assert here.live({"checkout": [fine(cost_7d=Decimal(200))]}) == []
    here.number = 3 * 28 - 8
    (post,) = here.live({"checkout": [fine(cost_7d=Decimal(300))]})
    assert words(post).startswith("Checkout: $100.00 more than usual in 7 days (+50%)")
    assert here.state(AlertId(rule=Rule.COST_INCREASE, about=ref("checkout"))).phase is Phase.FIRING


def test_a_second_evaluation_at_once_leaves_the_sweep_alone(here: Installation) -> None:
    as_of = here.sweep({"checkout": [starved()]})
    with here.store.transaction() as transaction:
        assert transaction.sweeps.mark_evaluated(as_of, at=here.now)
    assert here.judge().sweeps == []


def test_recommendations_are_tracked_to_their_end(here: Installation) -> None:
    here.live({"checkout": [starved()]}, {"checkout": [fine()]})
    with here.store.reading() as transaction:
        (ended,) = transaction.recommendations.ended_between(START, here.now)
        assert transaction.recommendations.open_ones() == ()
    assert ended.ending is RecommendationEnd.DONE


def test_what_comes_back_within_a_day_needs_four_sweeps_and_says_that_it_flaps(here: Installation) -> None:
    ill, well = {"checkout": [starved()]}, {"checkout": [fine()]}
    here.live(ill, ill, well, well)
    before = here.state(alert("checkout")).events
    assert here.live(ill, ill, ill) == []
    page, post = here.live(ill)
    assert words(post).startswith("Flapping: Checkout")
    assert page.act is EventAction.TRIGGER
    assert here.state(alert("checkout")).events == before + 5


def test_a_closing_snapshot_that_was_not_complete_is_nothing_to_compare_with(store: Store) -> None:
    here = Installation(store=store)
    half: Shown = {"checkout": [fine("api", cost_7d=Decimal(10)), fine("worker", cost_7d=Unknown("no cost row"))]}
    for week in range(3):
        here.number = week * 28
        assert here.live(half) == []
    here.number = 3 * 28 - 8
    assert here.live({"checkout": [fine("api", cost_7d=Decimal(10)), fine("worker", cost_7d=Decimal(190))]}) == []


def test_a_sweep_is_not_compared_with_itself(store: Store) -> None:
    here = Installation(store=store)
    for week in range(2):
        here.number = week * 28
        here.live({"checkout": [fine(cost_7d=Decimal(200))]})
    here.number = 2 * 28  # it could close the week that ends with it
    (post,) = here.live({"checkout": [fine(cost_7d=Decimal(260))]})
    assert words(post).startswith("Checkout: $60.00 more than usual")


def test_a_team_budget_is_not_kept_while_a_component_could_not_be_measured(store: Store) -> None:
    here = Installation(
        store=store,
        components=[component("checkout"), component("cart")],
        alerts=AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(240)}, outage_share=Decimal(1)),
    )
    (post,) = here.live({"checkout": [fine(cost_7d=Decimal(70))], "cart": [fine("cart", cost_7d=Decimal(70))]})
    half: Shown = {"checkout": [fine(cost_7d=Decimal(7))], "cart": "ScaleOps did not answer"}
    assert here.live(half, half) == []
    budget = AlertId(rule=Rule.BUDGET, about=PAYMENTS)
    assert here.state(budget).phase is Phase.FIRING
    whole: Shown = {"checkout": [fine(cost_7d=Decimal(7))], "cart": [fine("cart", cost_7d=Decimal(7))]}
    (resolved,) = here.live(whole, whole)
    assert resolved.thread_of in {post.key, post.thread_of}


def test_two_evaluations_at_once_share_the_sweeps_and_tell_once(here: Installation) -> None:
    as_ofs = [here.sweep({"checkout": [starved()]}) for _ in range(6)]
    start = Barrier(2)

    def work() -> EvaluateResult:
        start.wait()
        return here.judge()

    with ThreadPoolExecutor(2) as pool:
        both = [future.result() for future in [pool.submit(work) for _ in range(2)]]
    assert sorted(as_of for one in both for as_of in one.sweeps) == as_ofs
    assert sum(one.notices[NoticeKind.OPENED] for one in both) == 1
    assert [message.act for message in here.told()] == [EventAction.TRIGGER, EventAction.POST, EventAction.TRIGGER]
    assert here.state(alert("checkout")).events == 6 + 2
