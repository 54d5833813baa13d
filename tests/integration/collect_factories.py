"""A collect stage against the simulator, with a manual clock and real clients of ScaleOps and the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from actions.ports import Catalog, ScaleOps
from alerts.policy import AlertPolicy
from clients.http.client import HttpOptions
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.component import RoutingKey
from domain.refs import EntityRef
from domain.snapshots import Measurement
from domain.sweeps import Sweep
from domain.weeks import Schedule, Schedules
from simulator.faults import Fault
from simulator.serving import Simulator
from store import Store
from tasks.context import KeySealer, Policy, StageContext
from tests.services.clients import backstage_of, scaleops_of

SLOT = datetime(2026, 11, 16, 6, tzinfo=timezone.utc)
NEXT_SLOT = SLOT + timedelta(hours=6)
IN_FLIGHT = 16


@dataclass
class ManualClock:
    """A clock that the test moves."""

    now: datetime = SLOT + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, now: datetime) -> None:
        self.now = now


@dataclass
class CollectServices:
    """ScaleOps and the catalog, without Slack and PagerDuty."""

    scaleops: ScaleOps
    catalog: Catalog
    sealer: KeySealer | None = None
    default_routing_key: RoutingKey | None = None

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        raise AssertionError(fingerprint)

    @property
    def slack(self) -> SlackClient:
        raise AssertionError

    @property
    def pagerduty(self) -> PagerDutyClient:
        raise AssertionError


def policy(**changed: object) -> Policy:
    settings: dict[str, object] = {
        "instance": "test",
        "currency": "EUR",
        "collect_every": timedelta(hours=6),
        "sweep_limit": timedelta(minutes=30),
        "max_in_flight": IN_FLIGHT,
        "schedules": Schedules(default=Schedule.parse(zone="UTC", day="monday", at="09:00")),
        "alerts": AlertPolicy(instance="test"),
    }
    return Policy(**(settings | changed))  # type: ignore[arg-type]  # the fields of a policy, by name


@dataclass
class Bench:
    """A collect stage, its clock and its services."""

    simulator: Simulator
    context: StageContext
    clock: ManualClock
    services: CollectServices
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.context.store

    def misbehave(self, **fault: object) -> None:
        self.simulator.state.faults.append(Fault.model_validate(fault))

    def heal(self) -> None:
        self.simulator.state.faults.clear()

    def calls(self) -> dict[str, int]:
        """Return the number of ScaleOps calls so far by route."""
        return dict(self.simulator.state.calls["scaleops"])

    def advance(self, by: timedelta) -> None:
        self.clock.move_to(self.clock.now + by)

    def reset_calls(self) -> None:
        self.simulator.state.calls.clear()

    def measurements(self, as_of: datetime = SLOT) -> dict[EntityRef, Measurement]:
        with self.store.reading() as transaction:
            return {found.snapshot.ref: found for found in transaction.snapshots.of_sweep(as_of)}

    def sweep(self, as_of: datetime = SLOT) -> Sweep | None:
        with self.store.reading() as transaction:
            return transaction.sweeps.get(as_of)


@contextmanager
def bench_of(simulator: Simulator, store: Store, *, rules: HttpOptions | None = None, **changed: object) -> Iterator[Bench]:
    clock = ManualClock()
    quick = rules or HttpOptions(initial_wait_s=0, max_in_flight=IN_FLIGHT)
    with scaleops_of(simulator, clock=clock, options=quick) as scaleops, backstage_of(simulator, options=quick) as catalog:
        services = CollectServices(scaleops, catalog)
        context = StageContext(store=store, services=services, clock=clock, policy=policy(**changed))
        yield Bench(simulator, context, clock, services)
