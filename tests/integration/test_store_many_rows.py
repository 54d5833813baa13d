"""Many rows at once read back like single ones, and take no more statements on PostgreSQL than a few. On both databases."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from domain.measures import Unknown
from domain.snapshots import Measurement, NetworkOff, NetworkUse
from store import Store
from tests.factories import PAYMENTS, SLOT, make_component, make_lost_point, make_measurement, make_point, make_ref, make_team

ODD = "{a,\"b\"} \\ 'c' NULL %s \N{SNOWMAN}"


def make_odd_measurements(number: int) -> list[Measurement]:
    """Values of every type that a column takes, in one column: whole, fractional and unknown numbers, quotes, braces, no text at all."""
    return [
        make_measurement(
            f"service-{place:03}",
            make_point(
                f"api-{place}",
                cpu_request_millicores=(250, 250.5, Unknown(ODD))[place % 3],
                replicas=(0, 40_000, 3_000_000)[place % 3],
                cost_7d=(Decimal("1.23456789012345678901234567890"), Decimal(7), Unknown("NULL"))[place % 3],
                policy_name=(ODD, "", None)[place % 3],
                network_as_of=(SLOT, None, SLOT - timedelta(hours=6))[place % 3],
            ),
            replace(make_lost_point(f"lost {ODD} {place}"), network=NetworkOff()),
            make_point(
                "shared",
                network=NetworkUse(cost=Decimal(place), cross_az_cost=Unknown(ODD), cross_az_traffic_bytes=Decimal(10) ** 18),
            ),
            warnings=((), (ODD, "two"), ("",))[place % 3],
        )
        for place in range(number)
    ]


def put(store: Store, measurements: list[Measurement]) -> None:
    with store.transaction() as transaction:
        transaction.snapshots.put_all(measurements)


@contextmanager
def counting_statements() -> Iterator[list[str]]:
    statements: list[str] = []

    def count(*arguments: Any) -> None:
        _connection, _cursor, statement, parameters, _context, is_executemany = arguments
        statements.extend([statement] * (len(parameters) if is_executemany else 1))

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def test_many_measurements_come_back_like_single_ones(store: Store) -> None:
    measurements = make_odd_measurements(30)
    with store.transaction() as transaction:
        transaction.sweeps.open(SLOT, opened_at=SLOT)
    kept = set()
    for again in (measurements, measurements, measurements[::-1]):  # neither a repeat nor another order changes anything
        put(store, again)
        with store.reading() as transaction:
            found = list(transaction.snapshots.of_sweep(SLOT))
        kept |= {point for one in found for point in one.points if point.key.name == "shared"}
        assert len(kept) == 1, "one measurement of a shared workload is kept, whatever the order"
        expected = [tuple(sorted((*one.points[:-1], *kept), key=lambda point: point.key)) for one in measurements]
        assert [one.points for one in found] == expected
        assert [one.snapshot.warnings for one in found] == [one.snapshot.warnings for one in measurements]
    assert kept < {one.points[-1] for one in measurements}


def test_many_rows_do_not_replace_fuller_ones(store: Store) -> None:
    fuller = [make_measurement(f"one-{place}", make_point(f"api-{place}")) for place in range(20)]
    emptier = [make_measurement(f"two-{place}", make_lost_point(f"api-{place}")) for place in range(20)]
    with store.transaction() as transaction:
        transaction.sweeps.open(SLOT, opened_at=SLOT)
        transaction.snapshots.put_all(fuller)
        transaction.snapshots.put_all(emptier)
    with store.reading() as transaction:
        found = transaction.snapshots.of_components([make_ref(f"two-{place}") for place in range(20)], SLOT)
    assert sorted(one.points[0].key for one in found) == sorted(one.points[0].key for one in fuller)
    assert all(one.points[0].cost_7d == fuller[0].points[0].cost_7d for one in found)


def test_a_page_of_the_catalog_comes_back_as_it_was_listed(store: Store) -> None:
    components = [
        replace(make_component(f"service-{place:03}"), problems=((), (ODD,), ("a", "b"))[place % 3], title=ODD)
        for place in range(20)
    ]
    with store.transaction() as transaction:
        transaction.components.record_page(components, [make_team(PAYMENTS)], as_of=SLOT)
    with store.reading() as transaction:
        assert transaction.components.by_refs([one.ref for one in components]) == tuple(components)


def test_a_batch_takes_a_fixed_number_of_statements_on_postgresql(postgres_url: str) -> None:
    taken = []
    with closing(Store.open(postgres_url)) as store:
        with store.transaction() as transaction:
            transaction.sweeps.open(SLOT, opened_at=SLOT)
        for number in (10, 60):
            with counting_statements() as statements:
                put(store, make_odd_measurements(number))
            taken.append(statements)
    assert len(taken[0]) == len(taken[1])
