"""A report knows the like-for-like changes of the 12 weeks before it, as the reports of those weeks would state them."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from domain.cost_change import LikeForLike, compare
from domain.measures import Measured, Unknown
from domain.usual_range import UsualPosition, WeeklyChange, compare_with_usual
from domain.weeks import IsoWeek
from store import Store
from tasks.report.report_data import gather_platform, gather_team
from tasks.report.requests import ReportRequest
from tests.factories import PAYMENTS, SEARCH, make_component, make_measurement, make_point
from tests.stage_factories import make_stage_context, record_sweep

W47 = IsoWeek.parse("2026-W47")
MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DUE = MONDAY + timedelta(hours=9)
UNKNOWN = Unknown("ScaleOps left it out")

Costs = Mapping[str, Measured[Decimal]]


def close_week(store: Store, back: int, costs: Costs) -> None:
    """Write the closing sweep of the week `back` weeks before W47: the workloads of checkout, one each cost, and one of finder."""
    as_of = MONDAY - timedelta(weeks=back)
    points = [make_point(name, cost_7d=cost, listed_since=as_of) for name, cost in costs.items()]
    record_sweep(
        store,
        as_of,
        make_measurement("checkout", *points, as_of=as_of),
        make_measurement("finder", make_point("finder", cost_7d=Decimal(500)), as_of=as_of, team=SEARCH),
        components=[make_component("checkout"), make_component("finder", team=SEARCH)],
    )


def steady(back: int) -> Costs:
    return {"api": Decimal(100 - back % 3), "shared": Decimal(10), **({"job": Decimal(7)} if back % 2 else {})}


def changes_before(store: Store, week: IsoWeek = W47) -> dict[int, WeeklyChange]:
    context = make_stage_context(store, DUE)
    with store.reading() as transaction:
        found = gather_team(transaction, context.policy, PAYMENTS, ReportRequest(week=week, now=DUE)).changes_before
    return {int((W47.monday - one.week.monday).days / 7): one for one in found}


def test_every_change_is_what_the_report_of_its_week_compares(store: Store) -> None:
    for back in range(15, -1, -1):
        close_week(store, back, steady(back))
    found = changes_before(store)
    assert sorted(found) == list(range(1, 13))
    for back, change in found.items():
        with store.reading() as transaction:
            facts = gather_team(
                transaction, make_stage_context(store, DUE).policy, PAYMENTS, ReportRequest(week=W47.shift(-back), now=DUE)
            )
        assert facts.now is not None
        assert facts.then is not None
        assert LikeForLike(amount=change.amount, cost_then=change.cost_then) == compare(facts.now, facts.then).like_for_like
        assert change.is_comparable


def test_a_week_without_a_snapshot_costs_both_changes_that_need_it_and_a_partial_one_is_not_comparable(store: Store) -> None:
    for back in range(13, -1, -1):
        if back != 9:
            close_week(store, back, {**steady(back), **({"shared": UNKNOWN} if back == 4 else {})})
    found = changes_before(store)
    assert sorted(found) == [one for one in range(1, 13) if one not in (8, 9)]
    assert sorted(back for back, change in found.items() if not change.is_comparable) == [3, 4]
    this = WeeklyChange(week=W47, amount=Decimal(30), cost_then=Decimal(100), is_comparable=True)
    checked = compare_with_usual(this, found.values())
    assert (checked.weeks, checked.position) == (8, UsualPosition.ABOVE)


def test_the_roll_up_compares_all_teams(sqlite_store: Store) -> None:
    for back in (2, 1, 0):
        close_week(sqlite_store, back, steady(back))
    context = make_stage_context(sqlite_store, DUE)
    with sqlite_store.reading() as transaction:
        facts = gather_platform(transaction, context.policy, ReportRequest(week=W47, now=DUE))
    assert [(one.week, one.amount, one.cost_then) for one in facts.changes_before] == [
        (W47.shift(-1), Decimal(1), Decimal(98 + 10 + 500))
    ]
