"""The plan of a sweep, without a store: what is sent, where to, and what has no destination."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.observations import AlertId, Observation
from alerts.outage import FigureCoverage, observe_outage
from alerts.policy import PagingMode, Rule
from alerts.states import AlertState, NoticeKind, SlackPost
from domain.figures import FigureKind
from domain.messages import Channel, EventAction, Message
from domain.refs import PLATFORM
from domain.routes import RoutePolicy
from domain.sweeps import ClusterState
from reports.notices import is_own_message, key_of
from tasks.evaluate.decisions import EditDecision, LostClusterDecision, PostDecision, SummaryDecision, TriggerDecision
from tasks.evaluate.notice_messages import NoticeRenderer
from tasks.evaluate.notice_plan import PlanInput, SweepPlan, plan_sweep
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_ref, make_team
from tests.stage_factories import make_policy
from tests.unit.alert_scenario import ALERT, POLICY, AlertScenario, clear, finding, met, sweep

BOTH = RoutePolicy(slack_default="C1", pagerduty_default="a" * 16)


def planned(
    *observations: Observation,
    routes: RoutePolicy = BOTH,
    before: AlertScenario | None = None,
    lost: tuple[str, ...] = (),
    states: Mapping[AlertId, AlertState] | None = None,
) -> SweepPlan:
    clusters = [
        ClusterState(name=name, last_seen=sweep(0), lost_since=sweep(1), notified_at=None, removed_at=None) for name in lost
    ]
    return plan_sweep(
        PlanInput(
            as_of=sweep(1),
            now=sweep(1) + timedelta(minutes=5),
            policy=make_policy(routes=routes),
            observations=observations,
            states=states or ({} if before is None else {ALERT: before.state}),
            components={CHECKOUT: make_component()},
            teams={PAYMENTS: make_team()},
            clusters=clusters,
        )
    )


def pending() -> AlertScenario:
    alert = AlertScenario()
    alert.observe(met(0, finding(kills=0)))
    return alert


def messages_of(plan: SweepPlan) -> list[Message]:
    renderer = NoticeRenderer(
        now=sweep(1), policy=make_policy(), components={CHECKOUT: make_component()}, teams={PAYMENTS: make_team()}
    )
    return list(renderer.render_all(plan.decisions))


def test_an_opening_is_paged_and_posted_and_leaves_one_event_for_each_step() -> None:
    plan = planned(met(1), before=pending())
    assert [type(decision) for decision in plan.decisions] == [TriggerDecision, PostDecision]
    assert [(message.channel, message.action) for message in messages_of(plan)] == [
        (Channel.PAGERDUTY, EventAction.TRIGGER),
        (Channel.SLACK, EventAction.POST),
    ]
    assert [(change.event.kind, change.state.events) for change in plan.changes] == [("observed", 2), ("notified", 3)]
    assert plan.notices == {NoticeKind.OPENED: 1}


@pytest.mark.parametrize(
    ("routes", "targets", "undeliverable"),
    [
        (RoutePolicy(slack_default="C1"), {"C1"}, 0),  # the missing PagerDuty key is reported to the platform channel
        (RoutePolicy(pagerduty_default="a" * 16), {"a" * 16}, 1),
        (RoutePolicy(), set(), 2),
    ],
)
def test_what_has_no_destination_is_named(routes: RoutePolicy, targets: set[str], undeliverable: int) -> None:
    plan = planned(met(1), before=pending(), routes=routes)
    assert {message.target for message in messages_of(plan)} == targets
    assert len(plan.undeliverable) == undeliverable


def test_in_an_outage_its_notice_and_a_measured_danger_are_sent() -> None:
    coverage = FigureCoverage(kind=FigureKind.WORKLOADS, before=10, unknown=5)
    outage = observe_outage([coverage], as_of=sweep(1), policy=POLICY)
    assert [message.about for message in messages_of(planned(outage, clear(1), before=pending()))] == [str(PLATFORM)]
    assert {message.about for message in messages_of(planned(outage, met(1)))} == {str(PLATFORM), str(CHECKOUT)}


def test_a_page_counts_only_the_workloads_that_may_page() -> None:
    """One kill in production, five in staging: an error about one kill, not a critical one about six."""
    staging, before = finding("job", kills=5, page=PagingMode.NEVER), AlertScenario()
    before.observe(met(0, staging))
    page, post = messages_of(planned(met(1, finding("api", kills=1), staging), before=before))
    payload: Any = page.renderings[0].payload["payload"]
    assert payload["severity"] == "error"
    assert payload["summary"].startswith("Checkout: api (east/shop) OOM-killed 1x in 24 h: ")
    assert [one["name"] for one in payload["custom_details"]["raw"]["found"]] == ["east/shop/Deployment/api"]
    assert "6x" in str(post.renderings[-1].payload["text"]), "Slack lists both"


def test_what_may_not_page_never_pages_again() -> None:
    before = AlertScenario()
    before.observe(met(0, finding("api", kills=1)))
    plan = planned(met(1, finding("api", kills=1), finding("job", kills=5, page=PagingMode.NEVER)), before=before)
    assert plan.decisions == ()
    worse = planned(met(1, finding("api", kills=3), finding("job", kills=5, page=PagingMode.NEVER)), before=before)
    assert TriggerDecision in {type(decision) for decision in worse.decisions}


def test_a_lost_cluster_and_its_return_are_decided_only_with_a_destination() -> None:
    assert [type(decision) for decision in planned(clear(1), lost=("east",)).decisions] == [LostClusterDecision]
    plan = planned(clear(1), lost=("east",), routes=RoutePolicy())
    assert (plan.decisions, len(plan.undeliverable)) == ((), 1)


WASTE = AlertId(rule=Rule.OVER_PROVISIONED, about=CHECKOUT)
CART = AlertId(rule=Rule.OVER_PROVISIONED, about=make_ref("cart"))
OWN, TOGETHER = "its own", "of several"


def open_waste(alert: AlertId, root: str, *, target: str = "C1") -> AlertState:
    """Return an open alert about money that was posted in a message of its own, or in one of several."""
    scenario = AlertScenario(alert)
    scenario.observe(*(replace(met(number, finding(kills=0, amount=100)), alert=alert) for number in (-1, 0)))
    incident = scenario.state.incident
    assert incident is not None
    assert incident.last_notification is not None
    own = key_of(alert, 3, Channel.SLACK) if root == OWN else "summary:many:group:default/payments:C1:2026-09-06T00:00Z:slack"
    last = replace(incident.last_notification, post=SlackPost(target=target, route="by default", root=own))
    return replace(scenario.state, incident=replace(incident, last_notification=last))


@pytest.mark.parametrize(
    ("roots", "edited", "kept"),
    [((OWN, OWN), {CART, WASTE}, {CART, WASTE}), ((OWN, TOGETHER), {CART}, {CART}), ((TOGETHER, TOGETHER), set(), set())],
)
def test_a_message_of_several_alerts_edits_each_that_has_one_of_its_own(
    roots: tuple[str, str], edited: set[AlertId], kept: set[AlertId]
) -> None:
    states = {alert: open_waste(alert, root) for alert, root in zip((CART, WASTE), roots, strict=True)}
    grown = [replace(met(1, finding(kills=0, amount=500)), alert=alert) for alert in states]
    plan = planned(*grown, states=states)
    (together, *edits) = plan.decisions
    assert isinstance(together, SummaryDecision)
    assert {edit.notice.alert for edit in edits if isinstance(edit, EditDecision)} == edited
    assert len(edits) == len(edited)
    posts = {
        alert: change.state.last_notification.post
        for change in plan.changes
        if (alert := change.state.alert) and change.state.last_notification
    }
    assert {alert for alert, post in posts.items() if post is not None and is_own_message(post.root, alert)} == kept
    messages = messages_of(plan)
    assert [message.action for message in messages] == [EventAction.POST, *[EventAction.UPDATE] * len(edited)]
    assert all("reply" not in message.key for message in messages), "one message notifies of them, not one each"


def test_an_alert_that_moved_to_another_channel_continues_there() -> None:
    states = {CART: open_waste(CART, OWN, target="C9"), WASTE: open_waste(WASTE, OWN)}
    plan = planned(*(replace(met(1, finding(kills=0, amount=500)), alert=alert) for alert in states), states=states)
    edits = [one for one in plan.decisions if isinstance(one, EditDecision)]
    assert {(one.post.target, one.moved_to) for one in edits} == {("C1", ""), ("C9", "C1")}
    moved = next(message for message in messages_of(plan) if message.target == "C9")
    assert (moved.action, moved.thread_of, moved.key[-6:]) == (EventAction.UPDATE, key_of(CART, 3, Channel.SLACK), "-moved")
    assert "It continues in C1" in str(moved.renderings[0].payload["blocks"])
    (state,) = [change.state for change in plan.changes if change.state.alert == CART and change.event.kind == "notified"]
    assert state.last_notification is not None
    assert state.last_notification.post is not None
    assert state.last_notification.post.target == "C1"


def test_an_alert_alone_that_moved_ends_its_message_in_the_old_channel() -> None:
    states = {WASTE: open_waste(WASTE, OWN, target="C9")}
    plan = planned(replace(met(1, finding(kills=0, amount=500)), alert=WASTE), states=states)
    ended, post = messages_of(plan)
    assert [(one.target, one.action) for one in (ended, post)] == [("C9", EventAction.UPDATE), ("C1", EventAction.POST)]
    assert str(ended.renderings[-1].payload["text"]).startswith("Moved: Checkout: ")
    (last,) = [change.state.last_notification for change in plan.changes if change.event.kind == "notified"]
    assert last is not None
    assert last.post is not None
    assert (last.post.target, last.post.root) == ("C1", post.key)


@pytest.mark.parametrize("root", [OWN, TOGETHER])
def test_a_team_storm_edits_the_message_of_a_member(root: str) -> None:
    abouts = [make_ref(f"c{number}") for number in range(6)]
    alerts = [AlertId(rule=Rule.UNDER_PROVISIONED, about=about) for about in abouts]
    states = {alerts[0]: open_waste(alerts[0], root)}
    each = (replace(met(1, finding(alert.about.name, kills=3)), alert=alert) for alert in alerts)
    plan = planned(*each, states=states)
    edits = [decision for decision in plan.decisions if isinstance(decision, EditDecision)]
    assert [edit.notice.alert for edit in edits] == ([alerts[0]] if root == OWN else [])
