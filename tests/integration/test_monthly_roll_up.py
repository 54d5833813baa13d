"""The monthly roll-up over stored sweeps: due from stored state, once, late up to three days, to its own channel."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actions.errors import NotAllowedError, NotFoundError
from actions.history.reports import months_with_roll_up, stored_month
from actions.history.view import read_history
from alerts.policy import AlertPolicy
from domain.months import Month
from domain.routes import RoutePolicy
from domain.weeks import CATCH_UP
from reports import content
from store import Store
from tasks.context import StageContext
from tasks.maintenance.monitoring import check_health
from tasks.maintenance.purging import purge_expired
from tasks.maintenance.status import read_status
from tasks.report.stage import AlreadySent, ReportMade, ReportRejected, preview_month, report_due, send_month
from tests.factories import CHECKOUT, PAYMENTS, SEARCH, make_component, make_measurement, make_point
from tests.services.databases import MIGRATED, PostgresServer, make_sqlite
from tests.stage_factories import PartialViewer, make_history_context, make_stage_context, record_sweep

OCTOBER = Month(2026, 10)
END = datetime(2026, 11, 1, tzinfo=timezone.utc)
DUE = datetime(2026, 11, 2, 9, tzinfo=timezone.utc)  # 1 November is a Sunday
ROUTES = RoutePolicy(platform_channel="C0PLATFORM", monthly_channel="C0BOSS")
BUDGETS = AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(300)})


def sweep(store: Store, as_of: datetime, *, checkout: int = 70, finder: int = 35, close: bool = True) -> None:
    costs = {"checkout": (PAYMENTS, checkout), "finder": (SEARCH, finder)}
    record_sweep(
        store,
        as_of,
        *(
            make_measurement(name, make_point(name, as_of=as_of, cost_7d=Decimal(cost)), as_of=as_of, team=team)
            for name, (team, cost) in costs.items()
        ),
        components=[make_component(name, team=team) for name, (team, _) in costs.items()],
        close=close,
    )


def fill(store: Store, days: Sequence[int]) -> None:
    """One sweep a day, backwards from the end of October. September costs 15 a day, October as well."""
    for back in reversed(days):
        sweep(store, END - timedelta(days=back))


Filled = Callable[[Sequence[int]], Store]
TWO_MONTHS = range(62)


@pytest.fixture(scope="module")
def filled_before() -> dict[tuple[str, Sequence[int]], str]:
    """Return the names of the databases to copy, by kind and days."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest,
    filled_before: dict[tuple[str, Sequence[int]], str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Filled]:
    """Open a copy of a database that was filled with sweeps on these days, once for each kind of database and days."""
    server: PostgresServer | None = None if request.param == "sqlite" else request.getfixturevalue("postgres_server")

    def make(days: Sequence[int]) -> str:
        name = server.create(template=MIGRATED) if server else str(tmp_path_factory.mktemp("filled") / "worker.db")
        with closing(Store.open(server.url(name) if server else make_sqlite(Path(name)))) as store:
            fill(store, days)
        return name

    with ExitStack() as opened:

        def open_copy(days: Sequence[int]) -> Store:
            key = (request.param, tuple(days))
            name = filled_before[key] = filled_before.get(key) or make(days)
            if server:
                url = opened.enter_context(contextmanager(server.fresh)(template=name))
            else:
                url = f"sqlite:///{shutil.copy(name, tmp_path / 'worker.db')}"
            return opened.enter_context(closing(Store.open(url)))

        yield open_copy


def context_at(store: Store, now: datetime, **policy: Any) -> StageContext:
    settings: dict[str, Any] = {"routes": ROUTES, "alerts": BUDGETS, **policy}
    return make_stage_context(store, now, **settings)


def monthly_of(made: Sequence[ReportMade]) -> list[ReportMade]:
    return [one for one in made if isinstance(one.report, content.MonthlyReport)]


def test_it_is_made_once_with_budgets_and_the_month_before(filled: Filled) -> None:
    store = filled(TWO_MONTHS)
    assert monthly_of(report_due(context_at(store, DUE - timedelta(minutes=1))).made) == []
    made = monthly_of(report_due(context_at(store, DUE)).made)
    assert len(made) == 1
    report = made[0].report
    assert isinstance(report, content.MonthlyReport)
    assert (report.month, report.headline.cost.spent, report.headline.cost.reason) == ("2026-10", Decimal(465), "")
    assert report.headline.before is not None
    assert report.headline.before.spent == Decimal(450)
    assert report.headline.forecast is not None
    assert report.headline.forecast.at_current_rate == Decimal(450)
    budgets = next(one.body for one in report.sections if isinstance(one.body, content.TeamBudgets))
    assert [(one.ref, one.cost.spent, one.variance[0]) for one in budgets.teams] == [
        (str(PAYMENTS), Decimal(310), Decimal(10)),
        (str(SEARCH), Decimal(155), None),
    ]
    assert {message.target for message in made[0].messages} == {"C0BOSS"}
    assert made[0].messages[0].key == "report:monthly:platform:2026-10:slack:1"
    assert made[0].messages[0].expires_at == DUE + CATCH_UP
    for hours in (1, 24, 71):
        assert monthly_of(report_due(context_at(store, DUE + timedelta(hours=hours))).made) == []


def test_without_a_channel_it_goes_to_nobody_and_can_be_shown(filled: Filled) -> None:
    store = filled(range(10))
    nobody = context_at(store, DUE, routes=RoutePolicy(platform_channel="C0PLATFORM"))
    assert monthly_of(report_due(nobody).made) == []
    assert preview_month(nobody).month == "2026-10"
    assert {one.report for one in read_status(nobody).teams} == {"weekly"}
    done = send_month(nobody)
    assert isinstance(done, ReportMade)
    assert "monthly.slack_channel of the configuration file is not set" in done.problem


@pytest.mark.parametrize(
    ("late", "is_sent"), [(timedelta(days=2), True), (CATCH_UP, True), (CATCH_UP + timedelta(minutes=1), False)]
)
def test_it_may_be_three_days_late(filled: Filled, late: timedelta, *, is_sent: bool) -> None:
    store = filled(range(40))
    report_due(context_at(store, datetime(2026, 10, 1, 9, tzinfo=timezone.utc)))  # September
    found = report_due(context_at(store, DUE + late))
    made = monthly_of(found.made)
    assert [bool(one.report.late_reason) for one in made] == [True] * is_sent
    assert any("the report of 2026-10, due 2026-11-02 09:00 UTC, was missed" in one for one in found.skipped) is not is_sent
    assert monthly_of(report_due(context_at(store, DUE + late + timedelta(minutes=1))).made) == []


def test_months_before_it_was_configured_are_not_missed(filled: Filled) -> None:
    store = filled(TWO_MONTHS)
    found = report_due(context_at(store, DUE + timedelta(days=10)))
    assert monthly_of(found.made) == []
    assert not any("2026-10, due" in one or "2026-09," in one for one in found.skipped)


def test_it_waits_for_the_sweep_that_closes_the_month(store: Store) -> None:
    due = datetime(2026, 10, 1, 9, tzinfo=timezone.utc)
    for days in range(12):
        sweep(store, due.replace(hour=0) - timedelta(days=days))
    sweep(store, due.replace(hour=6), close=False)
    assert monthly_of(report_due(context_at(store, due)).made) == []
    assert len(monthly_of(report_due(context_at(store, due + timedelta(hours=1))).made)) == 1


def test_days_without_a_sweep_make_the_month_a_range(filled: Filled) -> None:
    store = filled([*range(3), *range(20, 40)])
    report = preview_month(context_at(store, DUE))
    cost = report.headline.cost
    assert cost.spent is None
    assert cost.spent_at_least is not None
    assert cost.spent_at_most is not None
    assert cost.spent_at_least < Decimal(465) <= cost.spent_at_most
    assert "not measured" in cost.reason
    assert report.headline.missing[0] == f"The cost of the month is a range: {cost.reason}."


def test_a_repeat_by_hand_says_the_same_after_a_purge(filled: Filled) -> None:
    store = filled(TWO_MONTHS)
    first = monthly_of(report_due(context_at(store, DUE)).made)[0].report
    assert isinstance(send_month(context_at(store, DUE), OCTOBER), AlreadySent)
    later = context_at(store, DUE + timedelta(days=40))
    purge_expired(later)
    again = send_month(later, OCTOBER, again=True)
    assert isinstance(again, ReportMade)
    assert again.messages[0].key == "report:monthly:platform:2026-10:slack:1:again-1"
    assert isinstance(again.report, content.MonthlyReport)
    assert isinstance(first, content.MonthlyReport)
    assert again.report.model_dump(mode="json", include={"headline", "sections"}) == first.model_dump(
        mode="json", include={"headline", "sections"}
    )


def test_the_running_month_is_shown_and_not_sent(filled: Filled) -> None:
    store = filled(range(40))
    sweep(store, DUE.replace(hour=0))
    context = context_at(store, DUE)
    shown = preview_month(context, Month(2026, 11))
    assert (shown.running, shown.headline.cost.spent) == (True, Decimal(15))
    with pytest.raises(ReportRejected, match="has not ended"):
        send_month(context, Month(2026, 11))
    with pytest.raises(ReportRejected, match="has not begun"):
        preview_month(context, Month(2026, 12))


def test_status_and_overdue_know_the_monthly_roll_up(filled: Filled) -> None:
    store = filled(range(40))
    report_due(context_at(store, DUE))
    monthly = next(one for one in read_status(context_at(store, DUE)).teams if one.report == "monthly")
    assert (monthly.last_week, monthly.next_due) == ("2026-10", datetime(2026, 12, 1, 9, tzinfo=timezone.utc))
    assert check_health(context_at(store, DUE)).reports_overdue == 0
    assert check_health(context_at(store, datetime(2026, 12, 1, 10, tzinfo=timezone.utc))).reports_overdue >= 1


def test_a_stored_roll_up_is_shown_only_to_callers_who_see_everything(filled: Filled) -> None:
    store = filled(range(40))
    report_due(context_at(store, DUE))
    history = make_history_context(store, DUE)
    with read_history(history) as view:
        assert stored_month(view, OCTOBER).month == "2026-10"
        assert months_with_roll_up(view) == ("2026-10",)
        assert months_with_roll_up(replace(view, viewer=PartialViewer(CHECKOUT))) == ()
        with pytest.raises(NotFoundError, match="months with one: 2026-10"):
            stored_month(view, Month(2026, 9))
        with pytest.raises(NotAllowedError, match="every component"):
            stored_month(replace(view, viewer=PartialViewer(CHECKOUT)), OCTOBER)
