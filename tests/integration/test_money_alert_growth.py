"""The message of a cost alert says what grew, also where the sweep of a week before is missing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alerts.observations import AlertId, CostFigures
from alerts.policy import Rule
from alerts.states import SlackPost
from store import Store
from tasks.evaluate.cost_growth import read_growth
from tasks.evaluate.decisions import PageDecision, PostDecision
from tests.factories import CHECKOUT, SLOT, make_measurement, make_point
from tests.stage_factories import make_policy, record_sweep
from tests.unit.alert_scenario import AlertScenario, finding, met


@pytest.mark.parametrize(("back", "is_known"), [(7, True), (10, True), (4, True), (1, False), (20, False)])
def test_growth_is_read_from_the_sweep_nearest_to_a_week_before(store: Store, back: int, *, is_known: bool) -> None:
    long_ago = SLOT - timedelta(days=90)
    for as_of, cost in ((SLOT - timedelta(days=back), 100), (SLOT, 300)):
        point = make_point("api", cost_7d=Decimal(cost), listed_since=long_ago)
        record_sweep(store, as_of, make_measurement("checkout", point, as_of=as_of))
    whole = replace(finding(), workload=None, figures=CostFigures(cost_7d=Decimal(300), usual_cost_7d=Decimal(100), weeks=4))
    alert = AlertId(rule=Rule.COST_INCREASE, about=CHECKOUT)
    notice = replace(AlertScenario().observe(met(1))[0], alert=alert, findings=(whole,))
    post = SlackPost(target="C", route="default", root="r")
    decision = PostDecision(notice=notice, number=1, post=post, page=PageDecision())
    with store.reading() as transaction:
        found = read_growth(transaction, make_policy(), [decision], as_of=SLOT)
    assert [line for lines in found.values() for line in lines][:1] == [
        line for line in (found.get(alert) or ()) if "api, east" in line
    ]
    assert (alert in found) is is_known
