"""The plan of a sweep, without a store: what is sent, where to, and what has no destination."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.observations import Observation
from alerts.outage import FigureCoverage, observe_outage
from alerts.policy import PagingMode
from alerts.states import NoticeKind
from domain.figures import FigureKind
from domain.messages import Channel, EventAction, Message
from domain.refs import PLATFORM
from domain.routes import RoutePolicy
from domain.sweeps import ClusterState
from tasks.evaluate.decisions import LostClusterDecision, PostDecision, TriggerDecision
from tasks.evaluate.notice_messages import NoticeRenderer
from tasks.evaluate.notice_plan import PlanInput, SweepPlan, plan_sweep
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_team
from tests.stage_factories import make_policy
from tests.unit.alert_scenario import ALERT, POLICY, AlertScenario, clear, finding, met, sweep

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
