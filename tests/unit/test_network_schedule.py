"""The network of a workload is measured again in one slot of each day."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.network_schedule import NetworkFigures, is_network_due, without_due
from domain.snapshots import NetworkUse
from tests.factories import SLOT, make_key

DAY = timedelta(days=1)
MIDNIGHT = SLOT.replace(hour=0)
USE = NetworkUse(cost=Decimal(1), cross_az_cost=Decimal(0), cross_az_traffic_bytes=Decimal(0))
KEYS = [make_key(f"w{number}") for number in range(40)]


@pytest.mark.parametrize("every", [timedelta(hours=6), timedelta(hours=1), timedelta(days=1)])
def test_each_workload_is_due_once_a_day_in_the_same_slot(every: timedelta) -> None:
    slots = DAY // every
    for key in KEYS:
        due = [number for number in range(3 * slots) if is_network_due(key, MIDNIGHT + number * every, every=every)]
        assert len(due) == 3
        assert {number % slots for number in due} == {due[0]}


def test_a_sweep_within_a_slot_measures_what_its_slot_does() -> None:
    every = timedelta(hours=6)
    for key in KEYS:
        assert is_network_due(key, SLOT + timedelta(hours=1), every=every) is is_network_due(key, SLOT, every=every)


def test_workloads_are_spread_over_the_slots() -> None:
    every = timedelta(hours=6)
    slots = Counter(number for key in KEYS for number in range(4) if is_network_due(key, MIDNIGHT + number * every, every=every))

    assert set(slots) == {0, 1, 2, 3}


def test_with_slots_of_more_than_a_day_every_sweep_measures() -> None:
    assert all(is_network_due(key, MIDNIGHT, every=timedelta(days=2)) for key in KEYS)


def test_figures_of_workloads_that_are_not_due_are_carried_on() -> None:
    every = timedelta(hours=6)
    recent = {key: NetworkFigures(use=USE, as_of=MIDNIGHT) for key in KEYS}
    carried = without_due(recent, SLOT, every=every)

    assert set(carried) == {key for key in KEYS if not is_network_due(key, SLOT, every=every)}
    assert 0 < len(carried) < len(KEYS)
    assert all(carried[key] is recent[key] for key in carried)
