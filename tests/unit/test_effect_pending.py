"""Savings of what is done are judged when they have arrived, after seven days at the latest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.advice import Issue
from domain.measures import Measured, Unknown
from domain.snapshots import WorkloadPoint
from domain.tracking import EFFECT_TIMEOUT, Recommendation, RecommendationEnd, close_removed, track
from tests.factories import SEARCH, make_measurement, make_point
from tests.unit.alert_scenario import sweep

MANUAL = make_point(savings_available_per_month=Decimal(100))
UNKNOWN = Unknown("ScaleOps left it out")
SWEEPS_A_DAY = 4


def automated(savings: Measured[Decimal] | int) -> WorkloadPoint:
    return replace(MANUAL, automated=True, savings_available_per_month=Decimal(savings) if isinstance(savings, int) else savings)


def follow(points: Sequence[WorkloadPoint | str]) -> Recommendation:
    """Track one workload over sweeps; a text is why the component could not be measured."""
    followed: tuple[Recommendation, ...] = ()
    for number, point in enumerate([MANUAL, *points]):
        measured = [] if isinstance(point, str) else [point]
        reason = point if isinstance(point, str) else ""
        changed = track(make_measurement("checkout", *measured, as_of=sweep(number), reason=reason), followed)
        followed = tuple({one.key: one for one in (*followed, *changed)}.values())
    (known,) = followed
    assert known.key.issue is Issue.NOT_AUTOMATED
    return known


WEEK_OF_SWEEPS = 7 * SWEEPS_A_DAY


@pytest.mark.parametrize(
    ("points", "judged_in", "realised"),
    [
        ([automated(100)], None, None),
        ([automated(100)] * SWEEPS_A_DAY, None, None),
        ([automated(100)] * SWEEPS_A_DAY + [automated(10)], SWEEPS_A_DAY + 1, Decimal(90)),
        ([automated(51), automated(50)], 2, Decimal(50)),
        ([automated(100)] * (WEEK_OF_SWEEPS + 1), WEEK_OF_SWEEPS + 1, Decimal(0)),
        ([automated(70)] * (WEEK_OF_SWEEPS + 1), WEEK_OF_SWEEPS + 1, Decimal(30)),
        ([automated(130)] * (WEEK_OF_SWEEPS + 1), WEEK_OF_SWEEPS + 1, Decimal(0)),
        ([automated(UNKNOWN)] * WEEK_OF_SWEEPS, None, None),
        ([automated(UNKNOWN)] * (WEEK_OF_SWEEPS + 1), WEEK_OF_SWEEPS + 1, UNKNOWN),
        ([automated(100), "ScaleOps is down", automated(0)], 3, Decimal(100)),
        ([automated(100)] + ["down"] * WEEK_OF_SWEEPS, WEEK_OF_SWEEPS + 1, Unknown("its workload could not be measured")),
    ],
)
def test_the_effect_is_awaited(
    points: list[WorkloadPoint | str], judged_in: int | None, realised: Measured[Decimal] | None
) -> None:
    known = follow(points)
    assert (known.ending, known.ended_at) == (RecommendationEnd.DONE, sweep(1))
    assert (known.judged_at, known.realised_per_month) == (judged_in and sweep(judged_in), realised)
    assert known.is_pending == (judged_in is None)


def test_a_workload_removed_before_its_effect_has_unknown_savings() -> None:
    pending = follow([automated(100)])
    for (known,) in (track(make_measurement("checkout", as_of=sweep(2)), [pending]), close_removed([pending], as_of=sweep(2))):
        assert (known.ending, known.judged_at) == (RecommendationEnd.DONE, sweep(2))
        assert known.realised_per_month == Unknown("the workload was removed before its effect was seen")


def test_what_was_known_at_an_instant_is_not_what_became_known_later() -> None:
    known = follow([automated(100), automated(100), automated(0)])
    assert known.at(sweep(3)) == known
    assert known.at(sweep(2)) == known.at(sweep(1)) == replace(known, realised_per_month=None, judged_at=None)
    assert known.at(sweep(0)) == replace(known, ended_at=None, ending=None, realised_per_month=None, judged_at=None)


@pytest.mark.parametrize("reason", ["", "ScaleOps is down"])
def test_a_recommendation_moves_with_its_component(reason: str) -> None:
    (known,) = track(make_measurement("checkout", MANUAL, as_of=sweep(0)), ())
    measured = () if reason else (MANUAL,)
    (moved,) = track(make_measurement("checkout", *measured, as_of=sweep(1), team=SEARCH, reason=reason), [known])
    assert (moved.team, moved.ended_at) == (SEARCH, None)


@given(st.lists(st.one_of(st.integers(-50, 200).map(automated), st.just(automated(UNKNOWN)), st.just("down")), max_size=40))
def test_done_never_has_negative_savings_and_is_judged_within_a_week(points: list[WorkloadPoint | str]) -> None:
    known = follow([automated(100), *points])
    realised = known.realised_per_month
    assert realised is None or isinstance(realised, Unknown) or realised >= 0
    assert known.is_pending == (realised is None)
    if known.judged_at is not None and known.ended_at is not None:
        assert known.judged_at - known.ended_at <= EFFECT_TIMEOUT
    if len(points) >= WEEK_OF_SWEEPS:
        assert not known.is_pending
