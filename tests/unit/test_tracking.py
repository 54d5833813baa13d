"""What becomes of a recommendation."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.advice import Issue, IssuePriority
from domain.measures import Unknown
from domain.snapshots import Measurement, WorkloadPoint
from domain.tracking import Recommendation, RecommendationEnd, by_entity, close_removed, track
from tests.factories import CHECKOUT, make_key, make_measurement, make_point
from tests.unit.alert_scenario import sweep

UNKNOWN = Unknown("ScaleOps left it out")
WASTE = make_point(
    over_provisioned=True,
    cpu_request_millicores=1000.0,
    cpu_recommended_millicores=200.0,
    memory_request_bytes=1000.0,
    memory_recommended_bytes=1000.0,
    savings_available_per_month=Decimal(100),
)


def at(number: int, *points: WorkloadPoint, reason: str = "") -> Measurement:
    return make_measurement("checkout", *points, as_of=sweep(number), reason=reason)


def opened(wanted: WorkloadPoint = WASTE) -> tuple[Recommendation, ...]:
    return track(at(0, wanted), ())


def test_an_issue_opens_a_recommendation() -> None:
    (known,) = opened()
    assert (known.key.entity, known.key.workload, known.key.issue) == (CHECKOUT, make_key("api"), Issue.OVER_PROVISIONED)
    assert (known.opened_at, known.last_seen_at, known.ended_at) == (sweep(0), sweep(0), None)
    assert (known.advised.savings_available_per_month, known.advised.priority) == (Decimal(100), IssuePriority.HIGH)


def test_a_workload_without_an_issue_hides_none_of_the_others() -> None:
    right_sized = make_point("aaa", automated=True)
    assert [one.key.workload for one in track(at(0, right_sized, WASTE), ())] == [WASTE.key]


def test_seen_again_it_keeps_its_opening_and_takes_the_newer_numbers() -> None:
    (known,) = track(at(1, replace(WASTE, savings_available_per_month=Decimal(80))), opened())
    assert (known.opened_at, known.last_seen_at) == (sweep(0), sweep(1))
    assert (known.advised.savings_available_per_month, known.advised.priority) == (Decimal(80), IssuePriority.HIGH)


def test_a_missing_number_keeps_its_last_value() -> None:
    lacking = dict.fromkeys(("cpu_recommended_millicores", "memory_recommended_bytes", "savings_available_per_month"), UNKNOWN)
    (known,) = track(at(1, replace(WASTE, **lacking)), opened())  # type: ignore[arg-type]  # each may be unknown
    assert (known.advised.cpu_recommended_millicores, known.advised.memory_recommended_bytes) == (200.0, 1000.0)
    assert known.advised.savings_available_per_month == Decimal(100)


CALM = replace(WASTE, over_provisioned=False, automated=True, savings_available_per_month=Decimal(5))
MANUAL = replace(CALM, automated=False)


@pytest.mark.parametrize(
    ("now", "ending", "realised"),
    [
        (CALM, RecommendationEnd.DONE, Decimal(95)),
        (replace(MANUAL, cpu_request_millicores=600.0), RecommendationEnd.DONE, Decimal(95)),
        (replace(MANUAL, cpu_request_millicores=610.0), RecommendationEnd.NO_LONGER_ADVISED, None),
        (replace(MANUAL, cpu_request_millicores=1400.0), RecommendationEnd.NO_LONGER_ADVISED, None),
        (MANUAL, RecommendationEnd.NO_LONGER_ADVISED, None),
    ],
)
def test_it_is_done_when_automated_or_moved_half_way(
    now: WorkloadPoint, ending: RecommendationEnd, realised: Decimal | None
) -> None:
    known = next(one for one in track(at(1, now), opened()) if one.key.issue is Issue.OVER_PROVISIONED)
    assert (known.ending, known.ended_at, known.realised_per_month) == (ending, sweep(1), realised)


@pytest.mark.parametrize(
    ("wanted", "now", "is_done"),
    [
        pytest.param({"cpu": 200}, {"cpu": 600}, True, id="half of the CPU"),
        pytest.param({"cpu": 200, "memory": 500}, {"cpu": 200}, True, id="the larger of two changes"),
        pytest.param({"cpu": 200, "memory": 500}, {"memory": 500}, False, id="the smaller of two changes"),
        pytest.param({"cpu": 2000}, {"cpu": 1300}, False, id="a third of an increase"),
        pytest.param({"cpu": None, "memory": 500}, {"memory": 500}, True, id="no recommendation for the CPU"),
        pytest.param({"cpu": 200, "memory": 500}, {"cpu": None, "memory": 500}, True, id="the CPU is not known now"),
        pytest.param({}, {"cpu": 200, "memory": 200}, False, id="nothing was to change"),
    ],
)
def test_cpu_and_memory_count_by_the_size_of_their_change(
    wanted: dict[str, float | None], now: dict[str, float | None], *, is_done: bool
) -> None:
    def named(values: dict[str, float | None], cpu: str, memory: str) -> dict[str, Any]:
        names = {"cpu": cpu, "memory": memory}
        return {names[name]: UNKNOWN if value is None else float(value) for name, value in values.items()}

    advised = named({"cpu": 1000, "memory": 1000} | wanted, "cpu_recommended_millicores", "memory_recommended_bytes")
    moved = named(now, "cpu_request_millicores", "memory_request_bytes")
    before = opened(replace(WASTE, **advised))
    known = next(one for one in track(at(1, replace(MANUAL, **moved)), before) if one.key.issue is Issue.OVER_PROVISIONED)
    assert known.ending is (RecommendationEnd.DONE if is_done else RecommendationEnd.NO_LONGER_ADVISED)


def test_a_request_that_was_not_known_does_not_count() -> None:
    before = opened(replace(WASTE, cpu_request_millicores=UNKNOWN, memory_recommended_bytes=500.0))
    (known, _) = track(at(1, replace(MANUAL, memory_request_bytes=500.0)), before)
    assert known.ending is RecommendationEnd.DONE


def test_requests_raised_by_hand_are_done_too() -> None:
    starved = replace(WASTE, over_provisioned=False, under_provisioned=True, cpu_recommended_millicores=2000.0)
    fed = replace(starved, under_provisioned=False, cpu_request_millicores=1600.0, automated=False)
    (known,) = [one for one in track(at(1, fed), opened(starved)) if one.key.issue is Issue.UNDER_PROVISIONED]
    assert known.ending is RecommendationEnd.DONE
    assert known.realised_per_month == 0, "room that was needed saves nothing, whatever could be saved afterwards"


def test_the_issue_that_follows_opens_its_own() -> None:
    after = track(at(1, replace(MANUAL, cpu_request_millicores=300.0)), opened())
    assert {(one.key.issue, one.ending) for one in after} == {
        (Issue.OVER_PROVISIONED, RecommendationEnd.DONE),
        (Issue.NOT_AUTOMATED, None),
    }


def test_realised_savings_without_data_are_unknown() -> None:
    (never,) = track(at(1, CALM), opened(replace(WASTE, savings_available_per_month=UNKNOWN)))
    assert never.realised_per_month == Unknown("what it could save was not known while it was open")


def test_a_workload_absent_from_a_measured_sweep_is_gone() -> None:
    (known,) = track(at(1), opened())
    assert (known.ending, known.realised_per_month) == (RecommendationEnd.GONE, None)


def test_a_component_that_left_the_catalog_ends_its_recommendations() -> None:
    (known,) = close_removed(opened(), as_of=sweep(2))
    assert (known.ending, known.ended_at) == (RecommendationEnd.GONE, sweep(2))


def test_returning_after_its_end_it_opens_a_new_one() -> None:
    (again,) = track(at(5, WASTE), ())
    assert again.opened_at == sweep(5)


@pytest.mark.parametrize(
    "measured",
    [
        at(1, reason="ScaleOps answered with status 503"),
        at(1, WorkloadPoint.unmeasured(as_of=sweep(1), key=make_key("api"), reason="the cluster is lost")),
        at(1, replace(CALM, over_provisioned=UNKNOWN)),
    ],
)
def test_what_could_not_be_measured_ends_nothing(measured: Measurement) -> None:
    assert track(measured, opened()) == ()


flags = st.sampled_from([True, False, UNKNOWN])


@given(st.lists(st.tuples(flags, flags, flags, st.booleans()), max_size=12))
def test_one_issue_is_open_at_a_time_and_only_done_has_savings(sweeps: list[tuple[object, object, object, bool]]) -> None:
    still_open: dict[object, Recommendation] = {}
    for number, (under, over, automated, is_there) in enumerate(sweeps):
        now = make_point(under_provisioned=under, over_provisioned=over, automated=automated)
        for known in track(at(number, *([now] if is_there else [])), still_open.values()):
            if known.ended_at is None:
                still_open[known.key] = known
            else:
                del still_open[known.key]
            assert (known.realised_per_month is not None) == (known.ending is RecommendationEnd.DONE)
            assert (known.ended_at is None) == (known.ending is None)
        assert len(still_open) <= 1
    listed = tuple(still_open.values())
    assert by_entity(listed) == ({listed[0].key.entity: listed} if listed else {})
