"""An installation whose sweeps are written by hand and evaluated by the real stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TypeAlias, cast

from alerts.folding import fold
from alerts.observations import AlertId
from alerts.policy import AlertPolicy, Rule
from alerts.states import EVENT_JSON, STATE_JSON, AlertState
from domain.component import Component, NotificationTargets, Team
from domain.messages import Message
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.snapshots import Measurement, WorkloadPoint
from domain.weeks import Schedule, Schedules
from domain.workload import WorkloadKey
from store import Store
from tasks.context import Policy, Services, StageContext
from tasks.evaluate.stage import EvaluateResult, evaluate
from tests.factories import PAYMENTS, make_component, make_measurement, make_team
from tests.integration.measured import record_listing
from tests.unit.alert_factories import point

Shown: TypeAlias = Mapping[str, Sequence[WorkloadPoint] | str]
"""What a sweep shows of each component: its points, or why it could not be measured."""
START = datetime(2026, 9, 7, 0, 0, tzinfo=timezone.utc)
SLOT = timedelta(hours=6)
PLATFORM_CHANNEL = "C0PLATFORM"
TEAM_CHANNEL = "C0PAYMENTS"
KEY = "a" * 16
OTHER_KEY = "b" * 16


def ref(name: str) -> EntityRef:
    return EntityRef("component", "default", name)


def alert(name: str, rule: Rule = Rule.UNDER_PROVISIONED) -> AlertId:
    return AlertId(rule=rule, about=ref(name))


def component(name: str, *, team: EntityRef = PAYMENTS, key: str | None = None) -> Component:
    return make_component(name, team=team, contact=NotificationTargets(pagerduty_fingerprint=key))


def group(of: EntityRef = PAYMENTS, *, channel: str | None = TEAM_CHANNEL, key: str | None = KEY) -> Team:
    channels = (("slack.com/bot-notify", channel),) if channel else ()
    return make_team(of, contact=NotificationTargets(slack_channels=channels, pagerduty_fingerprint=key))


def starved(name: str = "api", *, kills: int = 2, cluster: str = "east") -> WorkloadPoint:
    return point(name, cluster, under_provisioned=True, oom_kills_24h=kills, cpu_recommended_millicores=2000.0)


def fine(name: str = "api", *, cluster: str = "east", **changes: object) -> WorkloadPoint:
    return point(name, cluster, automated=True, **changes)


def lost(name: str = "api", *, cluster: str = "east") -> WorkloadPoint:
    key = WorkloadKey(cluster=cluster, namespace="shop", type="Deployment", name=name)
    return WorkloadPoint.unmeasured(as_of=START, key=key, reason=f"the cluster {cluster} is lost")


@dataclass(kw_only=True)
class Installation:
    """Its components, teams and policies, and the messages that were read so far."""

    store: Store
    components: list[Component] = field(default_factory=lambda: [component("checkout")])
    teams: list[Team] = field(default_factory=lambda: [group()])
    alerts: AlertPolicy = field(default_factory=lambda: AlertPolicy(instance="test"))
    routes: RoutePolicy = field(default_factory=lambda: RoutePolicy(platform_channel=PLATFORM_CHANNEL))
    now: datetime = START
    number: int = 0
    seen: set[str] = field(default_factory=set)

    @property
    def context(self) -> StageContext:
        policy = Policy(
            instance="test",
            currency="USD",
            collect_every=SLOT,
            sweep_limit=timedelta(minutes=30),
            max_in_flight=1,
            schedules=Schedules(default=Schedule.parse(zone="UTC", day="monday", at="09:00")),
            alerts=self.alerts,
            routes=self.routes,
        )
        return StageContext(store=self.store, services=NO_SERVICES, clock=lambda: self.now, policy=policy)

    def sweep(self, points: Shown, *, listed: Sequence[str] | None = None) -> datetime:
        """Store the closed sweep of the next slot."""
        as_of = START + self.number * SLOT
        self.number += 1
        self.now = as_of + timedelta(minutes=10)
        listed_now = [one for one in self.components if listed is None or one.ref.name in listed]
        measured = [self._measurement(one, points[one.ref.name], as_of) for one in listed_now if one.ref.name in points]
        with self.store.transaction() as transaction:
            transaction.sweeps.open(as_of, opened_at=as_of)
            record_listing(transaction, listed_now, self.teams, as_of=as_of, complete=True)
            transaction.sweeps.record_listing(as_of, expected=len(listed_now), complete=True)
            transaction.snapshots.put_all(measured)
            transaction.sweeps.close(as_of, closed_at=self.now)
        return as_of

    def evaluate(self) -> EvaluateResult:
        return evaluate(self.context)

    def run(self, *points: Shown) -> list[Message]:
        """Store and evaluate sweeps, and return the new messages."""
        for one in points:
            self.sweep(one)
            self.evaluate()
        return self.new_messages()

    def new_messages(self) -> list[Message]:
        """Return the messages since the last call, oldest first."""
        with self.store.reading() as transaction:
            entries = transaction.outbox.listing(limit=10_000)
        fresh = [entry.message for entry in reversed(entries) if entry.message.key not in self.seen]
        self.seen |= {message.key for message in fresh}
        return fresh

    def state(self, of: AlertId) -> AlertState:
        """Return the stored state, which must be the fold of the stored events."""
        with self.store.reading() as transaction:
            row = transaction.alerts.state(str(of))
            events = [EVENT_JSON.validate_python(event.details) for event in transaction.alerts.events_of(str(of))]
        state = AlertState(alert=of) if row is None else STATE_JSON.validate_python(row.state)
        assert fold(of, events) == state
        return state

    def _measurement(self, of: Component, points: Sequence[WorkloadPoint] | str, as_of: datetime) -> Measurement:
        if isinstance(points, str):
            return make_measurement(of.ref, (), as_of=as_of, team=of.team, reason=points)
        return make_measurement(of.ref, [replace(one, as_of=as_of) for one in points], as_of=as_of, team=of.team)


class _NoServices:
    """Services that must not be called: evaluate reads the store only."""

    def __getattr__(self, name: str) -> object:
        message = f"evaluate called {name}"
        raise AssertionError(message)


NO_SERVICES = cast("Services", _NoServices())
