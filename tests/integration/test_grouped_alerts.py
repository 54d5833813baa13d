"""Alerts with messages of their own that one message reports together: in Slack no message shows a state that is over."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.snapshots import WorkloadPoint
from simulator.serving import Simulator
from store import Store
from tasks.deliver.stage import deliver
from tests.factories import ROUTING_KEY, make_component, make_point
from tests.integration.alert_installation import KEY, START, TEAM_CHANNEL, Installation, fine, group, starved
from tests.stage_factories import PLATFORM_CHANNEL, make_delivery_services

NAMES = ("cart", "checkout")


class AlertedTeam:
    def __init__(self, simulator: Simulator, store: Store, names: tuple[str, ...] = NAMES) -> None:
        simulator.state.slack.channels = {TEAM_CHANNEL: {}, PLATFORM_CHANNEL: {}}
        simulator.state.clock.set(START)
        self.simulator, self.names = simulator, names
        self.installation = Installation(store=store, components=[make_component(name) for name in names])
        services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
        self.services = replace(services, known_keys={KEY: ROUTING_KEY})
        self.sweep()

    def sweep(self, **shown: WorkloadPoint) -> None:
        """Measure, evaluate and deliver; what is not given is fine."""
        self.installation.run({name: [shown.get(name) or fine(name)] for name in self.names})
        self.simulator.state.clock.set(self.installation.now)
        deliver(replace(self.installation.context, services=self.services))

    def roots(self) -> dict[str, str]:
        """Return the first line of each message in the channel, as it is shown now, by when it was posted."""
        posted = [one for one in self.simulator.state.slack.messages if one.get("thread_ts") in {None, one["ts"]}]
        return {message["ts"]: message["text"].partition("\n")[0] for message in posted}


def waste(name: str) -> WorkloadPoint:
    return make_point(name, over_provisioned=True, savings_available_per_month=Decimal(100))


@pytest.fixture
def team(simulator: Simulator, sqlite_store: Store) -> AlertedTeam:
    return AlertedTeam(simulator, sqlite_store)


def opened_one_after_the_other(team: AlertedTeam, of: Any, *, sweeps: int) -> list[str]:
    open_now: dict[str, WorkloadPoint] = {}
    for name in team.names:
        open_now[name] = of(name)
        for _ in range(sweeps):
            team.sweep(**open_now)
    shown = list(team.roots().values())
    assert len(shown) == len(team.names), "each has a message of its own"
    return shown


def test_alerts_that_end_together_edit_their_own_messages(team: AlertedTeam) -> None:
    before = opened_one_after_the_other(team, waste, sweeps=2)
    team.sweep()
    team.sweep()
    *own, together = team.roots().values()
    assert together == "Payments: 2 alerts ended"
    assert own == ["Resolved: Cart: more CPU or memory than needed", "Resolved: Checkout: more CPU or memory than needed"]
    assert not any(line.startswith("Resolved") for line in before)
    threads = [one for one in team.simulator.state.slack.messages if one.get("thread_ts") not in {None, one["ts"]}]
    assert threads == [], "the message that reports them is enough"


def test_an_alert_that_was_reported_with_others_keeps_its_own_message(team: AlertedTeam) -> None:
    opened_one_after_the_other(team, waste, sweeps=2)
    grown = {name: replace(waste(name), savings_available_per_month=Decimal(900)) for name in NAMES}
    team.sweep(**grown)
    team.sweep(cart=grown["cart"])
    team.sweep(cart=grown["cart"])
    cart, checkout, together = team.roots().values()
    assert together == "Payments: 2 alerts at once"
    assert cart == "Cart: $900.00 a month could be saved on cart"
    assert checkout == "Resolved: Checkout: more CPU or memory than needed"


def test_members_of_a_storm_edit_their_own_messages(simulator: Simulator, sqlite_store: Store) -> None:
    names = tuple(f"c{number}" for number in range(6))
    team = AlertedTeam(simulator, sqlite_store, names)
    opened_one_after_the_other(team, lambda name: starved(name, kills=0), sweeps=2)
    for _ in range(2):
        team.sweep(**{name: starved(name, kills=3) for name in names})
    *own, storm = team.roots().values()
    assert storm == "Payments: 6 alerts at once"
    assert all("OOM-killed 3x" in line for line in own)
    team.sweep()
    team.sweep()
    *own, storm = team.roots().values()
    assert storm.startswith("Resolved: Payments")
    assert all(line.startswith("Resolved: C") for line in own)


def test_an_alert_whose_channel_changed_ends_its_message_in_the_old_one(team: AlertedTeam) -> None:
    opened_one_after_the_other(team, waste, sweeps=2)
    team.simulator.state.slack.channels["C0NEW"] = {}
    team.installation.teams = [group(channel="C0NEW")]
    grown = {"cart": replace(waste("cart"), savings_available_per_month=Decimal(900)), "checkout": waste("checkout")}
    team.sweep(**grown)
    cart, checkout, new = team.roots().values()
    assert (cart, checkout) == (
        "Moved: Cart: $900.00 a month could be saved on cart",
        "Checkout: $100.00 a month could be saved on checkout",
    )
    assert new == "Cart: $900.00 a month could be saved on cart"
    team.sweep(checkout=waste("checkout"))
    team.sweep(checkout=waste("checkout"))
    assert list(team.roots().values())[::2] == [cart, "Resolved: Cart: more CPU or memory than needed"]
