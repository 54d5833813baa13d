"""A workload that costs the same every hour never shows up as a like-for-like change, whenever it is deployed or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.closing_point import ClosingPoint, count_once, sum_points
from domain.cost_change import CostComparison, compare, compare_like_for_like, compare_points
from domain.measures import Total, Unknown, known_or
from domain.snapshots import WorkloadPoint
from tests.factories import SEARCH, make_key, make_measurement, make_point, make_ref

THEN = datetime(2026, 11, 16, tzinfo=timezone.utc)
NOW = THEN + timedelta(days=7)
SWEEP = timedelta(hours=6)
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
LONG_AGO = THEN - timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class ConstantWorkload:
    """Runs with constant replicas and cost per hour in its periods [begin, end); listed for a week more if it `lingers`."""

    name: str
    periods: tuple[tuple[datetime, datetime], ...]
    replicas: int
    rate: int
    lingers: bool
    has_hours: bool

    def is_listed(self, at: datetime) -> bool:
        is_left = self.lingers and self.periods[-1][1] <= at < self.periods[-1][1] + WEEK
        return is_left or any(begin <= at < end for begin, end in self.periods)

    def point(self, as_of: datetime, first_sweep: datetime) -> WorkloadPoint | None:
        if not self.is_listed(as_of):
            return None
        window = [(max(begin, as_of - WEEK), min(end, as_of)) for begin, end in self.periods]
        hours = sum(max(0, int((end - begin) / HOUR)) for begin, end in window)
        since = as_of
        while since - SWEEP >= first_sweep and self.is_listed(since - SWEEP):
            since -= SWEEP
        return make_point(
            self.name,
            as_of=as_of,
            replicas=self.replicas if any(begin <= as_of < end for begin, end in self.periods) else 0,
            cost_7d=Decimal(self.rate * hours),
            pod_hours_7d=float(self.replicas * hours) if self.has_hours else Unknown("ScaleOps left it out"),
            listed_since=since,
            appeared=since > first_sweep,
        )


@st.composite
def workloads(draw: st.DrawFn, name: str) -> ConstantWorkload:
    hours = st.integers(-24 * 16, 24 * 7).map(lambda hour: THEN + hour * HOUR)
    begin = draw(st.one_of(st.just(LONG_AGO), hours))
    end = draw(st.one_of(st.just(NOW + WEEK), hours.filter(lambda at: at > begin)))
    lingers = draw(st.booleans())
    periods: tuple[tuple[datetime, datetime], ...] = ((begin, end),)
    if not lingers and draw(st.booleans()):
        again = end + draw(st.integers(6, 24 * 10)) * HOUR
        periods = (*periods, (again, again + draw(st.integers(1, 400)) * HOUR))
    return ConstantWorkload(
        name=name,
        periods=periods,
        replicas=draw(st.integers(1, 5)),
        rate=draw(st.integers(1, 9)),
        lingers=lingers,
        has_hours=draw(st.booleans()),
    )


def closing(listed: Sequence[ConstantWorkload], as_of: datetime, first_sweep: datetime) -> ClosingPoint:
    points = [point for one in listed if (point := one.point(as_of, first_sweep)) is not None]
    return ClosingPoint(as_of=as_of, measurements=(make_measurement("shop", *points, as_of=as_of),))


sweeps_off = st.integers(-4, 2).map(lambda number: number * SWEEP)
"""A closing snapshot is up to 24 hours older and 12 hours younger than the end of its week."""


@given(
    st.lists(st.sampled_from("uvw"), unique=True).flatmap(lambda names: st.tuples(*(workloads(name) for name in names))),
    sweeps_off,
    sweeps_off,
)
def test_a_constant_workload_is_never_a_like_for_like_change(
    listed: tuple[ConstantWorkload, ...], off_now: timedelta, off_then: timedelta
) -> None:
    now, then = (closing(listed, at, LONG_AGO) for at in (NOW + off_now, THEN + off_then))
    change = compare(now, then)
    assert change.group(CostComparison.LIKE_FOR_LIKE).amount == 0
    assert compare_like_for_like(now.points, then.points) == change.like_for_like
    assert (
        known_or(now.cost_7d.amount, 0) - known_or(then.cost_7d.amount, 0)
        == change.amount
        == sum(one.amount for one in change.changes)
    )


def test_the_changes_of_several_workloads_are_summed() -> None:
    def closing_of(as_of: datetime, *costs: int | None) -> ClosingPoint:
        points = [
            make_point(name, as_of=as_of, listed_since=LONG_AGO, cost_7d=Unknown("x") if cost is None else Decimal(cost))
            for name, cost in zip("abcdefghijkl", costs, strict=False)
        ]
        return ClosingPoint(as_of=as_of, measurements=(make_measurement("shop", *points, as_of=as_of),))

    # Unknown in one of the weeks, stopped, and added: none of them is like for like.
    now, then = closing_of(NOW, None, 130, 25, *[50] * 6, 0, 7), closing_of(THEN, 10, 100, 20, *[None] * 6, 40)
    found = compare_like_for_like(now.points, then.points)

    assert (found.amount, found.cost_then) == (Decimal(35), Decimal(120))
    assert found == compare(now, then).like_for_like


@pytest.mark.parametrize(("cost_now", "comparison"), [(50, CostComparison.RAMPING_OUT), (51, CostComparison.LIKE_FOR_LIKE)])
def test_what_stopped_between_two_overlapping_windows_costs_at_most_their_overlap(
    cost_now: int, comparison: CostComparison
) -> None:
    stopped: dict[str, Any] = {"replicas": 0, "listed_since": LONG_AGO}
    then = make_point(as_of=NOW - WEEK / 2, cost_7d=Decimal(100), **stopped)

    assert compare_points(make_point(as_of=NOW, cost_7d=Decimal(cost_now), **stopped), then) is comparison


def test_a_workload_of_several_sweeps_counts_once_by_its_newest_known_cost() -> None:
    def point(hours: int, cost: int | None) -> WorkloadPoint:
        return make_point(as_of=NOW + hours * HOUR, cost_7d=Unknown("x") if cost is None else Decimal(cost))

    for points, expected in (
        ([point(0, 1), point(6, 2)], point(6, 2)),
        ([point(6, 2), point(0, 1)], point(6, 2)),
        ([point(0, 1), point(6, None)], point(0, 1)),
        ([point(6, None), point(0, 1)], point(0, 1)),
        ([point(6, None), point(0, None)], point(6, None)),
    ):
        assert list(count_once(points).values()) == [expected]


def test_nothing_in_both_weeks_is_no_change_of_no_money() -> None:
    nothing = ClosingPoint(as_of=NOW, measurements=())
    assert type(compare(nothing, nothing).like_for_like_then) is Decimal


def test_an_unknown_sum_names_why_a_component_is_unknown() -> None:
    points = [make_point("a", cost_7d=Unknown("no row"))]
    named = sum_points(points, unknown=["with 503", "later"], without_workloads=0)["cost_7d"]
    partly = sum_points([*points, make_point("b", cost_7d=Decimal(5))], unknown=["with 503"], without_workloads=2)["cost_7d"]

    assert named == Total(amount=Unknown("with 503"), known=0, parts=1)
    assert partly == Total(amount=Decimal(5), known=1, parts=4)
    assert sum_points(points, unknown=[], without_workloads=0)["cost_7d"].amount == Unknown("no row")


def test_the_measured_components_are_grouped_by_the_sweep_that_measured_them() -> None:
    later, earlier, failed = (
        make_measurement("a", make_point(), as_of=NOW),
        make_measurement("c", make_point(), as_of=NOW - SWEEP),
        make_measurement("d", as_of=NOW, reason="with 503"),
    )
    closing = ClosingPoint(as_of=NOW, measurements=(later, failed, make_measurement("b", make_point(), as_of=NOW), earlier))

    assert list(closing.as_ofs.items()) == [(NOW - SWEEP, (make_ref("c"),)), (NOW, (make_ref("a"), make_ref("b")))]


@given(
    workloads("w").filter(lambda one: one.has_hours and len(one.periods) == 1),
    st.integers(0, 28).map(lambda number: number * SWEEP),
)
def test_pod_hours_tell_where_the_first_sweep_is_too_young(one: ConstantWorkload, age: timedelta) -> None:
    now, then = (closing([one], at, THEN - age) for at in (NOW, THEN))
    assert compare(now, then).group(CostComparison.LIKE_FOR_LIKE).amount == 0


def test_the_second_report_after_a_deployment_on_friday_is_ramping_in() -> None:
    friday = ConstantWorkload(
        name="new", periods=((THEN - timedelta(hours=78), NOW + 2 * WEEK),), replicas=2, rate=4, lingers=False, has_hours=False
    )
    old = replace(friday, name="old", periods=((LONG_AGO, NOW + 2 * WEEK),))
    first, second, third = (closing([friday, old], THEN + number * WEEK, LONG_AGO) for number in (0, 1, 2))
    change = compare(second, first)
    assert {one.key.name: (one.comparison, int(one.amount)) for one in change.changes} == {
        "new": (CostComparison.RAMPING_IN, 4 * 90),
        "old": (CostComparison.LIKE_FOR_LIKE, 0),
    }
    assert {one.comparison for one in compare(third, second).changes} == {CostComparison.LIKE_FOR_LIKE}


UNKNOWN = Unknown("ScaleOps left it out")
ALWAYS = {"listed_since": LONG_AGO, "appeared": False}
FIRST = {"listed_since": THEN, "appeared": False}


@pytest.mark.parametrize(
    ("then", "now", "comparison"),
    [
        # one of the two sweeps does not know since when it is listed
        ({"pod_hours_7d": 200.0, **ALWAYS}, {"listed_since": None, "appeared": True}, CostComparison.LIKE_FOR_LIKE),
        # listed since the first instant of the week before
        ({"pod_hours_7d": 200.0, "listed_since": THEN - WEEK, "appeared": True}, {}, CostComparison.LIKE_FOR_LIKE),
        # listed again in the week, with all of its pods for all of the week, or for a part
        ({**ALWAYS}, {"listed_since": THEN + SWEEP, "appeared": True}, CostComparison.LIKE_FOR_LIKE),
        ({**ALWAYS}, {"listed_since": THEN + SWEEP, "appeared": True, "pod_hours_7d": 200.0}, CostComparison.RAMPING_IN),
        # as many pod-hours as before, fewer than its pods have in a week
        ({"pod_hours_7d": 200.0, **FIRST}, {"pod_hours_7d": 200.0, **FIRST}, CostComparison.LIKE_FOR_LIKE),
        ({"pod_hours_7d": 200.0, **FIRST, "appeared": True}, {"pod_hours_7d": 200.0, **FIRST}, CostComparison.RAMPING_IN),
        ({"pod_hours_7d": 0.995 * 168 * 2, **FIRST, "appeared": True}, {**FIRST}, CostComparison.LIKE_FOR_LIKE),
        # scaled up on Friday: it existed, so it costs more like for like
        ({"pod_hours_7d": 200.0, **ALWAYS}, {"pod_hours_7d": 672.0, "replicas": 4, **ALWAYS}, CostComparison.LIKE_FOR_LIKE),
        # the first sweep is the closing one; pod-hours tell
        ({"pod_hours_7d": 336.0, **FIRST}, {"pod_hours_7d": 500.0, "replicas": 4, **FIRST}, CostComparison.LIKE_FOR_LIKE),
        ({"pod_hours_7d": 200.0, **FIRST}, {"pod_hours_7d": 336.0, **FIRST}, CostComparison.RAMPING_IN),
        # autoscaled, below its replicas at midnight all the time
        ({"pod_hours_7d": 200.0, **FIRST}, {"pod_hours_7d": 199.0, **FIRST}, CostComparison.LIKE_FOR_LIKE),
        # no evidence: the benefit of the doubt, in the first two weeks of an installation only
        ({"pod_hours_7d": UNKNOWN, **FIRST}, {"pod_hours_7d": UNKNOWN, **FIRST}, CostComparison.LIKE_FOR_LIKE),
        # a CronJob has no pods at midnight
        ({"replicas": 0, **ALWAYS}, {"replicas": 0, "cost_7d": Decimal(30), **ALWAYS}, CostComparison.LIKE_FOR_LIKE),
        ({"replicas": 0, **ALWAYS}, {"replicas": 0, "cost_7d": Decimal(4), **ALWAYS}, CostComparison.LIKE_FOR_LIKE),
        ({"replicas": UNKNOWN, **ALWAYS}, {"replicas": 0, "cost_7d": Decimal(30), **ALWAYS}, CostComparison.LIKE_FOR_LIKE),
        # it stopped, unless it costs as much as before
        ({"cost_7d": Decimal(40), **ALWAYS}, {"replicas": 0, **ALWAYS}, CostComparison.LIKE_FOR_LIKE),
        ({"replicas": 1, **ALWAYS}, {"replicas": 0, "cost_7d": Decimal(30), **ALWAYS}, CostComparison.RAMPING_OUT),
        ({**ALWAYS}, {"replicas": 0, "cost_7d": Decimal(30), **ALWAYS}, CostComparison.RAMPING_OUT),
        ({**ALWAYS}, {"cost_7d": Decimal(0), **ALWAYS}, CostComparison.RAMPING_OUT),
    ],
)
def test_what_counts_as_having_existed(then: dict[str, Any], now: dict[str, Any], comparison: CostComparison) -> None:
    before, after = make_point(as_of=THEN, **then), make_point(as_of=NOW, **{"cost_7d": Decimal(40), **now})
    assert compare_points(after, before) is comparison


def test_a_workload_that_changed_hands_is_moved_for_both_owners() -> None:
    costs = (
        make_measurement("shop", make_point(as_of=THEN), as_of=THEN),
        make_measurement("shop", make_point(as_of=NOW), as_of=NOW),
    )
    then, now = (ClosingPoint(as_of=one.snapshot.as_of, measurements=(one,)) for one in costs)
    nobody: dict[str, Any] = {"measurements": (), "owned_elsewhere": {make_key("api"): SEARCH}}
    gave, got = compare(replace(now, **nobody), then), compare(now, replace(then, **nobody))
    assert [change.group(CostComparison.MOVED).amount for change in (gave, got)] == [-35, 35]
    assert {one.other_owner for change in (gave, got) for one in change.changes} == {SEARCH}
