"""The causes of a cost change add up to it exactly, on every level, and each says what happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.closing_point import ClosingPoint
from domain.closing_split import component_of, split_closing, team_of
from domain.cost_change import CostComparison, WorkloadChange
from domain.cost_decomposition import (
    CPU_CORE_HOUR,
    CostCause,
    CostDecomposition,
    ExplainedChange,
    decompose,
    exact_sum,
    request_size,
)
from domain.cost_movers import CostMover, group_movers
from domain.measures import Unknown, known_or
from domain.refs import EntityRef
from domain.snapshots import Measurement, WorkloadPoint
from tests.factories import PAYMENTS, SEARCH, make_key, make_lost_point, make_measurement, make_point, make_ref

THEN = datetime(2026, 11, 16, tzinfo=timezone.utc)
NOW = THEN + timedelta(days=7)
OLD = THEN - timedelta(days=60)
LEFT_OUT = Unknown("ScaleOps left it out")
COMPONENTS = {"shop": PAYMENTS, "cart": PAYMENTS, "finder": SEARCH}


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.one_of(st.just(0.0), st.floats(low, high), st.integers(1, 9).map(float))


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, values, values, st.just(LEFT_OUT))


@st.composite
def points(draw: st.DrawFn, name: str, cluster: str, as_of: datetime) -> WorkloadPoint:
    hours = draw(maybe(floats(1, 2000)))
    since = draw(st.sampled_from([OLD, OLD, as_of - timedelta(days=2)]))
    return make_point(
        name,
        cluster=cluster,
        as_of=as_of,
        cost_7d=draw(maybe(st.decimals(-5, 5000, places=6))),
        pod_hours_7d=hours,
        spot_hours_7d=LEFT_OUT if isinstance(hours, Unknown) else draw(maybe(st.sampled_from([0.0, hours / 4, hours]))),
        cpu_request_millicores=draw(maybe(floats(1, 9000))),
        memory_request_bytes=draw(maybe(floats(1e6, 1e11))),
        replicas=draw(maybe(st.integers(0, 9))),
        listed_since=since,
        appeared=since != OLD,
    )


@st.composite
def closings(draw: st.DrawFn, as_of: datetime) -> ClosingPoint:
    lost = draw(st.sampled_from(["", "", "east"]))
    listed = {
        (name, cluster): make_lost_point(name, cluster=cluster, as_of=as_of)
        if cluster == lost
        else draw(points(name, cluster, as_of))
        for name in draw(st.lists(st.sampled_from("uvwx"), unique=True))
        for cluster in draw(st.lists(st.sampled_from(["east", "west"]), min_size=1, unique=True))
    }
    measurements = []
    for component, team in COMPONENTS.items():
        if draw(st.integers(0, 9)) == 0:
            continue  # left the catalog
        owner = draw(st.sampled_from([team, team, SEARCH]))
        chosen = [point for point in listed.values() if draw(st.booleans())]
        reason = draw(st.sampled_from(["", "", "", "ScaleOps did not answer"]))
        made = make_measurement(component, *([] if reason else chosen), as_of=as_of, reason=reason, team=owner)
        measurements.append(made)
    return ClosingPoint(as_of=as_of, measurements=tuple(measurements), listing_complete=draw(st.booleans()))


def difference(now: ClosingPoint, then: ClosingPoint) -> Decimal:
    nothing = Decimal(0)
    return known_or(now.cost_7d.amount, nothing) - known_or(then.cost_7d.amount, nothing)


def assert_adds_up(found: CostDecomposition, now: ClosingPoint, then: ClosingPoint) -> None:
    assert found.amount == found.change.amount == difference(now, then) == exact_sum(found.parts.values())
    for one in found.workloads:
        assert exact_sum(one.parts.values()) == one.change.amount
        assert (CostCause.UNKNOWN in one.parts) == bool(one.unknown_reason)
        is_split = one.change.comparison is CostComparison.LIKE_FOR_LIKE
        assert is_split or one.parts.keys() <= {CostCause(one.change.comparison.value)}
    movers = group_movers(found, lambda cost: max(cost / 50, Decimal(10)))
    shown = [mover.amount for mover in movers.movers]
    assert exact_sum([*shown, movers.small.amount, movers.not_comparable.amount]) == movers.amount == found.amount
    for mover in movers.movers:
        assert exact_sum(mover.parts.values()) == mover.amount == mover.now - mover.then


@given(closings(NOW), closings(THEN))
def test_the_parts_add_up_exactly_on_every_level(now: ClosingPoint, then: ClosingPoint) -> None:
    assert_adds_up(decompose(now, then), now, then)  # the platform; each workload once
    for owner_of in (team_of, component_of):
        for owner, (mine_now, mine_then) in split_closing(now, then, owner_of).items():
            assert_adds_up(decompose(mine_now, mine_then), mine_now, mine_then)
            assert {owner_of(one.snapshot) for one in (*mine_now.measurements, *mine_then.measurements)} == {owner}


@given(points("w", "east", NOW), points("w", "east", THEN))
def test_exchanging_the_weeks_only_changes_the_signs(one: WorkloadPoint, other: WorkloadPoint) -> None:
    forth, back = explain(one, other), explain(replace(other, as_of=NOW), replace(one, as_of=THEN))
    if forth.workloads[0].change.comparison is back.workloads[0].change.comparison is CostComparison.LIKE_FOR_LIKE:
        assert forth.parts.keys() == back.parts.keys()
        assert all(abs(forth.parts[cause] + back.parts[cause]) < Decimal("1e-6") for cause in forth.parts)


def closing(*points: WorkloadPoint, as_of: datetime, component: str = "shop") -> ClosingPoint:
    return ClosingPoint(as_of=as_of, measurements=(make_measurement(component, *points, as_of=as_of),))


def explain(now: WorkloadPoint, then: WorkloadPoint) -> CostDecomposition:
    return decompose(closing(now, as_of=NOW), closing(then, as_of=THEN))


def shares(found: CostDecomposition) -> dict[str, int]:
    """Return the parts in whole units of the currency."""
    return {cause.value: round(amount) for cause, amount in found.parts.items() if round(amount)}


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        # cost_7d, pod-hours, spot hours, CPU in millicores, memory in bytes
        ((100, 336, 0, 500, 1e9), (250, 840, 0, 500, 1e9), {"pods": 150}),
        ((100, 336, 0, 500, 1e9), (200, 336, 0, 1000, 2e9), {"requests": 100}),
        ((100, 336, 0, 500, 1e9), (112, 336, 0, 500, 1e9), {"unit price": 12}),
        ((52, 336, 268.8, 500, 1e9), (88, 336, 67.2, 500, 1e9), {"spot share": 36}),
        # the spot share fell, and nothing became dearer; it rose, and all became dearer: it explains neither
        ((100, 336, 268.8, 500, 1e9), (100, 336, 67.2, 500, 1e9), {}),
        ((100, 336, 0, 500, 1e9), (130, 336, 168, 500, 1e9), {"unit price": 30}),
        # twice the pods, or twice their size, half of them on spot nodes, where they cost half
        ((100, 336, 0, 500, 1e9), (150, 672, 336, 500, 1e9), {"pods": 85, "spot share": -35}),
        ((100, 336, 0, 500, 1e9), (150, 336, 168, 1000, 2e9), {"requests": 85, "spot share": -35}),
        # twice the pods of half the size
        ((100, 336, 0, 1000, 2e9), (100, 672, 0, 500, 1e9), {"pods": 69, "requests": -69}),
        # a CronJob that ran in one week only
        ((0, 0, 0, 500, 1e9), (40, 12, 0, 500, 1e9), {"pods": 40}),
        ((0, 336, 0, 500, 1e9), (40, 336, 0, 500, 1e9), {"unit price": 40}),
        ((0, 336, 0, 500, 1e9), (40, 0, 0, 500, 1e9), {"unknown cause": 40}),
        # an unknown factor is not guessed, a known one has its part
        ((100, LEFT_OUT, LEFT_OUT, 500, 1e9), (200, LEFT_OUT, LEFT_OUT, 1000, 2e9), {"requests": 100}),
        ((100, LEFT_OUT, LEFT_OUT, 500, 1e9), (200, 336, 0, 500, 1e9), {"unknown cause": 100}),
        ((100, 336, 0, LEFT_OUT, 1e9), (250, 840, 0, 500, 1e9), {"pods": 150}),
        ((100, 336, 0, LEFT_OUT, 1e9), (300, 672, 0, 500, 1e9), {"pods": 126, "unknown cause": 74}),
        ((100, 336, LEFT_OUT, 500, 1e9), (200, 336, 0, 500, 1e9), {"unknown cause": 100}),
        ((100, 336, 0, 0, 0), (200, 336, 0, 500, 1e9), {"unknown cause": 100}),
        ((100, 336, 0, 0, 0), (200, 672, 0, 0, 0), {"pods": 100}),
        ((100, 336, 0, 0, 0), (150, 336, 0, 0, 0), {"unit price": 50}),
    ],
)
def test_each_cause_has_the_part_that_it_explains(then: tuple[Any, ...], now: tuple[Any, ...], expected: dict[str, int]) -> None:
    def point(figures: tuple[Any, ...], as_of: datetime) -> WorkloadPoint:
        cost, hours, spot, cpu, memory = figures
        return make_point(
            as_of=as_of,
            cost_7d=Decimal(cost),
            pod_hours_7d=hours,
            spot_hours_7d=spot,
            cpu_request_millicores=cpu,
            memory_request_bytes=memory,
            listed_since=OLD,
        )

    found = explain(point(now, NOW), point(then, THEN))
    assert shares(found) == expected
    assert bool(found.workloads[0].unknown_reason) == (CostCause.UNKNOWN in found.parts)


@pytest.mark.parametrize(
    ("changes_then", "changes_now", "reason"),
    [
        ({"pod_hours_7d": LEFT_OUT}, {}, "its pod-hours are unknown"),
        ({}, {"cpu_request_millicores": LEFT_OUT}, "its requests are unknown"),
        ({"memory_request_bytes": LEFT_OUT}, {}, "its requests are unknown"),
        ({"cpu_request_millicores": 0.0, "memory_request_bytes": 0.0}, {}, "it had no requests in one of the weeks"),
        ({}, {"spot_hours_7d": LEFT_OUT}, "its spot share is unknown"),
        (
            {"pod_hours_7d": LEFT_OUT, "cpu_request_millicores": LEFT_OUT},
            {},
            "its pod-hours are unknown and its requests are unknown",
        ),
        ({}, {}, ""),
        ({"pod_hours_7d": 0.0}, {"pod_hours_7d": 0.0}, "it cost money in a week without pod-hours"),
        ({"pod_hours_7d": 0.0}, {}, "it cost money in a week without pod-hours"),
        ({"pod_hours_7d": 0.0}, {"pod_hours_7d": LEFT_OUT}, "its pod-hours are unknown"),
        ({"cost_7d": Decimal(0)}, {"pod_hours_7d": LEFT_OUT}, "its pod-hours are unknown"),
    ],
)
def test_what_is_not_explained_names_what_is_unknown(
    changes_then: dict[str, Any], changes_now: dict[str, Any], reason: str
) -> None:
    then = make_point(as_of=THEN, listed_since=OLD, **({"cost_7d": Decimal(100)} | changes_then))
    now = make_point(as_of=NOW, listed_since=OLD, **({"cost_7d": Decimal(150)} | changes_now))
    (workload,) = explain(now, then).workloads

    assert workload.unknown_reason == reason


def test_causes_of_less_than_a_unit_of_the_currency_are_told_apart() -> None:
    then = make_point(as_of=THEN, listed_since=OLD, cost_7d=Decimal("0.4"), pod_hours_7d=168.0)
    now = make_point(as_of=NOW, listed_since=OLD, cost_7d=Decimal("0.8"), pod_hours_7d=336.0)

    assert explain(now, then).parts.keys() == {CostCause.PODS}


def test_a_core_weighs_as_much_as_seven_and_a_half_gibibytes() -> None:
    one_core = make_point(cpu_request_millicores=1000.0, memory_request_bytes=0.0)
    memory = make_point(cpu_request_millicores=0.0, memory_request_bytes=7.46 * 2**30)

    assert request_size(one_core) == CPU_CORE_HOUR
    assert round(request_size(memory) or Decimal(0), 4) == round(CPU_CORE_HOUR, 4)


@pytest.mark.parametrize(
    ("resource", "absent"),
    [("cpu_request_millicores", "memory_request_bytes"), ("memory_request_bytes", "cpu_request_millicores")],
)
def test_requests_raised_in_the_middle_of_a_week_are_no_price_in_either_week(resource: str, absent: str) -> None:
    def point(as_of: datetime, cost: str, mean: float, now: float) -> WorkloadPoint:
        sizes: dict[str, Any] = {resource: now, f"mean_{resource}": mean, absent: 0.0, f"mean_{absent}": 0.0}
        return make_point(as_of=as_of, cost_7d=Decimal(cost), listed_since=OLD, **sizes)

    # Twice the pods explain a factor of 2; of the other 1.8 the requests explain what they can: 1.5 by the mean, 2 by the last.
    parts = shares(explain(replace(point(NOW, "360", 750.0, 1000.0), pod_hours_7d=672.0), point(THEN, "100", 500.0, 500.0)))
    assert parts == {"pods": 141, "requests": 119}
    before, after = ("100", 500.0, 500.0), ("200", 1000.0, 1000.0)
    # The mean is exact, or that of a sweep in each of two weeks only.
    for middle in (("150", 750.0, 1000.0), ("180", 750.0, 1000.0)):
        for one, other in ((middle, before), (after, middle)):
            parts = shares(explain(point(NOW, *one), point(THEN, *other)))
            assert parts == {"requests": int(one[0]) - int(other[0])}


def measured(component: str, team: EntityRef, as_of: datetime, *names: str) -> Measurement:
    listed = [make_point(name, cost_7d=Decimal(10), listed_since=OLD) for name in names]
    return make_measurement(component, *listed, as_of=as_of, team=team)


def owner_parts(now: ClosingPoint, then: ClosingPoint, owner_of: Any) -> dict[str, dict[str, int]]:
    return {ref.name: shares(decompose(*both)) for ref, both in split_closing(now, then, owner_of).items()}


def test_a_shared_workload_counts_once_in_the_team_and_a_moved_one_names_both_owners() -> None:
    then = ClosingPoint(
        as_of=THEN,
        measurements=(
            measured("cart", PAYMENTS, THEN, "moved"),
            measured("finder", SEARCH, THEN),
            measured("shop", PAYMENTS, THEN),
        ),
    )
    now = ClosingPoint(
        as_of=NOW,
        measurements=(
            measured("cart", PAYMENTS, NOW, "shared"),
            measured("finder", SEARCH, NOW, "moved"),
            measured("shop", PAYMENTS, NOW, "shared"),
        ),
    )
    assert shares(decompose(now, then)) == {"added": 10}
    assert owner_parts(now, then, team_of) == {"payments": {"added": 10, "moved": -10}, "search": {"moved": 10}}
    assert owner_parts(now, then, component_of) == {
        "cart": {"added": 10, "moved": -10},
        "finder": {"moved": 10},
        "shop": {"added": 10},
    }
    lost = decompose(*split_closing(now, then, component_of)[make_ref("cart")]).workloads
    assert {one.change.key.name: one.change.other_owner for one in lost} == {"moved": make_ref("finder"), "shared": None}


def test_a_workload_that_several_took_over_moved_to_the_first_of_them() -> None:
    then = ClosingPoint(
        as_of=THEN,
        measurements=tuple(measured(name, PAYMENTS, THEN, *has) for name, has in (("cart", "w"), ("finder", ""), ("shop", ""))),
    )
    now = ClosingPoint(
        as_of=NOW,
        measurements=tuple(measured(name, PAYMENTS, NOW, *has) for name, has in (("cart", ""), ("finder", "w"), ("shop", "w"))),
    )
    (lost,) = decompose(*split_closing(now, then, component_of)[make_ref("cart")]).workloads
    assert (lost.change.comparison, lost.change.other_owner) == (CostComparison.MOVED, make_ref("finder"))


def test_parts_add_up_exactly_whatever_their_size() -> None:
    assert exact_sum([Decimal("1e30"), Decimal("1e-9"), Decimal("-1e30")]) == Decimal("1e-9")
    then = make_point(as_of=THEN, listed_since=OLD, cost_7d=Decimal("1e12"), pod_hours_7d=168.0)
    now = make_point(as_of=NOW, listed_since=OLD, cost_7d=Decimal("1000000000000.00000000000000000001"), pod_hours_7d=336.0)
    explained = explain(now, then)
    assert exact_sum(explained.parts.values()) == explained.amount == Decimal("1e-20")


def test_a_mover_that_was_added_or_removed_cost_nothing_in_the_other_week() -> None:
    now = closing(make_point("new", cost_7d=Decimal(30), as_of=NOW), as_of=NOW)
    then = closing(make_point("old", cost_7d=Decimal(20), as_of=THEN), as_of=THEN)
    new, old = group_movers(decompose(now, then), lambda _: Decimal(1)).movers

    assert (new.name, new.then, new.now, new.share) == ("new", Decimal(0), Decimal(30), None)
    assert (old.name, old.then, old.now, old.share) == ("old", Decimal(20), Decimal(0), Decimal(-1))


def test_the_largest_change_of_a_mover_is_its_first() -> None:
    def both(as_of: datetime, **costs: int) -> ClosingPoint:
        listed = [make_point("web", cluster=name, cost_7d=Decimal(cost), listed_since=OLD) for name, cost in costs.items()]
        return closing(*listed, as_of=as_of)

    decomposed = decompose(both(NOW, east=110, north=60, west=100), both(THEN, east=100, north=100, west=130))
    (web,) = group_movers(decomposed, lambda _: Decimal(10)).movers
    assert [one.change.key.cluster for one in web.workloads] == ["north", "west", "east"]


def test_the_causes_in_the_direction_of_a_change_come_first() -> None:
    def causes_of(**parts: str) -> tuple[str, ...]:
        amounts = {CostCause[name]: Decimal(amount) for name, amount in parts.items()}
        now = sum(amounts.values(), Decimal(100))
        change = WorkloadChange(
            key=make_key(), components=(), comparison=CostComparison.LIKE_FOR_LIKE, then=Decimal(100), now=now
        )
        explained = ExplainedChange(change=change, parts=amounts, now=None, then=None)
        return CostMover(components=(), type="Deployment", name="api", workloads=(explained,)).causes

    pods_last = (CostCause.REQUESTS, CostCause.UNIT_PRICE, CostCause.PODS)
    assert causes_of(PODS="-0.4", REQUESTS="0.3", UNIT_PRICE="0.2") == pods_last
    assert causes_of(PODS="40", REQUESTS="-30", UNIT_PRICE="-20") == pods_last
    assert causes_of(PODS="20", REQUESTS="-20") == (CostCause.PODS, CostCause.REQUESTS)


def test_movers_are_one_line_for_a_workload_over_clusters() -> None:
    def both(cost: int, as_of: datetime) -> ClosingPoint:
        listed = [make_point("web", cluster=cluster, cost_7d=Decimal(cost)) for cluster in ("east", "west")]
        small = make_point("tiny", cost_7d=Decimal(3 + cost) / 100)
        return closing(*(replace(point, listed_since=OLD) for point in (*listed, small)), as_of=as_of)

    at_the_floor = group_movers(decompose(both(150, NOW), both(100, THEN)), lambda _: Decimal("0.5"))
    assert ([one.name for one in at_the_floor.movers], at_the_floor.small.workloads) == (["web", "tiny"], 0)
    movers = group_movers(decompose(both(150, NOW), both(100, THEN)), lambda _: Decimal(10))
    (web,) = movers.movers
    assert (web.then, web.now, web.share) == (Decimal(200), Decimal(300), Decimal("0.5"))
    assert (web.name, int(web.amount), [one.change.key.cluster for one in web.workloads]) == ("web", 100, ["east", "west"])
    assert (movers.small.workloads, movers.small.amount) == (1, Decimal("0.5"))
