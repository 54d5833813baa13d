"""Measurements come back exactly as they were put, and a closed sweep never changes. On both databases."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.measures import Total, Unknown
from domain.refs import PLATFORM
from domain.snapshots import Measurement, NetworkOff, NetworkUse, Outcome, SeriesPoint
from store import Store, SweepClosed
from tests.factories import (
    NEXT_SLOT,
    NOW,
    PAYMENTS,
    SEARCH,
    SLOT,
    make_component,
    make_lost_point,
    make_measurement,
    make_point,
    make_ref,
    make_team,
)
from tests.stage_factories import record_listing

NO_COST = Unknown("ScaleOps gave no cost for it")


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
    checkout = make_measurement(
        "checkout",
        make_point(
            "a",
            cpu_request_millicores=250.5,
            memory_recommended_bytes=Unknown("ScaleOps gave no recommendation"),
            active_savings_per_month=Decimal("-0.20"),
            network=NetworkUse(
                cost=Decimal("1.23456789012345678901234567890"),
                cross_az_cost=Unknown("left out"),
                cross_az_traffic_bytes=Decimal(10) ** 18,
            ),
        ),
        make_point("b", cost_7d=NO_COST),
        replace(make_lost_point("c"), network=NetworkOff()),
        warnings=("one", "two"),
    )
    search = make_measurement("search", reason="ScaleOps answered 500")
    put(store, search, checkout)
    assert of_sweep(store) == [checkout, search]
    with store.reading() as transaction:
        assert transaction.snapshots.of_component(make_ref("checkout"), SLOT) == checkout
        assert transaction.snapshots.of_component(make_ref("checkout"), NEXT_SLOT) is None
        assert transaction.snapshots.of_components([make_ref("search"), make_ref("checkout")], SLOT) == (checkout, search)
        assert transaction.snapshots.of_team(PAYMENTS, SLOT) == (checkout, search)
        assert transaction.snapshots.of_team(SEARCH, SLOT) == ()
        assert transaction.snapshots.teams_at(SLOT) == (PAYMENTS,)


def test_sums_of_stored_money_are_exact(store: Store) -> None:
    put(store, make_measurement("checkout", *(make_point(f"w{number:02}", cost_7d=Decimal("0.1")) for number in range(30))))
    with store.reading() as transaction:
        (series,) = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    assert series.cost_7d == Total(amount=Decimal("3.0"), known=30, parts=30)


MEASURED = make_measurement("checkout", make_point("a"), make_point("b"))
UNKNOWN = make_measurement("checkout", reason="ScaleOps did not answer")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(MEASURED, MEASURED, id="a repeat"),
        pytest.param(MEASURED, UNKNOWN, id="an unknown outcome replaces none"),
        pytest.param(UNKNOWN, MEASURED, id="an unknown outcome is replaced"),
    ],
)
def test_a_measured_outcome_is_kept(store: Store, first: Measurement, second: Measurement) -> None:
    put(store, first)
    put(store, second)
    assert of_sweep(store) == [MEASURED]


def test_of_two_answers_about_one_workload_the_fuller_one_is_kept(store: Store) -> None:
    fuller, thinner = make_point("shared"), make_point("shared", cost_7d=NO_COST)
    put(store, make_measurement("checkout", fuller), make_measurement("search", thinner))
    put(store, make_measurement("third", thinner))
    assert {found.points for found in of_sweep(store)} == {(fuller,)}
    put(store, make_measurement("checkout", thinner, as_of=NEXT_SLOT), as_of=NEXT_SLOT)
    put(store, make_measurement("search", fuller, as_of=NEXT_SLOT), as_of=NEXT_SLOT)
    assert {found.points for found in of_sweep(store, NEXT_SLOT)} == {(replace(fuller, as_of=NEXT_SLOT),)}


def test_one_name_in_two_clusters_is_two_workloads(store: Store) -> None:
    checkout = make_measurement("checkout", make_point("a", cluster="eu-1"), make_point("a", cluster="prod@us"))
    put(store, checkout)
    assert of_sweep(store) == [checkout]


def test_a_workload_whose_name_no_database_can_hold_is_stored_all_the_same(store: Store) -> None:
    put(store, make_measurement("checkout", make_point("a\0b\ud800"), make_point("a")))
    (checkout,) = of_sweep(store)
    assert [found.name for found in checkout.snapshot.workloads] == ["a", "a\ufffdb?"]


def test_a_closed_sweep_never_changes(store: Store) -> None:
    checkout = make_measurement("checkout", make_point("a"))
    put(store, checkout, close=True)
    with pytest.raises(SweepClosed, match="is closed"), store.transaction() as transaction:
        transaction.snapshots.put_all([make_measurement("checkout", make_point("b"))])
    with pytest.raises(SweepClosed, match="was never opened"), store.transaction() as transaction:
        transaction.snapshots.put_all([make_measurement("checkout", make_point("b"), as_of=NEXT_SLOT)])
    with store.transaction() as transaction:
        closed = transaction.sweeps.close(SLOT, closed_at=NEXT_SLOT)
    assert closed.closed_at == SLOT + timedelta(minutes=9)
    assert of_sweep(store) == [checkout]


def test_what_fails_half_way_leaves_nothing(store: Store) -> None:
    put(store)

    def put_one_and_then_nonsense() -> None:
        with store.transaction() as transaction:
            transaction.snapshots.put_all([make_measurement("checkout", make_point("a"))])
            transaction.snapshots.put_all(
                [make_measurement("b", make_point("b")), make_measurement("c", make_point("c"), as_of=NEXT_SLOT)]
            )

    with pytest.raises(ValueError, match="2 sweeps"):
        put_one_and_then_nonsense()
    assert of_sweep(store) == []


def test_a_reading_transaction_cannot_write(store: Store) -> None:
    put(store)
    with pytest.raises(Exception, match=r"read.?only"), store.reading() as transaction:
        transaction.snapshots.put_all([make_measurement("checkout", make_point("a"))])
    put(store, make_measurement("checkout", make_point("a")))
    assert len(of_sweep(store)) == 1


def test_a_large_sweep_is_streamed_in_order_with_all_its_points(store: Store) -> None:
    many = [make_measurement(f"c{number:04}", make_point(f"w{number}"), make_point(f"x{number}")) for number in range(450)]
    put(store, *reversed(many))
    assert of_sweep(store) == many


def test_a_component_without_workloads_is_measured_and_costs_nothing(store: Store) -> None:
    put(store, make_measurement("idle"))
    (idle,) = of_sweep(store)
    assert idle.snapshot.outcome is Outcome.MEASURED
    assert idle.snapshot.cost_7d == Total(amount=Decimal(0), known=0, parts=0)


def test_a_total_of_which_no_part_is_known_keeps_its_reason(store: Store) -> None:
    put(store, make_measurement("checkout", make_point("a", cost_7d=NO_COST)))
    (checkout,) = of_sweep(store)
    assert checkout.snapshot.cost_7d == Total(amount=Unknown("ScaleOps gave no cost for it"), known=0, parts=1)


def test_the_outcomes_of_an_open_sweep_say_who_is_still_to_be_asked(store: Store) -> None:
    put(store, make_measurement("checkout", make_point("a")), make_measurement("search", reason="ScaleOps did not answer"))
    with store.reading() as transaction:
        assert transaction.snapshots.outcomes(SLOT) == {
            make_ref("checkout"): Outcome.MEASURED,
            make_ref("search"): Outcome.UNKNOWN,
        }


def test_a_sweep_is_opened_once_and_counts_its_outcomes_when_it_closes(store: Store) -> None:
    with store.transaction() as transaction:
        assert transaction.sweeps.open(SLOT, opened_at=NOW).opened_at == NOW
        assert transaction.sweeps.open(SLOT, opened_at=NEXT_SLOT).opened_at == NOW
        transaction.sweeps.record_listing(SLOT, expected=3, complete=True)
        assert [sweep.as_of for sweep in transaction.sweeps.unclosed()] == [SLOT]
        assert transaction.sweeps.newest_closed() is None
        transaction.snapshots.put_all(
            [
                make_measurement("a", make_point("a")),
                make_measurement("b", make_point("b")),
                make_measurement("c", reason="ScaleOps did not answer"),
            ]
        )
        closed = transaction.sweeps.close(SLOT, closed_at=NEXT_SLOT)
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
        assert not transaction.sweeps.mark_evaluated(slots[0], at=NEXT_SLOT)
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


def test_a_series_counts_a_shared_workload_once_for_its_team(store: Store) -> None:
    shared, own = make_point("shared", cost_7d=Decimal(5)), make_point("own", cost_7d=Decimal("2.5"))
    put(
        store,
        make_measurement("checkout", shared, own),
        make_measurement("cart", shared),
        make_measurement("search", reason="ScaleOps did not answer", team=SEARCH),
        close=True,
    )
    put(store, make_measurement("checkout", shared, own, as_of=NEXT_SLOT), as_of=NEXT_SLOT, close=True)
    with store.reading() as transaction:
        first, second = transaction.history.of_team(PAYMENTS, as_ofs=[NEXT_SLOT, SLOT])
        assert (first.as_of, second.as_of) == (SLOT, NEXT_SLOT)
        assert first.cost_7d == Total(amount=Decimal("7.5"), known=2, parts=2)
        assert (first.measured, first.unknown) == (2, 0)
        platform = transaction.history.of_team(PLATFORM, as_ofs=[SLOT])
        assert [(one.cost_7d.amount, one.measured, one.unknown) for one in platform] == [(Decimal("7.5"), 2, 1)]
        cart = transaction.history.of_component(make_ref("cart"), as_ofs=[SLOT, NEXT_SLOT])
        assert [one.cost_7d.amount for one in cart] == [Decimal(5)]
        assert transaction.history.of_component(make_ref("unknown"), as_ofs=[SLOT]) == ()
        assert transaction.history.first_of_team(PAYMENTS) == SLOT
        assert transaction.history.first_of_components([make_ref("cart"), make_ref("unknown")]) == {make_ref("cart"): SLOT}


def test_a_series_of_what_was_never_measured_is_unknown_and_not_zero(store: Store) -> None:
    put(store, make_measurement("checkout", make_point("a", cost_7d=NO_COST)), close=True)
    with store.reading() as transaction:
        (only,) = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    assert isinstance(only, SeriesPoint)
    assert only.cost_7d.amount == Unknown("ScaleOps gave no cost for it")


def test_a_team_of_which_no_component_was_measured_has_an_unknown_total(store: Store) -> None:
    put(store, make_measurement("checkout", reason="ScaleOps answered 500"), close=True)
    with store.reading() as transaction:
        (only,) = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    assert (only.measured, only.unknown) == (0, 1)
    assert only.cost_7d == Total(amount=Unknown("ScaleOps answered 500"), known=0, parts=1)


def test_the_team_of_a_snapshot_is_the_owner_of_that_day(store: Store) -> None:
    with store.transaction() as transaction:
        record_listing(transaction, [make_component("checkout")], [make_team()], as_of=SLOT, complete=True)
    put(store, make_measurement("checkout", make_point("a")), close=True)
    with store.transaction() as transaction:
        moved = make_component("checkout", team=SEARCH)
        record_listing(transaction, [moved], [make_team(SEARCH)], as_of=NEXT_SLOT, complete=True)
        assert transaction.snapshots.teams_at(SLOT) == (PAYMENTS,)
        assert transaction.components.of_team(SEARCH) == (moved,)
