"""A store with two weeks of three components of two teams, evaluated and reported by the real stages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, cast

from actions.catalogue import ACTIONS
from actions.context import HistoryContext, LiveContext, RequestContext, Viewer, allow_all
from domain.component import Component, Team
from domain.measures import Total, Unknown
from domain.messages import Json
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.snapshots import Measurement, WorkloadPoint
from domain.weeks import Schedule, Schedules
from store import Store
from tasks.evaluate.stage import evaluate
from tasks.report.stage import report_due
from tests.integration.measured import PAYMENTS, SEARCH, component, key, measurement, point, record_listing, team, unmeasured
from tests.integration.test_report_stage import parts_at

MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
DUE = MONDAY + timedelta(hours=9)
NOW = MONDAY + timedelta(days=1, hours=10)
CHECKOUT = EntityRef.parse("component:default/checkout")
LEDGER = EntityRef.parse("component:default/ledger")
FINDER = EntityRef.parse("component:default/finder")
OPS = EntityRef.parse("group:default/ops")
ROUTES = RoutePolicy(platform_channel="CPLAT")


def fill_history(store: Store) -> None:
    """Write two closing sweeps and one between; in the newest checkout is under-provisioned, so an alert opens and notifies.

    | workload           | of                | then | now |
    |--------------------|-------------------|------|-----|
    | api                | checkout          | 100  | 130 |
    | shared             | checkout, ledger  | 10   | 10  |
    | old-job            | ledger            | 7    | -   |
    | new-job            | ledger            | -    | 5   |
    | finder             | finder            | 40   | ?   |

    The team ops owns dns and mail, which have no workloads.
    """
    week_before = MONDAY - timedelta(days=7)
    _sweep(
        store,
        week_before,
        {"checkout": [_point("api", "100"), _point("shared", "10")], "ledger": [_point("shared", "10"), _point("old-job", "7")]},
        finder=[_point("finder", "40")],
    )
    for as_of in (MONDAY - timedelta(hours=6), MONDAY):
        _sweep(
            store,
            as_of,
            {
                "checkout": [_under_provisioned("api", "130"), _point("shared", "10")],
                "ledger": [_point("shared", "10"), _point("new-job", "5")],
            },
            finder=None,
        )
    evaluate(parts_at(store, MONDAY + timedelta(minutes=10)))
    report_due(parts_at(store, DUE))


def history_of(store: Store, *, now: datetime = NOW) -> HistoryContext:
    schedule = Schedule.parse(zone="UTC", day="monday", at="09:00")
    return HistoryContext(store=store, clock=lambda: now, currency="EUR", schedules=Schedules(default=schedule), routes=ROUTES)


def request_context_of(history: HistoryContext, viewer: Viewer = allow_all) -> RequestContext:
    """The context of a caller of the actions over history; there is no ScaleOps."""
    return RequestContext(live=cast(LiveContext, None), history=history, viewer=viewer)


def run_action(history: HistoryContext, name: str, viewer: Viewer = allow_all, **arguments: Json) -> Any:  # noqa: ANN401 - a document
    """Run an action, and return its output as JSON."""
    return ACTIONS[name].run(arguments, request_context_of(history, viewer)).model_dump(mode="json", by_alias=True)


class PartialViewer:
    """A viewer who sees these entities; `queried` lists all that it was called with."""

    def __init__(self, *refs: EntityRef) -> None:
        self._refs = frozenset(refs)
        self.queried: list[EntityRef] = []

    def __call__(self, ref: EntityRef) -> bool:
        return bool(self.filter_visible([ref]))

    def filter_visible(self, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        self.queried += refs
        return self._refs & frozenset(refs)


def _point(name: str, cost: str) -> WorkloadPoint:
    return replace(point(name, cost=cost), over_provisioned=False, automated=True)


def _under_provisioned(name: str, cost: str) -> WorkloadPoint:
    return replace(point(name, cost=cost), over_provisioned=False, automated=False, under_provisioned=True, oom_kills_24h=2)


def _unknown(blank: Measurement) -> Measurement:
    nothing = Total(amount=Unknown(blank.snapshot.reason), known=0, parts=0)
    snapshot = replace(blank.snapshot, cost_7d=nothing, savings_available_per_month=nothing, active_savings_per_month=nothing)
    return replace(blank, snapshot=snapshot)


def _sweep(store: Store, as_of: datetime, points: dict[str, list[WorkloadPoint]], *, finder: list[WorkloadPoint] | None) -> None:
    others = [component(name, team=OPS) for name in ("dns", "mail")]  # enough that one unknown is not an outage
    listed: list[Component] = [component("checkout"), component("ledger"), component("finder", team=SEARCH), *others]
    teams: list[Team] = [team(PAYMENTS), team(SEARCH), team(OPS)]
    measured = [
        measurement(name, *(replace(one, as_of=as_of, key=key(one.key.name)) for one in found), as_of=as_of)
        for name, found in points.items()
    ]
    dated = None if finder is None else [replace(one, as_of=as_of) for one in finder]
    measured.append(
        _unknown(unmeasured("finder", team=SEARCH, as_of=as_of))
        if dated is None
        else measurement("finder", *dated, team=SEARCH, as_of=as_of)
    )
    measured += [measurement(one.ref.name, team=OPS, as_of=as_of) for one in others]
    with store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=as_of)
        record_listing(transaction, listed, teams, as_of=as_of, complete=True)
        transaction.sweeps.record_listing(as_of, expected=len(listed), complete=True)
        transaction.snapshots.put_all(measured)
        transaction.sweeps.close(as_of, closed_at=as_of + timedelta(minutes=5))
