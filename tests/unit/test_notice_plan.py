"""The plan of a sweep, without a store: what is sent, where to, and what has no destination."""

from datetime import timedelta

import pytest

from alerts.observations import Observation
from alerts.states import NoticeKind
from alerts.storm import observe_outage
from domain.messages import Channel, EventAction
from domain.refs import PLATFORM
from domain.routes import RoutePolicy
from domain.sweeps import ClusterState
from tasks.evaluate.notice_plan import PlanInput, SweepPlan, plan_sweep
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_team
from tests.stage_factories import make_policy
from tests.unit.alert_scenario import ALERT, POLICY, AlertScenario, clear, met, sweep

BOTH = RoutePolicy(slack_default="C1", pagerduty_default="a" * 16)


def planned(
    *observations: Observation, routes: RoutePolicy = BOTH, before: AlertScenario | None = None, lost: tuple[str, ...] = ()
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
            states={} if before is None else {ALERT: before.state},
            components={CHECKOUT: make_component()},
            teams={PAYMENTS: make_team()},
            lost_clusters=clusters,
        )
    )


def pending() -> AlertScenario:
    alert = AlertScenario()
    alert.observe(met(0))
    return alert


def test_an_opening_is_paged_and_posted_and_leaves_one_event_for_each_step() -> None:
    plan = planned(met(1), before=pending())
    assert [(message.channel, message.action) for message in plan.messages] == [
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
    assert {message.target for message in plan.messages} == targets
    assert len(plan.undeliverable) == undeliverable


def test_in_an_outage_only_the_outage_is_reported() -> None:
    outage = observe_outage(unknown=5, components=10, as_of=sweep(1), policy=POLICY)
    plan = planned(outage, met(1), before=pending())
    assert [message.about for message in plan.messages] == [str(PLATFORM)]


def test_a_lost_cluster_is_marked_as_notified_only_if_its_notice_has_a_destination() -> None:
    assert planned(clear(1), lost=("east",)).notified_clusters == ("east",)
    assert planned(clear(1), lost=("east",), routes=RoutePolicy()).notified_clusters == ()
