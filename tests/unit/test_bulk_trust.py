"""Whether a bulk response is trusted: rows that differ, rows of other clusters, and what is said about it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from domain.bulk_trust import (
    BulkCheck,
    BulkStanding,
    BulkSubject,
    clusters_without_inventory,
    describe_standings,
    find_disagreement,
    find_foreign_rows,
    index_costs,
    is_compared,
)
from domain.workload import CostRow
from tests.factories import make_ref

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
BEFORE = NOON - timedelta(hours=6)
ROW = CostRow(id="shop_Deployment_web", total_cost=Decimal(100), spot_hours=10.0, on_demand_hours=20.0)


def changed(**changes: Any) -> CostRow:
    return replace(ROW, **changes)


def check(subject: BulkSubject, cluster: str, *, reason: str = "", as_of: datetime = NOON) -> BulkCheck:
    return BulkCheck(as_of=as_of, subject=subject, cluster=cluster, trusted=not reason, reason=reason)


def standing(
    subject: BulkSubject, cluster: str, *, reason: str = "", as_of: datetime = NOON, since: datetime = NOON
) -> BulkStanding:
    return BulkStanding(newest=check(subject, cluster, reason=reason, as_of=as_of), since=since)


@pytest.mark.parametrize(
    ("bulk", "differs"),
    [
        (ROW, False),
        (changed(total_cost=Decimal(98)), False),
        (changed(total_cost=Decimal("97.99")), True),
        (changed(total_cost=Decimal(103)), True),
        (changed(total_cost=None), True),
        (changed(spot_hours=11.0), True),
        (changed(on_demand_hours=21.0), True),
        (changed(on_demand_hours=None), True),
        (changed(hourly_cost=Decimal(7), savings_available=Decimal(9)), False),
    ],
)
def test_a_row_must_agree_in_what_a_sweep_stores(bulk: CostRow, differs: bool) -> None:  # noqa: FBT001 - a column of the table
    own_ids = {"shop_deployment_web"}
    reason = find_disagreement({"shop_deployment_web": bulk}, [ROW], ids=own_ids)

    expected = "the cost or pod-hours of 1 of 1 compared workloads differ from the response for its component"
    assert reason == (expected if differs else "")
    assert bool(find_disagreement({"shop_deployment_web": ROW}, [bulk], ids=own_ids)) is differs


@pytest.mark.parametrize(
    ("own", "bulk", "differs"),
    [
        (Decimal(1_000_000), Decimal(1_000_900), False),
        (Decimal(-1_000_000), Decimal(-1_000_900), False),
        (Decimal(1_000_000), Decimal(1_100_000), True),
        (Decimal(0), Decimal("0.05"), False),
        (Decimal(0), Decimal("0.06"), True),
        (Decimal(-100), Decimal(-98), False),
        (Decimal(-100), Decimal("-97.99"), True),
        (Decimal(0), Decimal(1), True),
        (Decimal(1), Decimal(-1), True),
        (None, None, False),
        (None, Decimal(0), True),
    ],
)
def test_costs_may_differ_by_a_share_of_the_larger_one(own: Decimal | None, bulk: Decimal | None, differs: bool) -> None:  # noqa: FBT001 - as above
    for one, other in ((own, bulk), (bulk, own)):
        found = find_disagreement({"a": changed(id="a", total_cost=one)}, [changed(id="a", total_cost=other)], ids={"a"})
        assert bool(found) is differs


def test_missing_rows_are_counted_before_differing_ones() -> None:
    own = [changed(id=name) for name in ("a", "b", "c", "of another component")]
    ids = {"a", "b", "c"}
    bulk = {"a": changed(id="a", total_cost=Decimal(1))}

    assert find_disagreement(bulk, own, ids=ids) == "2 of 3 compared workloads are missing in it"
    assert find_disagreement({**bulk, "b": ROW}, own, ids=ids) == "1 of 3 compared workloads is missing in it"
    assert find_disagreement({}, own, ids=()) == ""


def test_rows_of_one_id_that_differ_are_no_cost_of_any_cluster() -> None:
    rows = [
        changed(id="A"),
        changed(id="a"),
        changed(id="b"),
        changed(id="B", total_cost=Decimal(1)),
        changed(id="c"),
        changed(id="c", spot_hours=None),
    ]
    indexed = index_costs(rows)

    assert set(indexed.by_id) == {"a"}
    assert indexed.ambiguous == 2
    assert indexed.reason_not_trusted == "it has different rows for 2 workloads"
    assert index_costs([ROW, ROW]).reason_not_trusted == ""


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["a", "both", "nowhere"], ""),
        (["a", "b"], "it has rows of 1 workload of other clusters"),
        (["b", "c"], "it has rows of 2 workloads of other clusters"),
        ([], ""),
    ],
)
def test_rows_of_workloads_of_other_clusters_are_found(rows: list[str], reason: str) -> None:
    listed = {"east": {"a", "both"}, "west": {"b", "both"}, "north": {"c"}}

    assert find_foreign_rows("east", rows, listed) == reason


def test_a_cluster_that_the_inventory_lacks_owns_none_of_its_rows() -> None:
    assert find_foreign_rows("south", ["a"], {"east": {"a"}}) == "it has rows of 1 workload of other clusters"


def test_one_component_in_64_is_compared_in_a_sweep_and_others_in_the_next() -> None:
    refs = [make_ref(f"c{number}") for number in range(2000)]
    first, second = ({ref for ref in refs if is_compared(ref, as_of)} for as_of in (BEFORE, NOON))

    assert 2000 / 64 / 2 < len(first) < 2000 / 64 * 2
    assert first != second
    assert not any(is_compared(ref, BEFORE) and is_compared(ref, NOON) for ref in refs[:50])


INVENTORY, COSTS = BulkSubject.INVENTORY, BulkSubject.COSTS


@pytest.mark.parametrize(
    ("checks", "without"),
    [
        ([], None),
        ([check(INVENTORY, "")], None),
        ([check(COSTS, "east")], None),
        ([check(INVENTORY, ""), check(INVENTORY, "east")], frozenset()),
        ([check(INVENTORY, "east"), check(INVENTORY, "west", reason="short")], frozenset({"west"})),
        ([check(INVENTORY, "east", reason="short")], None),
        ([check(INVENTORY, "", reason="failed"), check(INVENTORY, "east")], None),
    ],
)
def test_an_inventory_is_used_for_the_clusters_whose_comparison_it_passed(
    checks: list[BulkCheck], without: frozenset[str] | None
) -> None:
    assert clusters_without_inventory(checks) == without


@pytest.mark.parametrize(
    ("standings", "lines"),
    [
        ([], ()),
        (
            [standing(INVENTORY, ""), standing(INVENTORY, "east", since=BEFORE)],
            ("inventory: trusted since 2026-11-23 12:00 UTC",),
        ),
        (
            [standing(INVENTORY, "", reason="with 500", since=BEFORE)],
            ("inventory: not trusted since 2026-11-23 06:00 UTC: with 500",),
        ),
        (
            [
                standing(COSTS, "east", since=BEFORE),
                standing(COSTS, "west", reason="short", since=BEFORE),
                standing(COSTS, "north", reason="short", since=BEFORE),
            ],
            (
                "bulk costs: not trusted since 2026-11-23 06:00 UTC on west, north: short",
                "bulk costs: trusted since 2026-11-23 06:00 UTC on east",
            ),
        ),
        (
            [standing(COSTS, "gone", reason="old", as_of=BEFORE, since=BEFORE), standing(COSTS, "east")],
            ("bulk costs: trusted since 2026-11-23 12:00 UTC",),
        ),
        (
            [standing(INVENTORY, ""), standing(INVENTORY, "east", reason="short")],
            ("inventory: not trusted since 2026-11-23 12:00 UTC on east: short",),
        ),
    ],
)
def test_standings_are_described_by_subject(standings: list[BulkStanding], lines: tuple[str, ...]) -> None:
    assert describe_standings(standings) == lines
