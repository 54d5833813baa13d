"""When the monthly roll-up is due, and its content."""

import time
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.advice import Issue
from domain.measures import Unknown
from domain.month_to_date import MonthToDate
from domain.months import InvalidMonth, Month, MonthlySchedule, first_working_day
from domain.tracking import RecommendationEnd
from domain.unallocated import SweepUnallocated
from domain.weeks import CATCH_UP, due_windows, parse_time
from reports import content
from reports.builders.month_sentences import describe_month, month_figures
from reports.builders.monthly import build_monthly_report
from reports.facts import UnallocatedFacts
from tests.factories import make_key
from tests.unit.month_samples import month_cost, month_facts
from tests.unit.report_samples import recommendation


def schedule(zone: str = "UTC", at: str = "09:00") -> MonthlySchedule:
    return MonthlySchedule(zone=ZoneInfo(zone), at=parse_time(at))


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("month", "zone", "at", "due"),
    [
        ("2026-09", "UTC", "09:00", utc(2026, 10, 1, 9)),
        ("2026-07", "UTC", "09:00", utc(2026, 8, 3, 9)),  # August begins on a Saturday
        ("2026-10", "UTC", "09:00", utc(2026, 11, 2, 9)),  # November on a Sunday
        ("2026-12", "Europe/Madrid", "09:00", utc(2027, 1, 1, 8)),  # a public holiday is a working day here
        ("2024-02", "Europe/Madrid", "09:00", utc(2024, 3, 1, 8)),
        ("2026-03", "Europe/Madrid", "09:00", utc(2026, 4, 1, 7)),  # summer time since 29 March
        ("2019-03", "Asia/Amman", "00:30", utc(2019, 4, 1)),  # not before the month has ended in UTC
        ("2026-03", "Pacific/Auckland", "09:00", utc(2026, 4, 1)),
        ("2026-03", "America/Los_Angeles", "09:00", utc(2026, 4, 1, 16)),
    ],
)
def test_the_roll_up_is_due_on_the_first_working_day(month: str, zone: str, at: str, due: datetime) -> None:
    assert schedule(zone, at).due_at(Month.parse(month)) == due


def test_a_month_is_that_of_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert Month.of(utc(2026, 10, 31, 23)) == Month(2026, 10)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_period_of_an_instant_is_its_month_in_utc() -> None:
    assert schedule("Pacific/Kiritimati").period_at(utc(2026, 10, 31, 23, 59)) == Month(2026, 10)
    assert schedule("Pacific/Kiritimati").period_at(utc(2026, 11, 1)) == Month(2026, 11)


MONTHS = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/Los_Angeles", "Pacific/Auckland", "Pacific/Kiritimati", "Asia/Kolkata"])


@given(MONTHS, ZONES, st.sampled_from(["00:00", "02:30", "09:00", "23:59"]))
def test_every_month_is_due_once_after_its_end_on_a_working_day(month: Month, zone: str, at: str) -> None:
    made = schedule(zone, at)
    due = made.due_at(month)
    assert month.ends_at <= due < month.ends_at + timedelta(days=4)
    assert made.due_at(month.shift(-1)) < due
    assert (made.newest_due(due), made.newest_due(due - timedelta(seconds=1))) == (month, month.shift(-1))
    assert first_working_day(month.shift(1)).weekday() < 5
    assert Month.parse(str(month)) == month == month.shift(7).shift(-7)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-W40", "26-10", "2026-10-01", "october"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidMonth, match="for example 2026-10"):
        Month.parse(text)


@cache
def due_at(made: MonthlySchedule, period: Month) -> datetime:
    return made.due_at(period)


class CachedSchedule(MonthlySchedule):
    """A schedule that computes each due instant once: the workers of all examples look at it 370,000 times."""

    def due_at(self, period: Month) -> datetime:
        return due_at(MADRID, period)


MADRID = schedule("Europe/Madrid")
CACHED_MADRID = CachedSchedule(zone=MADRID.zone, at=MADRID.at)


@given(st.integers(0, 200), st.integers(0, 40))
def test_no_month_is_sent_twice_or_lost_without_a_word(first_day: int, silent_days: int) -> None:
    """A worker that looks once an hour, but for some days after the first report."""
    made, now = CACHED_MADRID, utc(2026, 1, 1) + timedelta(days=first_day)
    first, sent, skipped = now, list[Month](), list[Month]()
    handled: Month | None = None
    for hour in range(24 * 160):
        if sent and not skipped and len(sent) == 1 and hour < 24 * silent_days:
            continue
        found = due_windows(made, first_snapshot_at=first, newest_handled=handled, now=now + timedelta(hours=hour))
        skipped += list(found.skip)
        handled = found.skip[-1] if found.skip else handled
        if found.send is not None:
            assert now + timedelta(hours=hour) - made.due_at(found.send) <= CATCH_UP
            sent.append(found.send)
            handled = found.send
    every = sorted([*sent, *skipped])
    assert every == [every[0].shift(number) for number in range(len(every))]


def figures(**changes: Any) -> dict[str, str]:
    found = month_figures(build_monthly_report(month_facts(**changes)))
    return {one.label: f"{one.value}; {one.note}" if one.note else one.value for one in found}


def test_the_first_screen_has_cost_change_forecast_and_savings() -> None:
    report = build_monthly_report(month_facts())
    assert describe_month(report) == "October 2026 cost €5,400.00: it rose by €400.00 (8.0%) against September 2026."
    assert figures() == {
        "Cost, October 2026": "€5,400.00",
        "Cost, September 2026": "€5,000.00",
        "Change": "+€400.00 (+8.0%)",
        "Forecast, November 2026": "about €5,143 by month end (€4,714 to €5,571 at the daily rates of the last 4 weeks)",
        "Savings realised, per month": "€103.70; from 7 of 9 workloads",
        "Recommendations done": "2, saving €118.40 a month",
    }
    budgets = next(one.body for one in report.sections if isinstance(one.body, content.TeamBudgets))
    assert [(one.title, one.variance) for one in budgets.teams] == [
        ("Payments", (Decimal(200), Decimal(200))),
        ("Storefront <beta>", (None, None)),
    ]


def test_a_month_with_missing_days_is_a_range_with_its_reason() -> None:
    cost = month_cost(4800, 5200, known_days=29, reason="2 days were not measured")
    found = figures(cost=cost)
    assert found["Cost, October 2026"] == "€4,800.00 to €5,200.00; 2 days were not measured"
    assert found["Change"] == "\N{MINUS SIGN}€200.00 to +€200.00"
    report = build_monthly_report(month_facts(cost=cost))
    assert "The cost of the month is a range: 2 days were not measured." in report.headline.missing


def test_savings_that_could_not_be_measured_are_not_zero() -> None:
    known = recommendation("ledger", "a", Issue.OVER_PROVISIONED, 20, RecommendationEnd.DONE, realised=Decimal("118.4"))
    lost = replace(known, key=replace(known.key, workload=make_key("b")), realised_per_month=Unknown("it was removed"))
    raised = replace(lost, key=replace(lost.key, issue=Issue.UNDER_PROVISIONED))
    assert figures(done=(known, lost))["Recommendations done"] == "2, saving \u20ac118.40 a month; savings unknown for 1"
    assert figures(done=(lost,))["Recommendations done"] == "1; savings unknown for 1"
    assert figures(done=(raised,))["Recommendations done"] == "1"


def test_what_was_not_measured_is_unknown_and_never_zero() -> None:
    nothing = MonthToDate(
        start=Month(2026, 10).starts_at,
        until=Month(2026, 10).ends_at,
        low=Decimal(0),
        high=None,
        known_days=0,
        days=31,
        reason="no day of the month was measured",
    )
    closing = SweepUnallocated(as_of=None, cost=Unknown("no sweep closes this month"))
    unknown = {
        "now": None,
        "cost": nothing,
        "weeks": (),
        "teams": (),
        "unallocated": UnallocatedFacts(closing=closing),
        "done": (),
    }
    report = build_monthly_report(month_facts(**unknown))
    assert describe_month(report) == "The cost of October 2026 is unknown: no day of the month was measured."
    found = figures(**unknown)
    assert found["Cost, October 2026"].startswith("unknown")
    assert found["Change"] == "not comparable: one of the two months was not measured"
    assert found["Forecast, November 2026"] == "unknown: the last seven days were not measured"
    assert found["Savings realised, per month"] == "unknown"


def test_the_change_is_against_what_the_roll_up_of_the_month_before_said() -> None:
    before = build_monthly_report(month_facts(cost=month_cost(4900, month=9))).headline.cost
    assert figures(reported_before=before)["Change"] == "+€500.00 (+10%)"


def test_first_days() -> None:
    assert first_working_day(Month(2026, 8)) == date(2026, 8, 3)
