"""Which snapshot closes a week: of each component the newest measured one within the closing window."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.closing_snapshot import ClosingCandidate, choose_closing, closing_window, weeks_closed_by
from domain.measures import Measured, Unknown, is_known, total_of
from domain.snapshots import Outcome
from domain.weeks import IsoWeek, Schedule
from tests.factories import CHECKOUT, PAYMENTS, SEARCH
from tests.unit.test_weeks import instants, iso_weeks, schedules, utc

SATURDAY, SUNDAY, MONDAY = utc("2026-11-22T00:00"), utc("2026-11-22T18:00"), utc("2026-11-23T06:00")


def candidate(
    as_of: datetime, *costs: Measured[Decimal], outcome: Outcome = Outcome.MEASURED, team: str = "payments"
) -> ClosingCandidate:
    total = total_of(costs)
    owner = PAYMENTS if team == "payments" else SEARCH
    return ClosingCandidate(
        ref=CHECKOUT,
        as_of=as_of,
        team=owner,
        outcome=outcome,
        reason="" if outcome is Outcome.MEASURED else "ScaleOps did not answer",
        cost_7d=total,
        savings_available_per_month=total,
        active_savings_per_month=total,
    )


UNKNOWN = Unknown("the cost report failed")
FIVE = Decimal(5)


@given(schedules, iso_weeks)
def test_a_closing_snapshot_is_never_younger_than_the_report(schedule: Schedule, week: IsoWeek) -> None:
    end = week.ends_at(schedule.zone)
    window = closing_window(schedule, week, now=end + timedelta(hours=1))
    assert window.earliest == end - timedelta(hours=24)
    assert end <= window.latest <= min(end + timedelta(hours=12), schedule.due_at(week))


@given(schedules, instants)
def test_any_sweep_of_the_current_week_may_close_it(schedule: Schedule, now: datetime) -> None:
    window = closing_window(schedule, IsoWeek.of(now.astimezone(schedule.zone).date()), now=now)
    assert now in window
    assert now + timedelta(seconds=1) not in window


@given(schedules, iso_weeks, st.integers(-40, 40))
def test_a_sweep_may_close_the_week_it_is_in_or_the_one_before(schedule: Schedule, week: IsoWeek, hours: int) -> None:
    end = week.ends_at(schedule.zone)
    as_of, now = end + timedelta(hours=hours), end + timedelta(days=30)
    closed = {one for one in (week.shift(number) for number in (-1, 0, 1)) if as_of in closing_window(schedule, one, now=now)}
    assert closed <= set(weeks_closed_by(as_of, schedule))


def test_the_week_that_a_sweep_closes_is_that_of_the_zone() -> None:
    for zone, closed in (("Asia/Tokyo", ["2026-W47", "2026-W48"]), ("UTC", ["2026-W46", "2026-W47"])):
        schedule = Schedule.parse(zone=zone, day="monday", at="09:00")
        assert [str(week) for week in weeks_closed_by(utc("2026-11-22T20:00"), schedule)] == closed


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param([candidate(SUNDAY, FIVE), candidate(MONDAY, FIVE)], MONDAY, id="the newest"),
        pytest.param(
            [candidate(SATURDAY, FIVE), candidate(SUNDAY, FIVE), candidate(MONDAY, outcome=Outcome.UNKNOWN)],
            SUNDAY,
            id="the newest measured one",
        ),
        pytest.param(
            [candidate(SUNDAY, FIVE), candidate(MONDAY, UNKNOWN, UNKNOWN)], SUNDAY, id="one with a cost before one without"
        ),
        pytest.param([candidate(SUNDAY, FIVE), candidate(MONDAY, FIVE, UNKNOWN)], MONDAY, id="a cost known in part is a cost"),
        pytest.param([candidate(SUNDAY, FIVE), candidate(MONDAY)], MONDAY, id="without workloads the cost is known"),
        pytest.param(
            [candidate(SUNDAY, UNKNOWN), candidate(MONDAY, outcome=Outcome.UNKNOWN)], SUNDAY, id="measured without a cost"
        ),
        pytest.param(
            [candidate(SUNDAY, outcome=Outcome.UNKNOWN), candidate(MONDAY, outcome=Outcome.UNKNOWN)],
            MONDAY,
            id="the newest unknown",
        ),
    ],
)
def test_the_newest_measured_snapshot_closes_the_week(candidates: list[ClosingCandidate], expected: datetime) -> None:
    assert choose_closing(candidates)[CHECKOUT].as_of == expected
    assert choose_closing(reversed(candidates))[CHECKOUT].as_of == expected


def test_the_owner_is_the_one_of_the_closing_snapshot() -> None:
    given_away = [candidate(SUNDAY, FIVE), candidate(MONDAY, FIVE, team="search")]
    assert choose_closing(given_away)[CHECKOUT].team == SEARCH
    assert choose_closing([*given_away[:1], candidate(MONDAY, outcome=Outcome.UNKNOWN, team="search")])[CHECKOUT].team == PAYMENTS


costs = st.lists(st.one_of(st.just(UNKNOWN), st.just(FIVE)), max_size=3)


@given(st.dictionaries(st.integers(0, 6), st.tuples(costs, st.sampled_from(Outcome)), min_size=1))
def test_a_measurement_is_never_passed_over_for_an_unknown(drawn: dict[int, tuple[list[Measured[Decimal]], Outcome]]) -> None:
    found = [candidate(SUNDAY + timedelta(hours=6 * slot), *given, outcome=outcome) for slot, (given, outcome) in drawn.items()]
    chosen = choose_closing(found)[CHECKOUT]
    if any(one.outcome is Outcome.MEASURED for one in found):
        assert chosen.outcome is Outcome.MEASURED
    if any(one.outcome is Outcome.MEASURED and is_known(one.cost_7d.amount) for one in found):
        assert is_known(chosen.cost_7d.amount)
    alike = [one for one in found if (one.outcome, one.has_cost) == (chosen.outcome, chosen.has_cost)]
    assert chosen.as_of == max(one.as_of for one in alike)
