"""From stored sweeps to stored messages, on both databases."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from actions.history.lists import list_alerts
from actions.history.models import AlertRow, AlertsInput
from actions.history.view import read_history
from alerts.observations import AlertId
from alerts.policy import AlertPolicy, OverProvisionedSettings, Rule, Rules
from alerts.states import NoticeKind, Phase
from domain.messages import Channel, EventAction
from domain.tracking import RecommendationEnd
from store import Store
from tasks.evaluate.manual import AlertNotOpen, InvalidSnooze, acknowledge_alert, snooze_alert
from tasks.evaluate.stage import evaluate
from tests.factories import PAYMENTS, make_component, make_ref
from tests.integration.alert_installation import KEY, START, TEAM_CHANNEL, Installation, alert, fine, starved
from tests.integration.evaluate_samples import actions_of, payload_of, text_of
from tests.services.waiting import run_together
from wiring.contexts import history_context


def test_one_page_opens_and_later_resolves(installation: Installation) -> None:
    page, post = installation.run({"checkout": [starved()]})
    assert actions_of([page, post]) == [
        (Channel.PAGERDUTY, EventAction.TRIGGER, KEY),
        (Channel.SLACK, EventAction.POST, TEAM_CHANNEL),
    ]
    assert payload_of(page)["dedup_key"] == "test:under-provisioned:component:default/checkout"
    assert installation.state(alert("checkout")).phase is Phase.FIRING
    assert installation.run({"checkout": [fine()]}) == []
    resolve, reply = installation.run({"checkout": [fine()]})
    assert actions_of([resolve, reply]) == [
        (Channel.PAGERDUTY, EventAction.RESOLVE, KEY),
        (Channel.SLACK, EventAction.UPDATE, TEAM_CHANNEL),
    ]
    assert payload_of(resolve)["dedup_key"] == payload_of(page)["dedup_key"]
    assert reply.thread_of == post.key
    assert installation.state(alert("checkout")).phase is Phase.QUIET
    assert page.stream == resolve.stream
    assert page.number < resolve.number


def test_unchanged_over_ten_sweeps_it_is_one_incident_paged_once_a_day(installation: Installation) -> None:
    messages = installation.run(*({"checkout": [starved()]} for _ in range(10)))
    assert [message.action for message in messages if message.channel is Channel.PAGERDUTY] == [EventAction.TRIGGER] * 3
    assert len({str(payload_of(message)["dedup_key"]) for message in messages if message.channel is Channel.PAGERDUTY}) == 1
    assert sum(message.channel is Channel.SLACK for message in messages) == 1


def test_sweeps_are_evaluated_once_and_in_order(installation: Installation) -> None:
    for _ in range(3):
        installation.sweep({"checkout": [starved()]})
    evaluated = installation.evaluate()
    assert evaluated.sweeps == sorted(evaluated.sweeps)
    assert len(evaluated.sweeps) == 3
    assert evaluated.notices[NoticeKind.OPENED] == 1
    again = installation.evaluate()
    assert (again.sweeps, again.messages) == ([], 0)


def test_an_open_sweep_is_not_evaluated(installation: Installation) -> None:
    with installation.store.transaction() as transaction:
        transaction.sweeps.open(START + timedelta(days=1), opened_at=installation.now)
    assert installation.evaluate().sweeps == []


def test_an_error_half_way_stores_nothing(installation: Installation) -> None:
    installation.run({"checkout": [starved(kills=0)]})
    installation.sweep({"checkout": [starved()]})

    def stop(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    context = installation.context
    with pytest.raises(KeyboardInterrupt):
        evaluate(replace(context, policy=replace(context.policy, dashboard_link=stop)))
    assert installation.new_messages() == []
    assert installation.state(alert("checkout")).phase is Phase.PENDING
    installation.evaluate()
    assert len(installation.new_messages()) == 2


def test_what_the_first_sweep_shows_is_one_summary_and_pages_only_with_evidence(store: Store) -> None:
    names = ["checkout", "cart", "search"]
    installation = Installation(store=store, components=[make_component(name) for name in names])
    first = {"checkout": [starved("checkout")], "cart": [starved("cart", kills=0)], "search": [starved("search", kills=0)]}
    page, summary = sorted(installation.run(first), key=lambda message: message.channel)
    assert (page.channel, page.about) == (Channel.PAGERDUTY, str(make_ref("checkout")))
    assert text_of(summary).startswith("Payments: 1 alert found in the first scan")
    (second,) = installation.run(first)
    assert text_of(second).startswith("Payments: 2 alerts found in the first scan")
    well = {name: [fine(name)] for name in names}
    replies = [message for message in installation.run(well, well) if message.channel is Channel.SLACK]
    assert sorted(str(message.thread_of) for message in replies) == sorted([summary.key, second.key, second.key])


def test_leaving_the_catalog_closes_the_incident_with_that_reason(installation: Installation) -> None:
    installation.components.append(make_component("cart"))
    installation.run({"checkout": [starved()], "cart": [fine("cart")]}, {"checkout": [starved()], "cart": [fine("cart")]})
    installation.sweep({"cart": [fine("cart")]}, listed=["cart"])
    installation.evaluate()
    assert installation.new_messages() == []
    installation.sweep({"cart": [fine("cart")]}, listed=["cart"])
    installation.evaluate()
    resolve, post = installation.new_messages()
    assert resolve.action is EventAction.RESOLVE
    assert "left the catalog" in text_of(post)
    with installation.store.reading() as transaction:
        gone = transaction.recommendations.between(START, installation.now, refs=[make_ref("checkout")])
    assert {one.ending for one in gone} == {RecommendationEnd.GONE}


def test_a_disabled_rule_closes_its_alert(installation: Installation) -> None:
    waste = fine(over_provisioned=True, savings_available_per_month=Decimal(100))
    waste = replace(waste, automated=False)
    (post,) = installation.run({"checkout": [waste]}, {"checkout": [waste]})
    assert text_of(post).startswith("Checkout: $100.00 a month could be saved on api")
    off = Rules(over_provisioned=OverProvisionedSettings(enabled=False))
    installation.alerts = AlertPolicy(instance="test", component_rules={make_ref("checkout"): off})
    (closed,) = installation.run({"checkout": [waste]})
    assert text_of(closed).startswith("Closed: Checkout")


def test_acknowledging_stops_repeats_and_acknowledges_the_incident(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    incident = acknowledge_alert(installation.context, str(alert("checkout")), by="ana", note="on it").incident
    assert incident is not None
    assert incident.acknowledged is not None
    assert incident.acknowledged.by == "ana"
    acknowledged, shown = installation.new_messages()
    assert (acknowledged.action, acknowledged.target) == (EventAction.ACKNOWLEDGE, KEY)
    assert shown.action is EventAction.UPDATE
    assert "Acknowledged by ana (on it)" in text_of(shown)
    assert installation.run(*({"checkout": [starved()]} for _ in range(9))) == []
    assert installation.state(alert("checkout")).phase is Phase.FIRING


def test_a_snooze_suppresses_notices_until_its_end(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    snooze_alert(installation.context, str(alert("checkout")), by="ana", until=installation.now + timedelta(hours=13))
    (shown,) = installation.run({"checkout": [starved(kills=9)]}, {"checkout": [starved(kills=9)]})
    assert "Snoozed by ana until" in text_of(shown)
    messages = installation.run({"checkout": [starved()]})
    assert [message.action for message in messages] == [EventAction.TRIGGER, EventAction.UPDATE]
    assert "ana's snooze ended" in text_of(messages[1])


def test_an_alert_that_is_not_open_can_be_neither_acknowledged_nor_snoozed(installation: Installation) -> None:
    with pytest.raises(AlertNotOpen, match="it was never observed"):
        acknowledge_alert(installation.context, str(alert("checkout")), by="ana")
    with pytest.raises(InvalidSnooze, match="is in the past"):
        snooze_alert(installation.context, str(alert("checkout")), by="ana", until=START)


def listed(installation: Installation, **arguments: Any) -> list[AlertRow]:
    with read_history(history_context(installation.store, installation.context.policy, clock=installation.context.clock)) as view:
        return list_alerts(view, AlertsInput(**arguments)).alerts


def test_the_list_shows_what_is_open(installation: Installation) -> None:
    assert listed(installation) == []
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    (row,) = listed(installation, team=str(PAYMENTS))
    assert (row.id, row.phase, row.severity, len(row.workloads)) == (str(alert("checkout")), "firing", "error", 1)
    last = acknowledge_alert(installation.context, row.id, by="ann").last_notification
    assert last is not None
    assert last.page is not None
    assert last.page.dedup_key == "test:under-provisioned:component:default/checkout"
    installation.run({"checkout": [fine()]}, {"checkout": [fine()]})
    assert listed(installation) == []
    assert [one.phase for one in listed(installation, quiet=True)] == ["quiet"]


def test_a_budget_of_a_team_counts_a_shared_workload_once(store: Store) -> None:
    both = {"checkout": [fine(cost_7d=Decimal(70))], "cart": [fine(cost_7d=Decimal(70))]}
    # 10 a day for 30 days; the first window covers the days before
    kept = AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(300)})
    installation = Installation(store=store, components=[make_component("checkout"), make_component("cart")], alerts=kept)
    assert installation.run(both) == []
    installation.alerts = AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(299)})
    (post,) = installation.run(both)
    assert text_of(post).startswith("Payments: this month is heading for $300.00, budget $299.00")
    installation.alerts = AlertPolicy(instance="test")
    (closed,) = installation.run(both)
    assert text_of(closed).startswith("Closed: Payments")


def test_a_cost_increase_is_compared_with_the_closing_snapshots(store: Store) -> None:
    installation = Installation(store=store)
    for week in range(3):
        installation.number = week * 28
        assert installation.run({"checkout": [fine(cost_7d=Decimal(200))]}) == []
    installation.number = 3 * 28 - 8
    (post,) = installation.run({"checkout": [fine(cost_7d=Decimal(300))]})
    assert text_of(post).startswith("Checkout: 7-day cost up $100.00 (+50%) vs 3-week average")
    assert installation.state(AlertId(rule=Rule.COST_INCREASE, about=make_ref("checkout"))).phase is Phase.FIRING


def test_a_sweep_that_is_marked_as_evaluated_is_skipped(installation: Installation) -> None:
    as_of = installation.sweep({"checkout": [starved()]})
    with installation.store.transaction() as transaction:
        assert transaction.sweeps.mark_evaluated(as_of, at=installation.now)
    assert installation.evaluate().sweeps == []


def test_recommendations_are_tracked_to_their_end(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [fine()]})
    with installation.store.reading() as transaction:
        (ended,) = transaction.recommendations.between(START, installation.now, refs=[make_ref("checkout")])
        assert transaction.recommendations.open() == ()
    assert ended.ending is RecommendationEnd.DONE


def test_a_condition_that_returns_within_a_day_needs_four_sweeps_and_is_flapping(installation: Installation) -> None:
    ill, well = {"checkout": [starved()]}, {"checkout": [fine()]}
    installation.run(ill, ill, well, well)
    before = installation.state(alert("checkout")).events
    assert installation.run(ill, ill, ill) == []
    page, post = installation.run(ill)
    assert text_of(post).startswith("Flapping: Checkout")
    assert page.action is EventAction.TRIGGER
    assert installation.state(alert("checkout")).events == before + 5


def test_a_sweep_is_not_compared_with_itself(store: Store) -> None:
    installation = Installation(store=store)
    for week in range(2):
        installation.number = week * 28
        installation.run({"checkout": [fine(cost_7d=Decimal(200))]})
    installation.number = 2 * 28  # it could close the week that ends with it
    (post,) = installation.run({"checkout": [fine(cost_7d=Decimal(260))]})
    assert text_of(post).startswith("Checkout: 7-day cost up $60.00")


def test_concurrent_evaluations_share_the_sweeps_and_notify_once(installation: Installation) -> None:
    as_ofs = [installation.sweep({"checkout": [starved()]}) for _ in range(6)]
    both = run_together(installation.evaluate, installation.evaluate)
    assert sorted(as_of for one in both for as_of in one.sweeps) == as_ofs
    assert sum(one.notices[NoticeKind.OPENED] for one in both) == 1
    assert [message.action for message in installation.new_messages()] == [
        EventAction.TRIGGER,
        EventAction.POST,
        EventAction.TRIGGER,
    ]
    assert installation.state(alert("checkout")).events == 6 + 2
