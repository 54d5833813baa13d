"""Whoever looks for broken promises finds them: each is broken here on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from simulator.serving import Simulator
from tests.acceptance.fault_table import FaultTable
from tests.acceptance.faults import put_something_to_say
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.promises import broken_promises, is_double, wrong_by_the_world
from tests.acceptance.waves import COMPONENTS, EPOCH, SLOT, is_in_danger
from tests.services.queues import QueueServer

MONDAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
COMPONENT = "component:default/ranking"


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator, queues: QueueServer, sqlite_url: str) -> Fleet:
    """An installation in which nothing runs and everything is well: one sweep of nothing."""
    fleet = Fleet(tmp_path, simulator, queues, sqlite_url, MONDAY + MINUTE)
    close_sweep(fleet, MONDAY)
    fleet.lived[MONDAY] = ""
    return fleet


def test_nothing_is_broken_where_all_is_well(fleet: Fleet) -> None:
    assert broken_promises(fleet) == []


def test_a_message_that_stands_twice_in_slack_is_found(fleet: Fleet) -> None:
    for key in ("one", "two", "two", "three", "three:fallback"):
        fleet.simulator.state.slack.messages.append({"metadata": {"event_payload": {"key": key}}})
    broken = broken_promises(fleet)
    assert [sentence.split()[0] for sentence in broken] == ["two", "three"]
    assert all(is_double(sentence) for sentence in broken)


def test_a_message_that_waits_for_ever_is_found(fleet: Fleet) -> None:
    put_something_to_say(fleet)
    broken = broken_promises(fleet)
    assert len(broken) == 2
    assert all("is stuck: pending" in sentence for sentence in broken)


def test_a_report_that_nobody_made_is_found(fleet: Fleet) -> None:
    fleet.lived[MONDAY] = "2026-W45"
    assert [sentence.partition(":")[0] for sentence in broken_promises(fleet)] == ["platform"]


def test_an_incident_that_no_alert_has_open_is_found(fleet: Fleet) -> None:
    fleet.simulator.state.pagerduty.incidents += [{"dedup_key": "a", "resolved_at": None}] * 2
    doubled, stray = broken_promises(fleet)
    assert is_double(doubled)
    assert stray == "open in PagerDuty ['a'], open here []"


def test_a_slot_without_a_sweep_is_found_until_its_time_is_over(fleet: Fleet) -> None:
    missing = MONDAY + fleet.every
    fleet.lived[missing] = ""
    fleet.now = MONDAY + timedelta(days=8)
    assert broken_promises(fleet) == [f"the slot of {missing} was lived through, and has no closed sweep"]
    fleet.lived[MONDAY + 2 * fleet.every] = ""
    close_sweep(fleet, MONDAY + 2 * fleet.every)
    fleet.now = MONDAY + timedelta(days=15)
    assert broken_promises(fleet) == []


def test_an_incident_that_the_world_wants_and_nobody_opened_is_found(fleet: Fleet) -> None:
    go_on(fleet, slots=1)
    assert list(wrong_by_the_world(fleet, [COMPONENT], lambda *_: False)) == []
    (unpaged,) = wrong_by_the_world(fleet, [COMPONENT], lambda *_: True)
    assert "nobody is paged" in unpaged
    incident = {"dedup_key": f"test:under-provisioned:{COMPONENT}", "resolved_at": None}
    fleet.simulator.state.pagerduty.incidents.append(incident)
    assert list(wrong_by_the_world(fleet, [COMPONENT], lambda *_: True)) == []
    (unresolved,) = wrong_by_the_world(fleet, [COMPONENT], lambda *_: False)
    assert "its incident is open" in unresolved


def test_what_was_resolved_a_moment_ago_needs_four_sweeps(fleet: Fleet) -> None:
    go_on(fleet, slots=1)
    incident = {"dedup_key": f"test:under-provisioned:{COMPONENT}", "resolved_at": MONDAY.isoformat()}
    fleet.simulator.state.pagerduty.incidents.append(incident)
    assert list(wrong_by_the_world(fleet, [COMPONENT], lambda *_: True)) == []
    go_on(fleet, slots=2)
    (unpaged,) = wrong_by_the_world(fleet, [COMPONENT], lambda *_: True)
    assert "for 4 sweeps" in unpaged


def test_in_every_slot_somebody_is_in_danger_and_somebody_is_well() -> None:
    for number in range(32):
        now = EPOCH + number * SLOT
        in_danger = [component for component in COMPONENTS if is_in_danger(component, now)]
        assert 0 < len(in_danger) < len(COMPONENTS)


def test_the_table_blames_a_broken_promise_on_the_fault_that_broke_it() -> None:
    table = FaultTable()
    doubled, lost = "x stands 2 times in Slack", "y is stuck"
    table.note("first", recovery=3 * MINUTE, broken=[doubled])
    table.note("first", recovery=5 * MINUTE, broken=[doubled])
    table.note("second", recovery=1 * MINUTE, broken=[doubled, lost])
    assert table.broken == (f"first: {doubled}", f"second: {lost}")
    assert str(table).splitlines()[2:] == [
        "| first | 2 | 1 | 0 | 5 |",
        "| second | 1 | 0 | 1 | 1 |",
        "| **all** | 3 | 1 | 1 | 5 |",
    ]


def go_on(fleet: Fleet, *, slots: int) -> None:
    for _ in range(slots):
        fleet.set_clock(fleet.slot + fleet.every + MINUTE)
        close_sweep(fleet, fleet.slot)


def close_sweep(fleet: Fleet, as_of: datetime) -> None:
    with fleet.store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=as_of)
        transaction.sweeps.close(as_of, closed_at=as_of)
        transaction.sweeps.mark_evaluated(as_of, at=as_of)
