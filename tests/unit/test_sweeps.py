"""When a sweep ends, when a lost cluster counts as removed, and which watch sweep shows nothing any more."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.observations import AlertId, Observation, Verdict
from alerts.policy import Rule
from alerts.rules import withdrawn
from alerts.states import Acknowledged, AlertState, Dismissed, Snoozed
from alerts.watching import is_superseded
from domain.closing_point import ClosingPoint
from domain.component import RoutingKey
from domain.measures import Total, Unknown
from domain.snapshots import SeriesPoint
from domain.sweeps import LOST_CLUSTER_TTL, ClusterState, deadline_of, slot_of
from tests.factories import CHECKOUT, PAYMENTS, SLOT, make_measurement, make_point
from tests.unit.alert_scenario import AlertScenario, met, sweep

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("opened_after", "limit", "ends_after"),
    [(0 * HOUR, HOUR, HOUR), (2 * HOUR, HOUR, 3 * HOUR), (5 * HOUR, 2 * HOUR, 6 * HOUR), (5 * HOUR, HOUR, 6 * HOUR)],
)
def test_a_sweep_ends_at_its_limit_or_with_its_slot(opened_after: timedelta, limit: timedelta, ends_after: timedelta) -> None:
    assert deadline_of(SLOT, opened_at=SLOT + opened_after, limit=limit, every=6 * HOUR) == SLOT + ends_after


@pytest.mark.parametrize(
    ("now", "every", "slot"),
    [
        ("2026-11-23T09:10:11.000012+00:00", 6 * HOUR, "2026-11-23T06:00:00+00:00"),
        ("2026-11-23T06:00:00+00:00", 6 * HOUR, "2026-11-23T06:00:00+00:00"),
        ("2026-11-23T05:59:59.999999+00:00", 6 * HOUR, "2026-11-23T00:00:00+00:00"),
        ("2026-11-23T09:44:59+00:00", HOUR / 4, "2026-11-23T09:30:00+00:00"),
        ("2026-11-24T01:30:00+05:30", 6 * HOUR, "2026-11-23T18:00:00+00:00"),
        ("2026-11-23T23:59:59+00:00", 24 * HOUR, "2026-11-23T00:00:00+00:00"),
    ],
)
def test_the_slot_of_an_instant_begins_at_a_multiple_of_the_interval_since_midnight_utc(
    now: str, every: timedelta, slot: str
) -> None:
    assert slot_of(datetime.fromisoformat(now), every).isoformat() == slot


def test_slots_are_those_of_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert slot_of(SLOT + HOUR, 6 * HOUR) == SLOT
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("lost_after", [None, 6 * HOUR])
def test_a_cluster_that_stays_lost_counts_as_removed(lost_after: timedelta | None) -> None:
    lost_since = None if lost_after is None else SLOT + lost_after
    cluster = ClusterState(name="east", last_seen=SLOT, lost_since=lost_since, notified_at=None, removed_at=None)
    removed_at = (lost_since or SLOT) + LOST_CLUSTER_TTL

    assert cluster.counts_as_removed(removed_at)
    assert not cluster.counts_as_removed(removed_at - SECOND)


def test_a_watch_sweep_is_superseded_by_a_newer_sweep_of_either_kind() -> None:
    assert not is_superseded(SLOT)
    assert not is_superseded(SLOT, None, SLOT, SLOT - SECOND)
    assert is_superseded(SLOT, None, SLOT + SECOND)
    assert is_superseded(SLOT, SLOT + SECOND, SLOT - SECOND)


def test_what_is_withdrawn_closes_its_alert_with_a_reason() -> None:
    alert = AlertId(rule=Rule.BUDGET, about=CHECKOUT)

    assert withdrawn(alert, team=PAYMENTS, as_of=SLOT, reason="It has no budget any more.") == Observation(
        alert=alert, team=PAYMENTS, as_of=SLOT, verdict=Verdict.WITHDRAWN, reason="It has no budget any more."
    )


def handled(*answers: Acknowledged | Snoozed | Dismissed) -> AlertState:
    alert = AlertScenario()
    alert.observe(met(0))
    for answer in answers:
        alert.apply(answer)
    return alert.state


def test_an_open_alert_is_handled_once_a_person_decided_about_it() -> None:
    at = sweep(0) + HOUR
    snoozed = handled(Snoozed(at=at, by="ann", until=sweep(1), note=""))

    assert not AlertScenario().state.is_handled(at)
    assert not handled().is_handled(at)
    assert handled(Acknowledged(at=at, by="ann", note="")).is_handled(at)
    assert handled(Dismissed(at=at, by="ann", reason="known")).is_handled(at)
    assert snoozed.is_handled(sweep(1) - SECOND)
    assert not snoozed.is_handled(sweep(1))


def test_the_point_of_a_closing_counts_what_was_measured() -> None:
    measured = [make_measurement(name, make_point(name)) for name in ("a", "b")]
    closing = ClosingPoint(as_of=SLOT, measurements=(*measured, make_measurement("c", reason="with 503")))
    point = closing.series_point

    assert isinstance(point, SeriesPoint)
    assert (point.as_of, point.measured, point.unknown) == (SLOT, 2, 1)
    assert point.cost_7d == closing.cost_7d


@pytest.mark.parametrize(("reason", "measured", "unknown"), [("", 1, 0), ("with 503", 0, 1)])
def test_the_point_of_a_component_is_that_of_its_snapshot(reason: str, measured: int, unknown: int) -> None:
    snapshot = make_measurement("checkout", reason=reason).snapshot
    point = SeriesPoint.of_component(snapshot)

    assert (point.as_of, point.measured, point.unknown, point.cost_7d) == (SLOT, measured, unknown, snapshot.cost_7d)


def test_a_sum_that_is_not_known_is_not_complete() -> None:
    unknown = Total(amount=Unknown("with 503"), known=0, parts=0)
    point = SeriesPoint.of_component(make_measurement("checkout", make_point()).snapshot)

    assert point.is_complete
    assert not replace(point, cost_7d=unknown).is_complete
    assert not replace(point, unknown=1).is_complete


def test_equal_routing_keys_are_one_in_a_set() -> None:
    assert len({RoutingKey("a" * 32), RoutingKey("a" * 32), RoutingKey("b" * 32)}) == 2
    assert hash(RoutingKey("a" * 32)) == hash(RoutingKey("a" * 32)) != hash(RoutingKey("b" * 32))
    assert RoutingKey("a" * 32) != "a" * 32
    assert repr(RoutingKey("a" * 32)) == "RoutingKey(***)"
