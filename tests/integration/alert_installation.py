"""An installation whose sweeps are written by hand and evaluated by the real stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from alerts.folding import fold
from alerts.observations import AlertId
from alerts.policy import AlertPolicy, Rule
from alerts.states import EVENT_JSON, STATE_JSON, AlertState
from domain.component import Component, Team
from domain.messages import Message
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.snapshots import Measurement, WorkloadPoint
from reports.alert_replies import REPLY
from store import Store
from tasks.context import StageContext
from tasks.evaluate.stage import EvaluateResult, evaluate
from tests.factories import PAYMENTS, make_component, make_contact, make_measurement, make_point, make_ref, make_team
from tests.stage_factories import PLATFORM_CHANNEL, make_stage_context, record_sweep

Shown: TypeAlias = Mapping[str, Sequence[WorkloadPoint] | str]
"""What a sweep shows of each component: its points, or why it could not be measured."""
START = datetime(2026, 9, 7, 0, 0, tzinfo=timezone.utc)
SLOT_LENGTH = timedelta(hours=6)
TEAM_CHANNEL = "C0PAYMENTS"
KEY = "a" * 16
OTHER_KEY = "b" * 16


def alert(name: str, rule: Rule = Rule.UNDER_PROVISIONED) -> AlertId:
    return AlertId(rule=rule, about=make_ref(name))


def group(of: EntityRef = PAYMENTS, *, channel: str | None = TEAM_CHANNEL, key: str | None = KEY) -> Team:
    return make_team(of, contact=make_contact(channel, pagerduty=key))


def starved(name: str = "api", *, kills: int = 2, cluster: str = "east") -> WorkloadPoint:
    return make_point(name, cluster=cluster, under_provisioned=True, oom_kills_24h=kills, cpu_recommended_millicores=2000.0)


def fine(name: str = "api", *, cluster: str = "east", **changes: object) -> WorkloadPoint:
    return make_point(name, cluster=cluster, automated=True, **changes)


@dataclass(kw_only=True)
class Installation:
    store: Store
    components: list[Component] = field(default_factory=lambda: [make_component()])
    teams: list[Team] = field(default_factory=lambda: [group()])
    alerts: AlertPolicy = field(default_factory=lambda: AlertPolicy(instance="test"))
    routes: RoutePolicy = field(default_factory=lambda: RoutePolicy(platform_channel=PLATFORM_CHANNEL))
    now: datetime = START
    number: int = 0
    seen: set[str] = field(default_factory=set)

    @property
    def context(self) -> StageContext:
        return make_stage_context(self.store, lambda: self.now, alerts=self.alerts, routes=self.routes)

    def sweep(self, points: Shown, *, listed: Sequence[str] | None = None) -> datetime:
        as_of = START + self.number * SLOT_LENGTH
        self.number += 1
        self.now = as_of + timedelta(minutes=10)
        listed_now = [one for one in self.components if listed is None or one.ref.name in listed]
        measured = [self._measurement(one, points[one.ref.name], as_of) for one in listed_now if one.ref.name in points]
        record_sweep(self.store, as_of, *measured, components=listed_now, teams=self.teams, closed_at=self.now)
        return as_of

    def evaluate(self) -> EvaluateResult:
        return evaluate(self.context)

    def run(self, *points: Shown) -> list[Message]:
        for one in points:
            self.sweep(one)
            self.evaluate()
        return self.new_messages()

    def new_messages(self) -> list[Message]:
        """Return the new messages without the replies that go with an update."""
        with self.store.reading() as transaction:
            entries = transaction.outbox.listing(limit=10_000)
        fresh = [entry.message for entry in reversed(entries) if entry.message.key not in self.seen]
        self.seen |= {message.key for message in fresh}
        return [message for message in fresh if not message.key.endswith(REPLY)]

    def state(self, of: AlertId) -> AlertState:
        """Return the stored state, which must be the fold of the stored events."""
        with self.store.reading() as transaction:
            row = transaction.alerts.state(str(of))
            events = [EVENT_JSON.validate_python(event.details) for event in transaction.alerts.events_of(str(of))]
        state = AlertState(alert=of) if row is None else STATE_JSON.validate_python(row.state)
        assert fold(of, events) == state
        return state

    def _measurement(self, of: Component, points: Sequence[WorkloadPoint] | str, as_of: datetime) -> Measurement:
        reason = points if isinstance(points, str) else ""
        shown = () if isinstance(points, str) else points
        return make_measurement(of.ref.name, *shown, as_of=as_of, team=of.team, reason=reason)
