"""Change events: once each, within PagerDuty's limits, for what was certainly done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.component import Component
from domain.measures import Unknown
from domain.messages import EventAction, Message
from simulator.pagerduty import check_change
from simulator.serving import Simulator
from store import Store
from tasks.deliver.stage import deliver
from tasks.evaluate.change_messages import change_messages
from tasks.evaluate.stage import evaluate
from tests.factories import NEXT_SLOT, ROUTING_KEY, SLOT, make_component, make_contact, make_measurement, make_point
from tests.integration.alert_installation import KEY, SLOT_LENGTH, START, Installation, fine, starved
from tests.stage_factories import make_delivery_services, make_policy, record_sweep

OWN = make_component(contact=make_contact(pagerduty="f" * 16))


def changes(store: Store, before: object, now: object, component: Component = OWN, *, is_on: bool = True) -> tuple[Message, ...]:
    for as_of, automated in ((SLOT, before), (NEXT_SLOT, now)):
        point = replace(make_point("api"), automated=automated)  # type: ignore[arg-type]  # a bool or Unknown
        record_sweep(store, as_of, make_measurement("checkout", point, as_of=as_of), components=[component])
    policy = make_policy(pagerduty_changes=is_on, catalog_url="https://backstage.example")
    with store.reading() as transaction:
        return change_messages(transaction, policy, (), as_of=NEXT_SLOT, now=NEXT_SLOT + timedelta(minutes=5))


def test_automation_that_is_switched_on_is_one_change_event_that_pagerduty_accepts(store: Store) -> None:
    (message,) = changes(store, before=False, now=True)
    assert (message.action, message.target) == (EventAction.CHANGE, "f" * 16)
    body = message.renderings[0].payload
    assert check_change({**body, "routing_key": "r" * 32}) == []
    assert body["payload"]["summary"] == "Checkout: api (east/shop): ScaleOps automation switched on"  # type: ignore[index,call-overload]
    with store.transaction() as transaction:
        assert len(transaction.outbox.put([message, message])) == 1


@pytest.mark.parametrize(
    ("before", "now"), [(True, True), (False, False), (True, False), (Unknown("x"), True), (False, Unknown("x"))]
)
def test_what_did_not_certainly_change_is_no_event(store: Store, before: object, now: object) -> None:
    assert changes(store, before, now) == ()


def test_without_a_key_of_its_own_or_the_setting_there_is_none(store: Store) -> None:
    assert changes(store, before=False, now=True, component=make_component()) == ()


def test_the_setting_is_off_by_default(store: Store) -> None:
    assert changes(store, before=False, now=True, is_on=False) == ()


def test_a_recommendation_that_is_done_is_one_change_event_at_pagerduty(simulator: Simulator, sqlite_store: Store) -> None:
    installation = Installation(store=sqlite_store, components=[make_component(contact=make_contact(pagerduty=KEY))])
    policy = replace(installation.context.policy, pagerduty_changes=True)
    services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
    services = replace(services, known_keys={KEY: ROUTING_KEY})
    for point in (fine(), starved(kills=0), starved(kills=0), fine(), fine()):
        installation.sweep({"checkout": [point]})
        context = replace(installation.context, policy=policy, services=services)
        evaluate(context)
        simulator.state.clock.set(installation.now)
        deliver(context)
    (received,) = simulator.state.pagerduty.changes
    payload = received["event"]["payload"]
    assert payload["summary"] == "Checkout: api (east/shop): recommendation carried out, requests raised or automated by ScaleOps"
    assert payload["custom_details"]["CPU"] == "1 core \u2192 2 cores per pod"
    assert payload["timestamp"] == (START + 3 * SLOT_LENGTH).isoformat()
    assert simulator.state.pagerduty.events == [], "a change notifies no one"
