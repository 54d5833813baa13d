"""A budget alert is about one month: within it nothing unknown ends it, and it ends with the month, not as resolved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cost_rules import begin_of_open_alert, observe_budget
from alerts.observations import AlertId, Observation
from alerts.policy import Rule
from alerts.states import NoticeKind, Phase
from domain.month_to_date import month_to_date, start_of_month
from domain.snapshots import SeriesPoint
from tests.factories import CHECKOUT, PAYMENTS, make_window
from tests.unit.alert_scenario import AlertScenario

SIX_HOURS = timedelta(hours=6)
BUDGET = AlertId(rule=Rule.BUDGET, about=CHECKOUT)


def observe_sweeps(alert: AlertScenario, start: datetime, costs: list[tuple[int | None, int]]) -> list[Observation]:
    """Observe a sweep every six hours; each has a cost for 7 days (None: unknown) and the number of known workloads of two."""
    windows: list[SeriesPoint] = []
    seen = []
    for number, (cost, known) in enumerate(costs):
        windows.append(make_window(start + number * SIX_HOURS, cost, known=known))
        observation = observe_budget(
            about=CHECKOUT,
            team=PAYMENTS,
            today=windows[-1],
            month=month_to_date(windows, until=windows[-1].as_of),
            monthly_budget=Decimal(400),
            alerted_since=begin_of_open_alert(alert.state),
        )
        alert.observe(observation)
        seen.append(observation)
    return seen


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=timezone.utc)


@pytest.mark.parametrize("known", [1, 2])
def test_the_alert_of_a_month_ends_with_it_and_the_new_month_begins_anew(known: int) -> None:
    """One of two workloads never has a cost (known: 1): without the end of the month the alert would stay open for ever."""
    alert = AlertScenario(BUDGET)
    observe_sweeps(alert, at(9, 30, 12), [(500, known)] * 6)
    assert [(notice.kind, notice.as_of) for notice in alert.notices] == [
        (NoticeKind.OPENED, at(9, 30, 12)),
        (NoticeKind.CLOSED, at(10, 1, 6)),
        (NoticeKind.OPENED, at(10, 1, 12)),
    ]
    assert alert.notices[1].reason == "September 2026 is over. The budget of October is checked on its own."


def test_a_month_that_could_not_be_measured_ends_all_the_same() -> None:
    alert = AlertScenario(BUDGET)
    observe_sweeps(alert, at(9, 30, 12), [(500, 2), (None, 0), (None, 0), (None, 0), (None, 0)])
    assert [notice.kind for notice in alert.notices] == [NoticeKind.OPENED, NoticeKind.CLOSED]
    assert alert.state.phase is Phase.QUIET


@given(st.lists(st.tuples(st.sampled_from([500, 500, 60, None]), st.sampled_from([1, 2])), min_size=12, max_size=40))
def test_within_its_month_only_what_was_measured_completely_ends_it(costs: list[tuple[int | None, int]]) -> None:
    alert = AlertScenario(BUDGET)
    seen = {one.as_of: one for one in observe_sweeps(alert, at(10, 28), costs)}
    opened = [notice for notice in alert.notices if notice.kind in {NoticeKind.OPENED, NoticeKind.REOPENED}]
    for notice in alert.notices:
        observation = seen[notice.as_of]
        if notice.kind is NoticeKind.RESOLVED:
            assert not observation.found and not observation.unknown and not observation.reason  # noqa: PT018
        if notice.kind is NoticeKind.CLOSED:
            began = max(one.as_of for one in opened if one.as_of < notice.as_of)
            assert start_of_month(began) < start_of_month(notice.as_of)
    if alert.state.incident is not None:
        assert start_of_month(alert.state.incident.opened_as_of) == start_of_month(max(seen))
