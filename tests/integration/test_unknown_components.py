"""What could not be measured is unknown in every sum and sentence, and a good measurement of the closing window is used."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.measures import Total
from domain.snapshots import Measurement
from domain.weeks import Schedule, Schedules
from reports import content
from store import Store
from tasks.collect.closing import close
from tasks.evaluate.stage import evaluate
from tasks.maintenance.purging import purge_expired
from tasks.report.stage import preview
from tests.factories import PAYMENTS, make_component, make_measurement, make_point, make_ref, make_team
from tests.integration.history_sample import run
from tests.integration.test_report_stage import DUE, MONDAY
from tests.stage_factories import MONDAY_NINE, make_history_context, make_stage_context, record_sweep

WEEK = timedelta(days=7)
DOWN = "ScaleOps answered 500"
NAMES = ("checkout", "ledger")


def collected(store: Store, as_of: datetime, *measured: Measurement, names: tuple[str, ...] = NAMES) -> None:
    """Store a sweep of these measurements and close it as collect does; a component without one is unknown."""
    components = [make_component(name) for name in names]
    record_sweep(store, as_of, *measured, components=components, teams=[make_team()], close=False)
    now = as_of + timedelta(minutes=5)
    close(make_stage_context(store, now), as_of, now=now, missing_because=DOWN)


def both(as_of: datetime, *, checkout: int = 10, ledger: int = 5) -> list[Measurement]:
    costs = {"checkout": checkout, "ledger": ledger}
    return [make_measurement(name, make_point(name, cost_7d=Decimal(cost)), as_of=as_of) for name, cost in costs.items()]


def report_of(store: Store) -> content.Report:
    return preview(make_stage_context(store, DUE), PAYMENTS)


def test_the_last_good_sweep_before_a_failed_one_closes_the_week(store: Store) -> None:
    collected(store, MONDAY - timedelta(hours=6), *both(MONDAY - timedelta(hours=6)))
    collected(store, MONDAY)
    headline = report_of(store).headline
    assert (headline.cost.amount, headline.cost.known, headline.cost.parts) == (Decimal(15), 2, 2)
    assert headline.cost.as_of == MONDAY - timedelta(hours=6)
    assert headline.missing == ()


def test_a_component_that_failed_at_the_end_has_figures_of_its_own_time(store: Store) -> None:
    sunday = MONDAY - timedelta(hours=6)
    collected(store, sunday, *both(sunday))
    collected(store, MONDAY, *both(MONDAY, checkout=12)[:1])
    headline = report_of(store).headline
    assert (headline.cost.amount, headline.cost.as_of) == (Decimal(17), MONDAY)
    assert headline.missing == ("The figures of Ledger are of Sun 22 Nov 2026, 18:00 UTC: no later measurement succeeded.",)


def test_the_last_known_workloads_of_an_unknown_component_are_unknown_parts(store: Store) -> None:
    """Not found again in the sums, and neither zero nor removed."""
    collected(store, MONDAY - WEEK, *both(MONDAY - WEEK))
    collected(store, MONDAY, *both(MONDAY)[:1])
    report = report_of(store)
    assert (report.headline.cost.amount, report.headline.cost.known, report.headline.cost.parts) == (Decimal(10), 1, 2)
    assert report.headline.missing[0] == "1 of 2 components could not be measured."
    trend = run(make_history_context(store, DUE), "get_cost_trend", entityRef=str(PAYMENTS))
    assert [(week["workloads"], week["workloadsWithCost"]) for week in trend["weeks"][:2]] == [(2, 2), (2, 1)]
    assert "2026-W47: the cost of 1 of 2 workloads is unknown" in trend["warnings"]
    with store.reading() as transaction:
        (point,) = transaction.history.of_team(PAYMENTS, as_ofs=[MONDAY])
        assert (point.cost_7d, point.measured, point.unknown) == (Total(amount=Decimal(10), known=1, parts=2), 1, 1)


def test_a_component_without_known_workloads_is_one_unknown_part(store: Store) -> None:
    collected(store, MONDAY, *both(MONDAY)[:1])
    cost = report_of(store).headline.cost
    assert (cost.amount, cost.known, cost.parts) == (Decimal(10), 1, 2)


def test_a_cluster_of_which_only_unknown_components_are_left_is_not_lost(store: Store) -> None:
    collected(store, MONDAY - WEEK, *both(MONDAY - WEEK))
    collected(store, MONDAY)
    with store.reading() as transaction:
        assert transaction.clusters.lost() == ()
        assert transaction.clusters.in_sweep(MONDAY) == frozenset()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata"])
def test_a_rise_is_seen_for_a_team_of_any_zone_though_no_report_was_made(sqlite_store: Store, zone: str) -> None:
    """The closing snapshots of four weeks outlive their retention, and are what the rule compares with."""
    policy: dict[str, Any] = {
        "schedules": Schedules(default=MONDAY_NINE, teams={PAYMENTS: Schedule.parse(zone=zone, day="monday", at="09:00")})
    }
    start = MONDAY - 5 * WEEK
    sweeps = [start + timedelta(hours=6 * number) for number in range(5 * 28 + 2)]
    for as_of in sweeps:
        cost = 1800 if as_of == sweeps[-1] else 100
        collected(sqlite_store, as_of, *([] if as_of.hour == 12 else both(as_of, checkout=cost)))
        if as_of.hour == 0:
            purge_expired(make_stage_context(sqlite_store, as_of + timedelta(minutes=10), **policy))
    evaluate(make_stage_context(sqlite_store, sweeps[-1] + timedelta(minutes=10), **policy))
    with sqlite_store.reading() as transaction:
        observed, *_ = transaction.alerts.events_of(f"cost-increase:{make_ref('checkout')}")
    assert "1800" in str(observed.details)
