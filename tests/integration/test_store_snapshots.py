"""Measurements come back exactly as they were put, and a closed sweep never changes. On both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.measures import Total, Unknown
from domain.refs import PLATFORM
from domain.snapshots import Measurement, Outcome, SeriesPoint
from store import Store, SweepClosed
from tests.integration.measured import (
    NOW,
    PAYMENTS,
    SEARCH,
    SLOT,
    component,
    measurement,
    point,
    record_listing,
    ref,
    team,
    unmeasured,
    without_network,
)

NEXT = SLOT + timedelta(hours=6)


def put(store: Store, *measurements: Measurement, as_of: datetime = SLOT, close: bool = False) -> None:
    with store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=as_of)
        transaction.snapshots.put_all(measurements)
        if close:
            transaction.sweeps.close(as_of, closed_at=as_of + timedelta(minutes=9))


def of_sweep(store: Store, as_of: datetime = SLOT) -> list[Measurement]:
    with store.reading() as transaction:
        return list(transaction.snapshots.of_sweep(as_of))


def test_a_measurement_comes_back_as_it_was_put(store: Store) -> None:
    checkout = measurement("checkout", point("a"), point("b", cost=None), without_network("c"), warnings=("one", "two"))
    search = unmeasured("search", "ScaleOps answered 500")
    put(store, search, checkout)
    assert of_sweep(store) == [checkout, search]
    with store.reading() as transaction:
        assert transaction.snapshots.of_component(ref("checkout"), SLOT) == checkout
        assert transaction.snapshots.of_component(ref("checkout"), NEXT) is None
        assert transaction.snapshots.of_components([ref("search"), ref("checkout")], SLOT) == (checkout, search)
        assert transaction.snapshots.of_team(PAYMENTS, SLOT) == (checkout, search)
        assert transaction.snapshots.of_team(SEARCH, SLOT) == ()
        assert transaction.snapshots.teams_at(SLOT) == (PAYMENTS,)


def test_sums_of_stored_money_are_exact(store: Store) -> None:
    put(store, measurement("checkout", *(point(f"w{number:02}", cost="0.1") for number in range(30))))
    with store.reading() as transaction:
        (series,) = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    assert series.cost_7d == Total(amount=Decimal("3.0"), known=30, parts=30)


CHECKOUT = measurement("checkout", point("a"), point("b"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(CHECKOUT, CHECKOUT, id="a repeat"),
        pytest.param(CHECKOUT, unmeasured("checkout"), id="an unknown outcome replaces none"),
        pytest.param(unmeasured("checkout"), CHECKOUT, id="an unknown outcome is replaced"),
    ],
)
def test_a_measured_outcome_is_kept(store: Store, first: Measurement, second: Measurement) -> None:
    put(store, first)
    put(store, second)
    assert of_sweep(store) == [CHECKOUT]


def test_of_two_answers_about_one_workload_the_fuller_one_is_kept(store: Store) -> None:
    fuller, thinner = point("shared"), point("shared", cost=None)
    put(store, measurement("checkout", fuller), measurement("search", thinner))
    put(store, measurement("third", thinner))
    assert {found.points for found in of_sweep(store)} == {(fuller,)}

    put(store, measurement("checkout", replace(thinner, as_of=NEXT), as_of=NEXT), as_of=NEXT)
    put(store, measurement("search", replace(fuller, as_of=NEXT), as_of=NEXT), as_of=NEXT)
    assert {found.points for found in of_sweep(store, NEXT)} == {(replace(fuller, as_of=NEXT),)}


def test_one_name_in_two_clusters_is_two_workloads(store: Store) -> None:
    checkout = measurement("checkout", point("a", cluster="eu-1"), point("a", cluster="prod@us"))
    put(store, checkout)
    assert of_sweep(store) == [checkout]


def test_a_workload_whose_name_no_database_can_hold_is_stored_all_the_same(store: Store) -> None:
    put(store, measurement("checkout", point("a\0b\ud800"), point("a")))
    (checkout,) = of_sweep(store)
    assert [found.name for found in checkout.snapshot.workloads] == ["a", "a\ufffdb?"]


def test_a_closed_sweep_never_changes(store: Store) -> None:
    checkout = measurement("checkout", point("a"))
    put(store, checkout, close=True)
    with pytest.raises(SweepClosed, match="is closed"), store.transaction() as transaction:
        transaction.snapshots.put_all([measurement("checkout", point("b"))])
    with pytest.raises(SweepClosed, match="was never opened"), store.transaction() as transaction:
        transaction.snapshots.put_all([measurement("checkout", point("b", as_of=NEXT), as_of=NEXT)])
    with store.transaction() as transaction:
        closed = transaction.sweeps.close(SLOT, closed_at=NEXT)
    assert closed.closed_at == SLOT + timedelta(minutes=9)
    assert of_sweep(store) == [checkout]


def test_what_fails_half_way_leaves_nothing(store: Store) -> None:
    put(store)

    def put_one_and_then_nonsense() -> None:
        with store.transaction() as transaction:
            transaction.snapshots.put_all([measurement("checkout", point("a"))])
            transaction.snapshots.put_all([measurement("b", point("b")), measurement("c", point("c", as_of=NEXT), as_of=NEXT)])

    with pytest.raises(ValueError, match="2 sweeps"):
        put_one_and_then_nonsense()
    assert of_sweep(store) == []


def test_a_reading_transaction_cannot_write(store: Store) -> None:
    put(store)
    with pytest.raises(Exception, match=r"read.?only"), store.reading() as transaction:
        transaction.snapshots.put_all([measurement("checkout", point("a"))])
    put(store, measurement("checkout", point("a")))
    assert len(of_sweep(store)) == 1


def test_a_large_sweep_is_streamed_in_order_with_all_its_points(store: Store) -> None:
    many = [measurement(f"c{number:04}", point(f"w{number}"), point(f"x{number}")) for number in range(450)]
    put(store, *reversed(many))
    assert of_sweep(store) == many


def test_a_component_without_workloads_is_measured_and_costs_nothing(store: Store) -> None:
    put(store, measurement("idle"))
    (idle,) = of_sweep(store)
    assert idle.snapshot.outcome is Outcome.MEASURED
    assert idle.snapshot.cost_7d == Total(amount=Decimal(0), known=0, parts=0)


def test_a_total_of_which_no_part_is_known_keeps_its_reason(store: Store) -> None:
    put(store, measurement("checkout", point("a", cost=None)))
    (checkout,) = of_sweep(store)
    assert checkout.snapshot.cost_7d == Total(amount=Unknown("ScaleOps gave no cost for it"), known=0, parts=1)


def test_the_outcomes_of_an_open_sweep_say_who_is_still_to_be_asked(store: Store) -> None:
    put(store, measurement("checkout", point("a")), unmeasured("search"))
    with store.reading() as transaction:
        assert transaction.snapshots.outcomes(SLOT) == {ref("checkout"): Outcome.MEASURED, ref("search"): Outcome.UNKNOWN}


def test_a_sweep_is_opened_once_and_counts_its_outcomes_when_it_closes(store: Store) -> None:
    with store.transaction() as transaction:
        assert transaction.sweeps.open(SLOT, opened_at=NOW).opened_at == NOW
        assert transaction.sweeps.open(SLOT, opened_at=NEXT).opened_at == NOW
        transaction.sweeps.record_listing(SLOT, expected=3, complete=True)
        assert [sweep.as_of for sweep in transaction.sweeps.unclosed()] == [SLOT]
        assert transaction.sweeps.newest_closed() is None
        transaction.snapshots.put_all([measurement("a", point("a")), measurement("b", point("b")), unmeasured("c")])
        closed = transaction.sweeps.close(SLOT, closed_at=NEXT)
    assert (closed.expected, closed.measured, closed.unknown, closed.listing_complete) == (3, 2, 1, True)
    with store.reading() as transaction:
        assert transaction.sweeps.newest_closed() == closed
        assert transaction.sweeps.get(SLOT) == closed
        assert transaction.sweeps.unclosed() == ()


def test_closed_sweeps_are_evaluated_once_and_in_order(store: Store) -> None:
    slots = [SLOT + timedelta(hours=6 * number) for number in range(3)]
    for slot in reversed(slots):
        put(store, as_of=slot, close=slot != slots[2])
    with store.transaction() as transaction:
        assert [sweep.as_of for sweep in transaction.sweeps.unevaluated()] == slots[:2]
        assert transaction.sweeps.mark_evaluated(slots[0], at=NOW)
        assert not transaction.sweeps.mark_evaluated(slots[0], at=NEXT)
        assert not transaction.sweeps.mark_evaluated(slots[2], at=NOW), "it is still open"
        assert [sweep.as_of for sweep in transaction.sweeps.unevaluated()] == slots[1:2]


def test_closed_sweeps_are_found_between_two_instants_and_by_day(store: Store) -> None:
    slots = [SLOT + timedelta(hours=6 * number) for number in range(6)]
    for slot in slots:
        put(store, as_of=slot, close=slot != slots[4])
    with store.reading() as transaction:
        assert [sweep.as_of for sweep in transaction.sweeps.closed_between(slots[1], slots[4])] == slots[3:0:-1]
        assert transaction.sweeps.closed_between(slots[4], slots[4]) == ()
        before = transaction.sweeps.closed_before(slots[5])
        assert before is not None
        assert before.as_of == slots[3]
        # 06:00, 12:00 and 18:00 of one day; 00:00, 06:00 (open) and 12:00 of the next.
        days = transaction.sweeps.last_of_each_day(slots[0], slots[5])
        assert [sweep.as_of for sweep in days] == [slots[2], slots[5]]


def test_a_series_counts_a_shared_workload_once_for_its_team(store: Store) -> None:
    shared, own = point("shared", cost="5"), point("own", cost="2.5")
    put(store, measurement("checkout", shared, own), measurement("cart", shared), unmeasured("search", team=SEARCH), close=True)
    later = [replace(one, as_of=NEXT) for one in (shared, own)]
    put(store, measurement("checkout", *later, as_of=NEXT), as_of=NEXT, close=True)
    with store.reading() as transaction:
        first, second = transaction.history.of_team(PAYMENTS, as_ofs=[NEXT, SLOT])
        assert (first.as_of, second.as_of) == (SLOT, NEXT)
        assert first.cost_7d == Total(amount=Decimal("7.5"), known=2, parts=2)
        assert (first.measured, first.unknown) == (2, 0)
        platform = transaction.history.of_team(PLATFORM, as_ofs=[SLOT])
        assert [(one.cost_7d.amount, one.measured, one.unknown) for one in platform] == [(Decimal("7.5"), 2, 1)]
        cart = transaction.history.of_component(ref("cart"), as_ofs=[SLOT, NEXT])
        assert [one.cost_7d.amount for one in cart] == [Decimal(5)]
        assert transaction.history.of_component(ref("unknown"), as_ofs=[SLOT]) == ()
        assert transaction.history.sweeps_of_component(ref("checkout"), earliest=SLOT, latest=NEXT) == (SLOT, NEXT)
        assert transaction.history.sweeps_of_component(ref("cart"), earliest=SLOT, latest=NEXT) == (SLOT,)
        assert transaction.history.first_of_team(PAYMENTS) == SLOT
        assert transaction.history.first_of_components([ref("cart"), ref("unknown")]) == {ref("cart"): SLOT}


def test_a_series_of_what_was_never_measured_is_unknown_and_not_zero(store: Store) -> None:
    put(store, measurement("checkout", point("a", cost=None)), close=True)
    with store.reading() as transaction:
        (only,) = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    assert isinstance(only, SeriesPoint)
    assert only.cost_7d.amount == Unknown("ScaleOps gave no cost for it")


def test_a_team_of_which_no_component_was_measured_has_an_unknown_total(store: Store) -> None:
    put(store, unmeasured("checkout", "ScaleOps answered 500"), close=True)
    with store.reading() as transaction:
        (only,) = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    assert (only.measured, only.unknown) == (0, 1)
    assert only.cost_7d == Total(amount=Unknown("ScaleOps answered 500"), known=0, parts=0)


def test_the_team_of_a_snapshot_is_the_owner_of_that_day(store: Store) -> None:
    with store.transaction() as transaction:
        record_listing(transaction, [component("checkout")], [team()], as_of=SLOT, complete=True)
    put(store, measurement("checkout", point("a")), close=True)
    with store.transaction() as transaction:
        moved = component("checkout", team=SEARCH)
        record_listing(transaction, [moved], [team(SEARCH)], as_of=NEXT, complete=True)
        assert transaction.snapshots.teams_at(SLOT) == (PAYMENTS,)
        assert transaction.components.of_team(SEARCH) == (moved,)
