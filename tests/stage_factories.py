"""Builders of contexts, and the fakes in them: clocks, the services of a stage, ScaleOps and the catalog of the actions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from actions.catalogue import ACTIONS
from actions.context import HistoryContext, LiveContext, RequestContext, Viewer, allow_all
from actions.ports import Catalog, Listing, ScaleOps, SweepScaleOps
from alerts.policy import AlertPolicy
from clients.http.client import HttpOptions
from clients.http.errors import ErrorKind, ServiceError
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.clock import Clock
from domain.component import CatalogPage, Component, RoutingKey, Team
from domain.messages import DeliveryStatus, Json
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.snapshots import Measurement
from domain.sweeps import Sweep
from domain.weeks import Schedule, Schedules
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey
from reports import content
from simulator.credentials import SLACK_BOT_TOKEN
from simulator.serving import Simulator
from store import Store, Transaction
from tasks.context import KeySealer, Policy, StageContext
from tasks.report.stage import ReportMade
from tests.factories import NOW, ROUTING_KEY, SLOT, TEAM_CHANNEL, make_component
from tests.services.clients import backstage_of, scaleops_of

T = TypeVar("T")

PLATFORM_CHANNEL = "C0PLATFORM"
OTHER_CHANNEL = "C0OTHER"
ARCHIVED_CHANNEL = "C0OLD"
CHANNELS = {TEAM_CHANNEL: {}, OTHER_CHANNEL: {}, PLATFORM_CHANNEL: {}, ARCHIVED_CHANNEL: {"is_archived": True}}
MONDAY_NINE = Schedule.parse(zone="UTC", day="monday", at="09:00")
IN_FLIGHT = 16
WEB = make_component("web")


@dataclass
class ManualClock:
    """A clock that the test moves, together with the simulator's if it has one."""

    now: datetime = SLOT + timedelta(minutes=1)
    simulator: Simulator | None = None

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by
        if self.simulator is not None:
            self.simulator.state.clock.set(self.now)


class UnusedService:
    def __getattr__(self, name: str) -> object:
        message = f"an unused service was called: {name}"
        raise AssertionError(message)


UNUSED: Any = UnusedService()


@dataclass(kw_only=True)
class FakeServices:
    """The services of a stage, each given by the test, and the routing keys that the settings and the catalog have."""

    scaleops: SweepScaleOps = UNUSED
    catalog: Catalog = UNUSED
    slack: SlackClient = UNUSED
    pagerduty: PagerDutyClient = UNUSED
    sealer: KeySealer | None = None
    default_routing_key: RoutingKey | None = None
    known_keys: dict[str, RoutingKey] = field(default_factory=dict)
    configured_routing_keys: Sequence[RoutingKey] = ()
    catalog_error: ServiceError | None = None

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        if self.catalog_error is not None:
            raise self.catalog_error
        return self.known_keys.get(fingerprint)


def make_delivery_services(*, slack_url: str, pagerduty_url: str, timeout_s: int = 2) -> FakeServices:
    return FakeServices(
        slack=SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=slack_url, timeout_s=timeout_s),
        pagerduty=PagerDutyClient(events_url=pagerduty_url, pause_s=0.01),
        known_keys={ROUTING_KEY.fingerprint: ROUTING_KEY},
    )


def posted_texts(simulator: Simulator, channel: str = TEAM_CHANNEL) -> list[str]:
    return [message["text"] for message in simulator.state.slack.messages if message["channel"] == channel]


def make_policy(**changes: Any) -> Policy:
    settings: dict[str, Any] = {
        "instance": "test",
        "currency": "USD",
        "collect_every": timedelta(hours=6),
        "sweep_limit": timedelta(minutes=30),
        "max_in_flight": 4,
        "schedules": Schedules(default=MONDAY_NINE),
        "alerts": AlertPolicy(instance="test"),
        "routes": RoutePolicy(platform_channel=PLATFORM_CHANNEL),
    }
    return Policy(**(settings | changes))


def make_stage_context(store: Store, now: datetime | Clock, services: FakeServices | None = None, **policy: Any) -> StageContext:
    """Return a context with this clock, or one that has stopped."""
    clock = ManualClock(now) if isinstance(now, datetime) else now
    return StageContext(store=store, services=services or FakeServices(), clock=clock, policy=make_policy(**policy))


def make_history_context(store: Store, now: datetime) -> HistoryContext:
    policy = make_policy()
    return HistoryContext(store=store, clock=ManualClock(now), currency="EUR", schedules=policy.schedules, routes=policy.routes)


def make_request_context(
    *, history: HistoryContext | None = None, live: LiveContext | None = None, viewer: Viewer = allow_all
) -> RequestContext:
    return RequestContext(live=cast("LiveContext", live), history=cast("HistoryContext", history), viewer=viewer)


def weekly_report(made: ReportMade) -> content.Report:
    assert isinstance(made.report, content.Report)
    return made.report


def message_counts(transaction: Transaction) -> dict[DeliveryStatus, int]:
    """Return the number of messages of each status."""
    return {one.status: one.messages for one in transaction.outbox.backlog()}


def record_listing(
    transaction: Transaction, components: Sequence[Component], teams: Sequence[Team], *, as_of: datetime, complete: bool = True
) -> None:
    transaction.components.record_page(components, teams, as_of=as_of)
    transaction.components.finish_listing(as_of=as_of, complete=complete)


def record_sweep(
    store: Store,
    as_of: datetime,
    *measurements: Measurement,
    components: Sequence[Component] = (),
    teams: Sequence[Team] = (),
    closed_at: datetime | None = None,
    close: bool = True,
) -> None:
    """Store a sweep and its catalog listing; close it five minutes after it was opened."""
    with store.transaction() as transaction:
        transaction.sweeps.open(as_of, opened_at=as_of)
        if components:
            record_listing(transaction, components, teams, as_of=as_of)
            transaction.sweeps.record_listing(as_of, expected=len(components), complete=True)
        transaction.snapshots.put_all(measurements)
        if close:
            transaction.sweeps.close(as_of, closed_at=closed_at or as_of + timedelta(minutes=5))


@dataclass
class CollectBench:
    """A collect stage over the simulator, its clock and its services."""

    simulator: Simulator
    context: StageContext
    clock: ManualClock
    services: FakeServices

    @property
    def store(self) -> Store:
        return self.context.store

    def calls(self) -> dict[str, int]:
        return dict(self.simulator.state.calls["scaleops"])

    def measurements(self, as_of: datetime) -> dict[EntityRef, Measurement]:
        with self.store.reading() as transaction:
            return {found.snapshot.ref: found for found in transaction.snapshots.of_sweep(as_of)}

    def sweep(self, as_of: datetime) -> Sweep | None:
        with self.store.reading() as transaction:
            return transaction.sweeps.get(as_of)


@contextmanager
def open_collect_bench(
    simulator: Simulator, store: Store, *, options: HttpOptions | None = None, **policy: Any
) -> Iterator[CollectBench]:
    """Open a bench with real clients of ScaleOps and the catalog, and without a platform channel."""
    clock = ManualClock()
    quick = options or HttpOptions(initial_wait_s=0, max_in_flight=IN_FLIGHT)
    settings = {"currency": "EUR", "max_in_flight": IN_FLIGHT, "routes": RoutePolicy(), **policy}
    with scaleops_of(simulator, clock=clock, options=quick) as scaleops, backstage_of(simulator, options=quick) as catalog:
        services = FakeServices(scaleops=scaleops, catalog=catalog)
        yield CollectBench(simulator, make_stage_context(store, clock, services, **settings), clock, services)


def make_service_error(kind: ErrorKind = ErrorKind.SERVER_ERROR, status: int | None = 500) -> ServiceError:
    return ServiceError("ScaleOps returned an error", kind=kind, permanent=False, status=status)


def planned_result(planned: T | ServiceError) -> T:
    if isinstance(planned, ServiceError):
        raise planned
    return planned


@dataclass
class PlannedScaleOps:
    """Returns or raises what is planned for each call, and records the calls."""

    workloads_by_labels: Mapping[tuple[str, ...], tuple[Workload, ...] | ServiceError] = field(default_factory=dict)
    costs_by_cluster: Mapping[str, tuple[CostRow, ...] | ServiceError] = field(default_factory=dict)
    all_costs_by_cluster: Mapping[str, tuple[CostRow, ...] | ServiceError] = field(default_factory=dict)
    flags: Mapping[str, bool | None] | ServiceError = field(default_factory=dict)
    network_by_name: Mapping[str, tuple[Destination, ...] | ServiceError] = field(default_factory=dict)
    policies_by_cluster: Mapping[str, tuple[PolicyDefinition, ...] | ServiceError] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        self.calls.append(("workloads", *labels))
        return planned_result(self.workloads_by_labels.get(labels, ()))

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        self.calls.append(("costs", cluster, namespaces, types, labels, cost_range))
        return planned_result(self.costs_by_cluster.get(cluster, ()))

    def all_workloads(self) -> Iterator[Workload]:
        self.calls.append(("all workloads",))
        yield from (workload for planned in self.workloads_by_labels.values() for workload in planned_result(planned))

    def all_costs(self, cluster: str, *, cost_range: str) -> tuple[CostRow, ...]:
        self.calls.append(("all costs", cluster, cost_range))
        return planned_result(self.all_costs_by_cluster.get(cluster, ()))

    def network_flags(self) -> Mapping[str, bool | None]:
        self.calls.append(("flags",))
        return planned_result(self.flags)

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        self.calls.append(("network", str(key), end - start, end))
        return planned_result(self.network_by_name.get(key.name, ()))

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        self.calls.append(("policies", cluster))
        return planned_result(self.policies_by_cluster.get(cluster, ()))


def plan_workloads(*workloads: Workload, **plans: Any) -> PlannedScaleOps:
    return PlannedScaleOps(workloads_by_labels={("app=web",): workloads}, **plans)


@dataclass
class _CompleteListing:
    pages: Iterator[CatalogPage]
    is_complete: bool = True
    reason: str = ""
    left_aside: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[CatalogPage]:
        return self.pages


@dataclass
class OneEntity:
    entity: Component | ServiceError = WEB

    def component(self, ref: EntityRef) -> Component:
        if isinstance(self.entity, ServiceError):
            raise self.entity
        if ref != self.entity.ref:
            message = "there is none"
            raise ServiceError(message, kind=ErrorKind.NOT_FOUND, permanent=True, status=404)
        return self.entity

    def listing(self) -> Listing:
        return _CompleteListing(iter([CatalogPage(components=(planned_result(self.entity),))]))


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


def make_live_context(scaleops: ScaleOps, component: Component | ServiceError = WEB, **changes: Any) -> LiveContext:
    settings = {"catalog": OneEntity(component), "clock": ManualClock(NOW), "currency": "EUR", **changes}
    return LiveContext(scaleops=scaleops, **settings)


def run_action(name: str, context: RequestContext, **arguments: Json) -> Any:
    return ACTIONS[name].run(arguments, context).model_dump(mode="json", by_alias=True)


def run_live_action(
    name: str,
    scaleops: ScaleOps,
    component: Component | ServiceError = WEB,
    *,
    namespaces_allowed: Mapping[EntityRef, tuple[str, ...]] | None = None,
    **arguments: Json,
) -> Any:
    """Run `get_scaleops_<name>_for_entity`, for the component `web` by default."""
    live = make_live_context(scaleops, component, namespaces_allowed=namespaces_allowed or {})
    arguments = {"entityRef": str(WEB.ref), **arguments}
    return run_action(f"get_scaleops_{name}_for_entity", make_request_context(live=live), **arguments)
