"""A workload behind a row that could not be read is not gone: nothing resolves, ends or is said to be removed because of it."""

from dataclasses import replace

from alerts.policy import AlertPolicy, Rule
from alerts.rules import SweepHistory, observe
from domain.closing_point import ClosingPoint
from domain.snapshots import WorkloadPoint
from domain.tracking import track
from domain.workload import SetAsideRow
from tests.factories import NEXT_SLOT, SLOT, make_key, make_measurement, make_point, make_ref

ROW = SetAsideRow(label="row 1 (shop_Deployment_api)", reason="workloadName is missing", cluster="east", namespace="shop")
UNREADABLE = WorkloadPoint.unmeasured(as_of=NEXT_SLOT, key=ROW.key_for(make_ref()), reason=str(ROW))


def test_no_alert_resolves() -> None:
    measurement = make_measurement("checkout", UNREADABLE, make_point("web"), as_of=NEXT_SLOT)
    seen = observe(measurement, SweepHistory(measured_before=True), AlertPolicy(instance="test"), lifecycle="production")
    [danger] = [one for one in seen if one.alert.rule is Rule.UNDER_PROVISIONED]
    assert (danger.found, danger.unknown) == ((), (str(UNREADABLE.key),))


def test_no_recommendation_ends() -> None:
    starved = make_point("api", under_provisioned=True)
    opened = track(make_measurement("checkout", starved), ())
    assert len(opened) == 1
    assert track(make_measurement("checkout", UNREADABLE, as_of=NEXT_SLOT), opened) == ()
    [ended] = track(make_measurement("checkout", make_point("web", automated=True), as_of=NEXT_SLOT), opened)
    assert ended.ended_at == NEXT_SLOT


def test_no_workload_counts_as_removed() -> None:
    now = ClosingPoint(as_of=NEXT_SLOT, measurements=(make_measurement("checkout", UNREADABLE, as_of=NEXT_SLOT),))
    then = ClosingPoint(as_of=SLOT, measurements=(make_measurement("checkout", make_point("api"), as_of=SLOT),))
    assert not now.is_confirmed_absent(make_key("api"), [make_ref()])
    assert then.is_confirmed_absent(make_key("web"), [make_ref()])
    assert (now.cost_7d.known, now.cost_7d.parts) == (0, 1)


def test_every_row_has_a_key_of_its_own_that_no_workload_has() -> None:
    other = replace(ROW, label="row 2", cluster=None, namespace=None)
    keys = {ROW.key_for(make_ref()), other.key_for(make_ref()), ROW.key_for(make_ref("cart"))}
    assert len(keys) == 3
    assert not any(key.is_identified for key in keys)
    assert make_point("api").key.is_identified
