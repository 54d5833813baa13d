"""Sweeps that could not measure everything: nothing resolves on the unknown, and the platform channel is notified once."""

from datetime import timedelta
from decimal import Decimal

from alerts.observations import AlertId
from alerts.outage import OUTAGE
from alerts.policy import AlertPolicy, Rule
from alerts.states import Phase
from domain.measures import Unknown
from domain.messages import Channel, EventAction
from store import Store
from tests.factories import PAYMENTS, make_component, make_lost_point, make_ref
from tests.integration.alert_installation import START, Installation, Shown, alert, fine, starved
from tests.integration.evaluate_samples import text_of
from tests.stage_factories import PLATFORM_CHANNEL


def test_a_lost_cluster_resolves_nothing_and_is_reported_once(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    with installation.store.transaction() as transaction:
        transaction.clusters.record_seen(["east"], as_of=START)
        transaction.clusters.record_lost("east", as_of=START + installation.number * timedelta(hours=6))
    messages = installation.run(*({"checkout": [make_lost_point()]} for _ in range(4)))
    (notice,), pages = (
        [message for message in messages if message.channel is channel] for channel in (Channel.SLACK, Channel.PAGERDUTY)
    )
    assert notice.target == PLATFORM_CHANNEL
    assert text_of(notice).startswith("Cluster east unreachable: no data from ScaleOps since 2026-09-07 18:00 UTC")
    assert {page.action for page in pages} <= {EventAction.TRIGGER}
    assert installation.state(alert("checkout")).phase is Phase.FIRING
    with installation.store.transaction() as transaction:
        transaction.clusters.record_seen(["east"], as_of=START + installation.number * timedelta(hours=6))
    back, *messages = installation.run({"checkout": [fine()]}, {"checkout": [fine()]})
    assert text_of(back).startswith("Cluster east reachable again")
    assert back.target == PLATFORM_CHANNEL
    assert [message.action for message in messages] == [EventAction.RESOLVE, EventAction.UPDATE]


def test_an_unmeasured_component_is_reported_to_the_platform_after_three_sweeps(store: Store) -> None:
    installation = Installation(store=store, components=[make_component(name) for name in ("checkout", "cart", "search", "ads")])
    good = {name: [fine(name)] for name in ("cart", "search", "ads")}
    installation.run({"checkout": [fine()], **good})
    failing: Shown = {"checkout": "ScaleOps answered with status 503", **good}
    assert installation.run(failing, failing) == []
    (notice,) = installation.run(failing)
    assert (notice.channel, notice.target) == (Channel.SLACK, PLATFORM_CHANNEL)
    assert "ScaleOps answered with status 503" in text_of(notice)


def test_in_an_outage_nothing_resolves_and_a_measured_danger_still_pages(store: Store) -> None:
    names = ("checkout", "cart", "search", "ads", "mail")
    installation = Installation(store=store, components=[make_component(name) for name in names])
    well = {name: [fine(name)] for name in names}
    installation.run(well, {**well, "checkout": [starved("checkout")]})
    lost: Shown = {
        "checkout": [fine("checkout")],
        "cart": [starved("cart")],
        **dict.fromkeys(names[2:], "ScaleOps did not answer"),
    }
    messages = installation.run(lost, lost, lost)
    pages = [message for message in messages if message.channel is Channel.PAGERDUTY]
    assert [(page.about, page.action) for page in pages] == [(str(make_ref("cart")), EventAction.TRIGGER)]
    (notice,) = [message for message in messages if message.target == PLATFORM_CHANNEL]
    assert text_of(notice).startswith("ScaleOps outage: 3 of 5 components could not be measured")
    assert installation.state(alert("checkout")).phase is Phase.FIRING
    messages = installation.run(well, well)
    assert installation.state(OUTAGE).phase is Phase.QUIET
    assert installation.state(alert("checkout")).phase is Phase.QUIET
    resolved = [message.about for message in messages if message.action is EventAction.RESOLVE]
    assert sorted(resolved) == [str(make_ref("cart")), str(make_ref("checkout"))]


def test_a_component_that_is_broken_for_good_silences_no_other(store: Store) -> None:
    names = ("checkout", "cart", "search")
    installation = Installation(store=store, components=[make_component(name) for name in names])
    installation.run({name: [fine(name)] for name in names})
    broken: Shown = {"checkout": [fine("checkout")], "cart": [fine("cart")], "search": "the selector is refused"}
    installation.run(broken, broken)
    ill: Shown = {**broken, "checkout": [starved("checkout", kills=7)]}
    pages = [message for message in installation.run(ill) if message.channel is Channel.PAGERDUTY]
    assert [page.action for page in pages] == [EventAction.TRIGGER]
    assert installation.state(OUTAGE).phase is Phase.QUIET


def test_costs_that_fail_everywhere_are_one_outage_until_they_are_measured_again(store: Store) -> None:
    names = ("checkout", "cart", "search")
    installation = Installation(store=store, components=[make_component(name) for name in names])
    well = {name: [fine(name)] for name in names}
    installation.run(well)
    without = {name: [fine(name, cost_7d=Unknown("ScaleOps answered with status 500"))] for name in names}
    (notice, *more) = installation.run(*[without] * 20)
    assert notice.target == PLATFORM_CHANNEL
    assert text_of(notice).startswith("ScaleOps outage: the cost of 3 of 3 components could not be measured")
    assert more == []
    assert installation.state(OUTAGE).phase is Phase.FIRING, "five days later it is the same outage"
    (over,) = installation.run(well)
    assert text_of(over).startswith("Resolved: ")


def test_costs_of_one_component_that_fail_are_reported_to_the_platform(installation: Installation) -> None:
    without = {"checkout": [fine(cost_7d=Unknown("ScaleOps answered with status 500"))]}
    (notice,) = installation.run(*[without] * 3)
    assert notice.target == PLATFORM_CHANNEL
    assert text_of(notice).startswith("Checkout: cost in cluster east not measured")
    assert "status 500" in text_of(notice)


def test_an_incomplete_closing_snapshot_is_not_compared_with(store: Store) -> None:
    installation = Installation(store=store)
    half: Shown = {"checkout": [fine("api", cost_7d=Decimal(10)), fine("worker", cost_7d=Unknown("no cost row"))]}
    for week in range(3):
        installation.number = week * 28
        assert installation.run(half) == []
    installation.number = 3 * 28 - 8
    assert installation.run({"checkout": [fine("api", cost_7d=Decimal(10)), fine("worker", cost_7d=Decimal(190))]}) == []


def test_a_team_budget_does_not_resolve_while_a_component_is_unmeasured(store: Store) -> None:
    installation = Installation(
        store=store,
        components=[make_component("checkout"), make_component("cart")],
        alerts=AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(240)}, outage_share=Decimal(1)),
    )
    (post,) = installation.run({"checkout": [fine(cost_7d=Decimal(70))], "cart": [fine("cart", cost_7d=Decimal(70))]})
    half: Shown = {"checkout": [fine(cost_7d=Decimal(7))], "cart": "ScaleOps did not answer"}
    assert installation.run(half, half) == []
    budget = AlertId(rule=Rule.BUDGET, about=PAYMENTS)
    assert installation.state(budget).phase is Phase.FIRING
    whole: Shown = {"checkout": [fine(cost_7d=Decimal(7))], "cart": [fine("cart", cost_7d=Decimal(7))]}
    (resolved,) = installation.run(whole, whole)
    assert resolved.thread_of in {post.key, post.thread_of}
