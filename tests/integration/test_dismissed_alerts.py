"""A dismissal is the team's answer: no repeats, not counted as ignored, listed with its reason until the alert changes materially."""

from datetime import timedelta

import pytest

from alerts.policy import Rule
from alerts.states import Dismissed, NoticeKind
from domain.messages import EventAction
from store import Store
from tasks.evaluate.manual import AlertNotOpen, MissingReason, dismiss_alert
from tasks.report.reported_alerts import AlertPeriod, handled_alerts, reported_alerts
from tests.factories import CHECKOUT, make_component
from tests.integration.alert_installation import KEY, Installation, alert, starved
from tests.unit.alert_scenario import AlertScenario, clear, finding, met, sweep


@pytest.fixture
def installation(sqlite_store: Store) -> Installation:
    return Installation(store=sqlite_store, components=[make_component("checkout")])


def dismissed(*members: str) -> AlertScenario:
    one = AlertScenario()
    one.observe(met(0, *map(finding, members)))
    one.apply(Dismissed(at=sweep(0.5), by="ana", reason="meant"))
    return one


def test_a_dismissed_alert_is_not_repeated() -> None:
    one = dismissed("api")
    assert one.observe(*(met(number) for number in range(1, 60))) == ()
    assert one.state.incident is not None
    assert one.state.is_handled(sweep(60))


@pytest.mark.parametrize("changed", [finding("api", kills=3), finding("worker", kills=1)])
def test_a_material_change_is_notified_and_ends_the_dismissal(changed: object) -> None:
    one = dismissed("api")
    (notice,) = one.observe(met(1, finding("api"), changed) if changed == finding("worker") else met(1, changed))  # type: ignore[arg-type]
    assert notice.kind is NoticeKind.CHANGED
    assert not one.state.is_handled(sweep(1))


def test_what_had_grown_when_it_was_dismissed_is_no_change() -> None:
    one = AlertScenario()
    one.observe(*(met(number, finding(kills=0, amount=amount)) for number, amount in enumerate([10, 10, 14])))
    one.apply(Dismissed(at=sweep(2.5), by="ana", reason="meant"))
    assert one.observe(met(3, finding(kills=0, amount=20))) == ()
    assert one.observe(met(4, finding(kills=0, amount=21)))[0].kind is NoticeKind.CHANGED


def test_a_dismissal_ends_with_its_incident() -> None:
    one = dismissed("api")
    assert one.observe(clear(1), clear(2))[0].kind is NoticeKind.RESOLVED
    one.observe(met(20))
    assert not one.state.is_handled(sweep(20))


def test_dismissing_acknowledges_the_incident_and_needs_a_reason_and_an_open_alert(installation: Installation) -> None:
    with pytest.raises(AlertNotOpen):
        dismiss_alert(installation.context, str(alert("checkout")), by="ana", reason="meant")
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    with pytest.raises(MissingReason):
        dismiss_alert(installation.context, str(alert("checkout")), by="ana", reason=" ")
    dismiss_alert(installation.context, str(alert("checkout")), by="ana", reason="a load test")
    (event,) = installation.new_messages()
    assert (event.action, event.target) == (EventAction.ACKNOWLEDGE, KEY)
    assert "ana dismissed it: a load test" in event.reason


def test_a_report_lists_it_as_dismissed_and_handled_and_a_later_change_does_not_rewrite_it(installation: Installation) -> None:
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    dismiss_alert(installation.context, str(alert("checkout")), by="ana", reason="a load test")
    until = installation.now
    period = AlertPeriod(since=until - timedelta(days=7), until=until, handled_by=until)
    for _ in range(2):
        with installation.store.reading() as rows:
            assert [one.dismissed for one in reported_alerts(rows, [CHECKOUT], period).open] == ["a load test"]
            assert handled_alerts(rows, [CHECKOUT], period) == {(Rule.UNDER_PROVISIONED.value, CHECKOUT)}
        installation.run({"checkout": [starved(kills=9)]}, {"checkout": [starved(kills=9)]})
    with installation.store.reading() as rows:
        later = AlertPeriod(since=until, until=installation.now, handled_by=installation.now)
        assert handled_alerts(rows, [CHECKOUT], later) == frozenset()
