"""Each invariant is violated on purpose, and the violation is found."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from simulator.serving import Simulator
from tests.acceptance.fault_table import FaultTable
from tests.acceptance.faults import put_test_messages
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import is_double, violations, wrong_pages
from tests.acceptance.waves import COMPONENTS, EPOCH, SLOT, is_in_danger
from tests.services.queues import QueueServer

MONDAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
COMPONENT = "component:default/ranking"


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator, queues: QueueServer, sqlite_url: str) -> Fleet:
    fleet = Fleet(tmp_path, simulator, queues, sqlite_url, MONDAY + MINUTE)
    close_sweep(fleet, MONDAY)
    fleet.completed[MONDAY] = ""
    return fleet


def test_without_a_fault_nothing_is_violated(fleet: Fleet) -> None:
    assert violations(fleet) == []


def test_a_duplicate_in_slack_is_found(fleet: Fleet) -> None:
    for key in ("one", "two", "two", "three", "three:fallback"):
        fleet.simulator.state.slack.messages.append({"metadata": {"event_payload": {"key": key}}})
    found = violations(fleet)
    assert [sentence.split()[0] for sentence in found] == ["two", "three"]
    assert all(is_double(sentence) for sentence in found)


def test_a_stuck_message_is_found(fleet: Fleet) -> None:
    put_test_messages(fleet)
    found = violations(fleet)
    assert len(found) == 2
    assert all("is stuck: pending" in sentence for sentence in found)


def test_a_missing_report_is_found(fleet: Fleet) -> None:
    fleet.completed[MONDAY] = "2026-W45"
    assert [sentence.partition(":")[0] for sentence in violations(fleet)] == ["~platform"]


def test_a_missing_roll_up_of_a_month_is_found(fleet: Fleet) -> None:
    fleet.months.add("2026-10")
    assert violations(fleet) == ["2026-10 has no report: []"]


def test_an_incident_without_an_alert_is_found(fleet: Fleet) -> None:
    fleet.simulator.state.pagerduty.incidents += [{"dedup_key": "a", "resolved_at": None}] * 2
    duplicate, stray = violations(fleet)
    assert is_double(duplicate)
    assert stray == "open in PagerDuty ['a'], open here []"


def test_a_slot_without_a_sweep_is_found_until_its_retention_ends(fleet: Fleet) -> None:
    missing = MONDAY + 5 * fleet.every  # no closing snapshot of a week, which is kept longer
    fleet.completed[missing] = ""
    fleet.now = MONDAY + timedelta(days=8)
    assert violations(fleet) == [f"the slot of {missing} was completed, but has no closed sweep"]
    fleet.completed[missing + fleet.every] = ""
    close_sweep(fleet, missing + fleet.every)
    fleet.now = MONDAY + timedelta(days=16)
    assert violations(fleet) == []


def test_a_danger_without_an_incident_is_found(fleet: Fleet) -> None:
    pass_slots(fleet, slots=1)
    assert list(wrong_pages(fleet, [COMPONENT], lambda *_: False)) == []
    (unpaged,) = wrong_pages(fleet, [COMPONENT], lambda *_: True)
    assert "no incident is open" in unpaged
    incident = {"dedup_key": f"test:under-provisioned:{COMPONENT}", "resolved_at": None}
    fleet.simulator.state.pagerduty.incidents.append(incident)
    assert list(wrong_pages(fleet, [COMPONENT], lambda *_: True)) == []
    (unresolved,) = wrong_pages(fleet, [COMPONENT], lambda *_: False)
    assert "its incident is open" in unresolved


def test_after_a_recent_resolve_four_sweeps_are_needed(fleet: Fleet) -> None:
    pass_slots(fleet, slots=1)
    incident = {"dedup_key": f"test:under-provisioned:{COMPONENT}", "resolved_at": MONDAY.isoformat()}
    fleet.simulator.state.pagerduty.incidents.append(incident)
    assert list(wrong_pages(fleet, [COMPONENT], lambda *_: True)) == []
    pass_slots(fleet, slots=2)
    (unpaged,) = wrong_pages(fleet, [COMPONENT], lambda *_: True)
    assert "for 4 sweeps" in unpaged


def test_in_every_slot_some_components_are_in_danger_and_some_are_well() -> None:
    for number in range(32):
        now = EPOCH + number * SLOT
        in_danger = [component for component in COMPONENTS if is_in_danger(component, now)]
        assert 0 < len(in_danger) < len(COMPONENTS)


def test_the_table_counts_a_violation_for_the_fault_that_caused_it() -> None:
    table = FaultTable()
    duplicate, lost = "x is 2 times in Slack", "y is stuck"
    table.record("first", recovery=3 * MINUTE, violations=[duplicate])
    table.record("first", recovery=5 * MINUTE, violations=[duplicate])
    table.record("second", recovery=1 * MINUTE, violations=[duplicate, lost])
    assert table.violations == (f"first: {duplicate}", f"second: {lost}")
    assert str(table).splitlines()[2:] == [
        "| first | 2 | 1 | 0 | 5 |",
        "| second | 1 | 0 | 1 | 1 |",
        "| **all** | 3 | 1 | 1 | 5 |",
    ]


def pass_slots(fleet: Fleet, *, slots: int) -> None:
    for _ in range(slots):
        fleet.set_clock(fleet.slot + fleet.every + MINUTE)
        close_sweep(fleet, fleet.slot)


def close_sweep(fleet: Fleet, as_of: datetime) -> None:
    with fleet.store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=as_of)
        transaction.sweeps.close(as_of, closed_at=as_of)
        transaction.sweeps.mark_evaluated(as_of, at=as_of)
