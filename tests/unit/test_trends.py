from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.closing_point import ClosingPoint
from domain.cost_change import CostComparison, compare
from domain.measures import Measured, Total, Unknown
from domain.snapshots import Measurement, WorkloadPoint
from tests.factories import make_key, make_lost_point, make_measurement, make_point

THEN = datetime(2026, 11, 16, tzinfo=timezone.utc)
NOW = THEN + timedelta(days=7)


def point(name: str, cost: Measured[Decimal] | int | None, cluster: str = "eu") -> WorkloadPoint:
    """Cost None: nothing at all is known of it."""
    if cost is None:
        return make_lost_point(name, cluster=cluster)
    return make_point(name, cluster=cluster, cost_7d=cost if isinstance(cost, Unknown) else Decimal(cost))


def closing(as_of: datetime, *measurements: Measurement, complete: bool = True) -> ClosingPoint:
    return ClosingPoint(as_of=as_of, measurements=measurements, listing_complete=complete)


def comparison_of(name: str, now: ClosingPoint, then: ClosingPoint, cluster: str = "eu") -> CostComparison:
    return next(change.comparison for change in compare(now, then).changes if change.key == make_key(name, cluster=cluster))


def test_a_workload_known_at_both_ends_is_compared_like_for_like() -> None:
    change = compare(closing(NOW, make_measurement("a", point("w", 15))), closing(THEN, make_measurement("a", point("w", 10))))
    assert change.group(CostComparison.LIKE_FOR_LIKE).amount == 5
    assert change.like_for_like_share == Decimal("0.5")


def test_there_is_no_percentage_of_nothing() -> None:
    change = compare(closing(NOW, make_measurement("a", point("w", 15))), closing(THEN, make_measurement("a", point("w", 0))))
    assert change.like_for_like_share is None


def test_a_workload_absent_from_a_good_answer_then_is_added() -> None:
    then = closing(THEN, make_measurement("a", point("w", 10)))
    now = closing(NOW, make_measurement("a", point("w", 10), point("new", 3)))
    assert comparison_of("new", now, then) is CostComparison.ADDED


def test_a_workload_missing_from_a_good_answer_now_is_removed() -> None:
    then = closing(THEN, make_measurement("a", point("w", 10), point("old", 3)))
    now = closing(NOW, make_measurement("a", point("w", 10)))
    change = compare(now, then)
    assert comparison_of("old", now, then) is CostComparison.REMOVED
    assert change.group(CostComparison.REMOVED).amount == -3


def test_a_workload_of_a_component_that_did_not_answer_then_is_not_comparable() -> None:
    then = closing(THEN, make_measurement("a", reason="ScaleOps did not answer"))
    now = closing(NOW, make_measurement("a", point("w", 10)))
    assert comparison_of("w", now, then) is CostComparison.NOT_COMPARABLE


def test_a_workload_of_a_component_that_is_new_in_the_catalog_is_added() -> None:
    assert comparison_of("w", closing(NOW, make_measurement("a", point("w", 10))), closing(THEN)) is CostComparison.ADDED


def test_a_component_missing_from_a_partial_listing_makes_its_workloads_not_comparable() -> None:
    then = closing(THEN, complete=False)
    assert comparison_of("w", closing(NOW, make_measurement("a", point("w", 10))), then) is CostComparison.NOT_COMPARABLE


def test_a_workload_that_appears_in_a_cluster_lost_then_is_not_comparable() -> None:
    then = closing(THEN, make_measurement("a", point("w", 10), point("x", None, "us")))
    now = closing(NOW, make_measurement("a", point("w", 10), point("x", 1, "us"), point("new", 3, "us")))
    assert comparison_of("new", now, then, "us") is CostComparison.NOT_COMPARABLE


def test_a_shared_workload_counts_once_and_is_counted_as_claimed_twice() -> None:
    now = closing(NOW, make_measurement("a", point("shared", 10)), make_measurement("b", point("shared", 10), point("own", 5)))
    assert now.cost_7d == Total(amount=Decimal(15), known=2, parts=2)
    assert now.claimed_twice == 1


costs = st.one_of(st.none(), st.just(Unknown("no cost row")), st.integers(0, 1000))


@st.composite
def closings(draw: st.DrawFn, as_of: datetime) -> ClosingPoint:
    """A few components over a few workloads of two clusters, with everything that can be missing missing."""
    drawn = draw(st.dictionaries(st.tuples(st.sampled_from("uvwxyz"), st.sampled_from(["eu", "us"])), costs, max_size=8))
    points = [point(name, cost, cluster) for (name, cluster), cost in drawn.items()]
    measurements: list[Measurement] = []
    for name in draw(st.lists(st.sampled_from("abc"), unique=True)):
        if draw(st.booleans()):
            measurements.append(make_measurement(name, reason="ScaleOps did not answer"))
        else:
            claimed: Sequence[WorkloadPoint] = draw(st.lists(st.sampled_from(points), unique=True)) if points else []
            measurements.append(make_measurement(name, *claimed))
    return closing(as_of, *measurements, complete=draw(st.booleans()))


def counted(total: Total) -> Decimal:
    return Decimal(0) if isinstance(total.amount, Unknown) else total.amount


@given(closings(NOW), closings(THEN))
def test_the_totals_differ_by_exactly_what_the_groups_add_up_to(now: ClosingPoint, then: ClosingPoint) -> None:
    change = compare(now, then)
    groups = {comparison: change.group(comparison) for comparison in CostComparison}
    removed = -groups[CostComparison.REMOVED].amount
    assert counted(now.cost_7d) - counted(then.cost_7d) == (
        groups[CostComparison.LIKE_FOR_LIKE].amount
        + groups[CostComparison.ADDED].amount
        - removed
        + groups[CostComparison.NOT_COMPARABLE].amount
    )
    assert removed >= 0
    assert groups[CostComparison.ADDED].amount >= 0
    assert sum(group.workloads for group in groups.values()) == len(now.points.keys() | then.points.keys())


@given(closings(NOW), closings(THEN))
def test_added_and_removed_trade_places_when_time_runs_backwards(now: ClosingPoint, then: ClosingPoint) -> None:
    forward, backward = compare(now, then), compare(then, now)
    assert forward.group(CostComparison.ADDED).amount == -backward.group(CostComparison.REMOVED).amount
    assert forward.group(CostComparison.LIKE_FOR_LIKE).amount == -backward.group(CostComparison.LIKE_FOR_LIKE).amount


@pytest.mark.parametrize("cost", [None, Unknown("no cost row")])
def test_an_unknown_cost_makes_a_workload_not_comparable(cost: Unknown | None) -> None:
    then = closing(THEN, make_measurement("a", point("w", 10)))
    now = closing(NOW, make_measurement("a", point("w", cost), point("v", 1)))
    assert comparison_of("w", now, then) is CostComparison.NOT_COMPARABLE
