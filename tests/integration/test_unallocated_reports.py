"""Unallocated cost in the roll-up and in the status: the numbers of get_unallocated_cost, for callers who see everything."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from actions.context import allow_all
from domain.bulk_trust import BulkCheck, BulkSubject
from domain.inventory import InventoryWorkload, allocate_costs
from domain.measures import Measured, Unknown
from reports import content
from store import Store
from tasks.maintenance.purging import purge_expired
from tasks.maintenance.status import read_status
from tasks.report.stage import preview, report_due
from tests.factories import CHECKOUT, PAYMENTS, make_component, make_key, make_measurement, make_point
from tests.stage_factories import (
    PartialViewer,
    make_history_context,
    make_request_context,
    make_stage_context,
    record_sweep,
    run_action,
    weekly_report,
)

MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DUE = MONDAY + timedelta(hours=9)
SHARED = frozenset({"kube-system"})
UNKNOWN = Unknown("the costs of the whole cluster are not trusted: it is empty")


def sweep(store: Store, as_of: datetime, unclaimed: dict[str, Measured[Decimal]] | None) -> None:
    """Store a sweep of one component and of workloads that none claims, `namespace/name`; None: the inventory is not trusted."""
    point = make_point("api", as_of=as_of, cost_7d=Decimal("80.10"))
    component = make_component("checkout", team=PAYMENTS)
    record_sweep(store, as_of, make_measurement("checkout", point, as_of=as_of), components=[component], close=False)
    found = [
        InventoryWorkload(key=make_key(name.split("/")[1], namespace=name.split("/")[0]), cost_7d=cost)
        for name, cost in (unclaimed or {}).items()
    ]
    reason = "" if unclaimed is not None else "3 workloads of east are missing in it"
    check = BulkCheck(as_of=as_of, subject=BulkSubject.INVENTORY, cluster="east", trusted=not reason, reason=reason)
    with store.transaction() as transaction:
        transaction.bulk_checks.record([check])
        if unclaimed is not None:
            claimed = [InventoryWorkload(key=point.key, cost_7d=point.cost_7d)]
            transaction.unallocated.put(as_of, allocate_costs([*found, *claimed], claimed, shared=SHARED))
        transaction.sweeps.close(as_of, closed_at=as_of + timedelta(minutes=5))


def action_at(store: Store, now: datetime) -> Any:
    history = replace(make_history_context(store, now), shared_namespaces=SHARED)
    return run_action("get_unallocated_cost", make_request_context(history=history), limit=200)


def section_of(report: content.Report) -> content.UnallocatedSpend:
    return next(one.body for one in report.sections if isinstance(one.body, content.UnallocatedSpend))


def platform_section(store: Store, now: datetime = DUE) -> content.UnallocatedSpend:
    return section_of(preview(make_stage_context(store, now, shared_namespaces=SHARED), None))


def costs(seed: int) -> dict[str, Measured[Decimal]]:
    names = [f"team-{number % 17}/w{number}" for number in range(60)] + ["kube-system/dns", "kube-system/proxy"]
    return {name: UNKNOWN if number % 13 == seed else Decimal(number * seed) / 100 for number, name in enumerate(names, start=1)}


def test_the_roll_up_agrees_with_the_action_to_the_cent(store: Store) -> None:
    for back in (4, 3, 1):
        sweep(store, MONDAY - timedelta(weeks=back), costs(back))
    sweep(store, MONDAY - timedelta(weeks=2), None)
    sweep(store, MONDAY, costs(7))
    found, section = action_at(store, DUE), platform_section(store)
    assert (section.cost.amount, section.shared.amount, section.allocated.amount) == tuple(
        Decimal(repr(found[name])) for name in ("cost", "sharedCost", "allocatedCost")
    )
    assert section.cost.known < section.cost.parts == found["workloads"]
    assert (section.cost.known, round(float(section.share or 0) * 100, 1)) == (found["workloadsWithCost"], found["sharePercent"])
    rows = [(row["cluster"], row["namespace"], row["cost"]) for row in found["namespaces"]]
    shown = [(one.cluster, one.namespace, float(one.cost.amount or 0)) for one in section.namespaces.top]
    assert shown == rows[: len(shown)]
    assert section.namespaces.more == len(rows) - len(shown)
    rest = sum((Decimal(repr(row[2])) for row in rows[len(shown) :] if row[2] is not None), Decimal(0))
    assert section.namespaces.more_cost.amount == rest
    largest = [(row["workloadName"], row["cost"]) for row in found["largest"]]
    assert [(one.workload.name, float(one.cost.amount or 0)) for one in section.workloads] == largest[: len(section.workloads)]
    trend = [(row["week"], row["cost"], row["sharePercent"]) for row in found["weeks"]][-len(section.weeks) :]
    assert trend == [
        (one.week, None if one.cost.amount is None else float(one.cost.amount), one.share and round(float(one.share) * 100, 1))
        for one in section.weeks
    ]
    assert [one.cost.amount is None for one in section.weeks] == [False, False, True, False, False]


def test_a_later_sweep_and_a_purge_do_not_change_a_repeated_roll_up(store: Store) -> None:
    sweep(store, MONDAY - timedelta(hours=6), {"data/etl": Decimal(12)})
    sweep(store, MONDAY, None)
    first = section_of(weekly_report(report_due(make_stage_context(store, DUE, shared_namespaces=SHARED)).made[-1]))
    later = DUE + timedelta(days=120)
    sweep(store, MONDAY + timedelta(days=119), {"data/etl": Decimal(999)})
    context = make_stage_context(store, later, shared_namespaces=SHARED)
    purge_expired(context)
    with store.reading() as transaction:
        kept = transaction.unallocated.closing([MONDAY - timedelta(hours=6), MONDAY], shared=SHARED)
    assert (first.cost.amount, first.cost.as_of) == (Decimal(12), MONDAY - timedelta(hours=6))
    assert kept.as_of == first.cost.as_of
    assert not isinstance(kept.cost, Unknown)
    assert kept.cost.unallocated.amount == first.cost.amount


def test_an_untrusted_inventory_gives_the_reason_and_no_number(store: Store) -> None:
    sweep(store, MONDAY, None)
    section = platform_section(store)
    assert (section.cost.amount, section.share, section.namespaces.top) == (None, None, ())
    assert section.cost.unknown_reason == "the inventory is not trusted: 3 workloads of east are missing in it"
    assert section.advice == ""


def test_without_a_sweep_at_the_end_of_the_week_it_is_unknown(store: Store) -> None:
    sweep(store, MONDAY - timedelta(days=3), {"data/etl": Decimal(12)})
    section = platform_section(store)
    assert (section.cost.amount, section.cost.unknown_reason) == (None, "no sweep was closed at that time")


@pytest.mark.parametrize("sees_everything", [True, False])
def test_the_stored_roll_up_shows_it_only_to_callers_who_see_everything(store: Store, *, sees_everything: bool) -> None:
    sweep(store, MONDAY - timedelta(hours=6), None)
    sweep(store, MONDAY, {"secret-project/etl": Decimal(12)})
    report_due(make_stage_context(store, DUE))
    history = make_history_context(store, DUE)
    viewer = allow_all if sees_everything else PartialViewer(CHECKOUT)
    found = run_action("get_team_report", make_request_context(history=history, viewer=viewer), team="all")
    assert ("secret-project" in str(found)) is sees_everything
    assert ("Shown only to callers who may see every component." in str(found)) is not sees_everything


def test_the_status_has_the_share_of_the_newest_trusted_sweep(store: Store) -> None:
    assert read_status(make_stage_context(store, DUE)).unallocated is None
    sweep(store, MONDAY - timedelta(hours=12), {"data/etl": Decimal("26.70"), "kube-system/dns": Decimal("26.70")})
    sweep(store, MONDAY - timedelta(hours=6), {"data/etl": UNKNOWN})
    sweep(store, MONDAY, None)
    found = read_status(make_stage_context(store, DUE, shared_namespaces=SHARED)).unallocated
    assert found is not None
    assert found.as_of == MONDAY - timedelta(hours=12)
    assert not isinstance(found.cost, Unknown)
    assert found.cost.share == Decimal("0.2")
