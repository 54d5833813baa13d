"""Reports of consecutive weeks over real sweeps: deployments, components that change hands, and when a report follows up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.weeks import IsoWeek
from reports import content
from store import Store
from tasks.evaluate.stage import evaluate
from tasks.report.stage import preview, report_due
from tests.factories import PAYMENTS, SEARCH, make_component, make_contact, make_measurement, make_point, make_team
from tests.stage_factories import make_stage_context, record_sweep

MONDAY = datetime(2026, 11, 9, tzinfo=timezone.utc)
WEEK = timedelta(days=7)
DUE = timedelta(hours=9)
OWNERS = {"checkout": PAYMENTS, "finder": SEARCH}


def sweep(
    store: Store, as_of: datetime, points: Mapping[str, list[WorkloadPoint] | str], owners: Mapping[str, EntityRef] = OWNERS
) -> None:
    """Record and evaluate a sweep; a text is why a component could not be measured."""
    record_sweep(
        store,
        as_of,
        *(
            make_measurement(
                name,
                *([] if isinstance(one, str) else one),
                as_of=as_of,
                team=owners[name],
                reason=one if isinstance(one, str) else "",
            )
            for name, one in points.items()
        ),
        components=[make_component(name, team=owners[name]) for name in points],
        teams=[make_team(PAYMENTS, contact=make_contact("CPAY")), make_team(SEARCH, contact=make_contact("CSEARCH"))],
    )
    evaluate(make_stage_context(store, as_of + timedelta(hours=1)))


def report(store: Store, team: EntityRef | None, weeks: int) -> content.Report:
    """Return the report of the week that ends that many weeks after the first Monday."""
    at = MONDAY + weeks * WEEK
    week = IsoWeek.parse("2026-W45") if not weeks else IsoWeek.parse("2026-W45").shift(weeks)
    return preview(make_stage_context(store, at + DUE), team, week)


def change_of(made: content.Report) -> content.HeadlineChange:
    assert made.headline.change is not None
    return made.headline.change


def amounts(*parts: content.ChangePart) -> list[tuple[int, int]]:
    return [(part.workloads, int(part.amount)) for part in parts]


def old(cost: int = 100) -> WorkloadPoint:
    return make_point("old", cost_7d=Decimal(cost))


def follow_up(made: content.Report) -> content.FollowUp:
    return next(section.body for section in made.sections if isinstance(section.body, content.FollowUp))


def test_a_deployment_is_added_then_ramping_in_and_then_like_for_like(store: Store) -> None:
    sweep(store, MONDAY, {"checkout": [old()]})
    sweep(store, MONDAY + timedelta(days=4), {"checkout": [old(), make_point("new", cost_7d=Decimal(0), pod_hours_7d=0.0)]})
    for weeks, (cost, hours) in enumerate([(325, 156.0), (700, 336.0), (700, 336.0)], start=1):
        new = make_point("new", cost_7d=Decimal(cost), pod_hours_7d=hours)
        sweep(store, MONDAY + weeks * WEEK, {"checkout": [old(), new]})
    first, second, third = (change_of(report(store, PAYMENTS, weeks)) for weeks in (1, 2, 3))
    assert amounts(first.added, first.like_for_like) == [(1, 325), (1, 0)]
    assert amounts(second.ramping_in, second.like_for_like) == [(1, 375), (1, 0)]
    assert amounts(third.ramping_in, third.like_for_like) == [(0, 0), (2, 0)]
    assert report(store, PAYMENTS, 2).headline.changed == (
        "$800.00 in the week to Mon 23 Nov, 00:00 UTC, up $375.00 (+88%): ramping in +$375.00, like for like $0.00."
    )


def test_a_gap_in_measuring_is_no_deployment(store: Store) -> None:
    for day in range(22):
        sweep(store, MONDAY + timedelta(days=day), {"checkout": "ScaleOps is down" if day in (9, 10) else [old(100 + day)]})
    change = change_of(report(store, PAYMENTS, 3))
    assert amounts(change.like_for_like) == [(1, 7)]


def test_a_component_that_changes_hands_takes_its_cost_and_its_recommendations_along(store: Store) -> None:
    points = {"checkout": [old()], "finder": [make_point("finder")]}
    sweep(store, MONDAY + WEEK, points)
    sweep(store, MONDAY + 2 * WEEK, points, {"checkout": SEARCH, "finder": SEARCH})
    got = report(store, SEARCH, 2)
    assert amounts(change_of(got).changed_owner, change_of(got).added) == [(1, 100), (0, 0)]
    assert follow_up(got).still_open == 2
    platform = report(store, None, 2)
    assert (change_of(platform).like_for_like.workloads, change_of(platform).changed_owner.workloads) == (2, 0)


def test_a_recommendation_stays_with_the_owner_at_the_closing_snapshot(store: Store) -> None:
    points = {"checkout": [old()], "finder": [make_point("finder")]}
    sweep(store, MONDAY, points)
    sweep(store, MONDAY + WEEK, points)
    sweep(store, MONDAY + WEEK + timedelta(hours=24), points, {"checkout": SEARCH, "finder": SEARCH})
    assert [follow_up(report(store, team, 1)).still_open for team in (PAYMENTS, SEARCH)] == [1, 1]


def test_a_team_that_gave_a_component_away_sees_where_it_went(store: Store) -> None:
    before = {"checkout": [old()], "cart": [make_point("cart")]}
    owners = {"checkout": PAYMENTS, "cart": PAYMENTS}
    sweep(store, MONDAY, before, owners)
    sweep(store, MONDAY + WEEK, before, owners | {"checkout": SEARCH})
    gave = report(store, PAYMENTS, 1)
    assert amounts(change_of(gave).changed_owner, change_of(gave).removed) == [(1, -100), (0, 0)]
    why = next(section.body for section in gave.sections if isinstance(section.body, content.WhyChanged))
    assert [(one.name, one.other_owner, one.sentence) for one in why.movers] == [("old", str(SEARCH), f"moved to {SEARCH}")]
    assert follow_up(gave).still_open == 1


@pytest.mark.parametrize(("skipped", "ignored"), [(None, 1), (2, 0)])
def test_ignored_counts_the_reports_that_were_made(store: Store, skipped: int | None, ignored: int) -> None:
    for weeks in range(5):
        sweep(store, MONDAY + weeks * WEEK, {"checkout": [old()]})
        if weeks and weeks != skipped:
            report_due(make_stage_context(store, MONDAY + weeks * WEEK + DUE))
    assert len(follow_up(report(store, PAYMENTS, 4)).ignored) == ignored


def test_automation_is_done_with_its_effect_pending_and_then_saves(store: Store) -> None:
    idle = make_point("old", savings_available_per_month=Decimal(90))
    sweep(store, MONDAY, {"checkout": [idle]})
    for days, savings in ((6, 90), (7, 90), (8, 5), (14, 5)):
        automated = make_point("old", automated=True, savings_available_per_month=Decimal(savings))
        sweep(store, MONDAY + timedelta(days=days), {"checkout": [automated]})
    first, second = (follow_up(report(store, PAYMENTS, weeks)) for weeks in (1, 2))
    assert (first.done, first.effect_pending, first.realised) == (1, 1, Decimal(0))
    assert "effect pending" in first.ended[0].sentence
    assert (second.done, second.effect_pending, second.realised) == (1, 0, Decimal(85))


def test_a_row_that_could_not_be_read_is_no_deployment(store: Store) -> None:
    """Its workload is behind that row, in two sweeps one after the other."""
    unreadable = make_point("(unreadable) row 3 of checkout", cost_7d=Unknown("its row could not be read"))
    for day in range(22):
        sweep(store, MONDAY + timedelta(days=day), {"checkout": [unreadable] if day in (9, 10) else [old(100 + day)]})
    change = change_of(report(store, PAYMENTS, 3))
    assert amounts(change.like_for_like, change.ramping_in, change.added) == [(1, 7), (0, 0), (0, 0)]
