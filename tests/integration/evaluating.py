"""A small installation whose sweeps are written by hand and judged for real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TypeAlias, cast

from alerts.folding import fold
from alerts.observations import AlertId
from alerts.policy import AlertPolicy, Rule
from alerts.states import AlertState, event_from_json, state_from_json
from domain.component import Component, NotificationTargets, Team
from domain.measures import total_of
from domain.messages import Channel, Message
from domain.refs import EntityRef
from domain.routes import RoutePolicy
from domain.snapshots import Measurement, Outcome, Snapshot, WorkloadPoint
from domain.weeks import Schedule, Schedules
from domain.workload import WorkloadKey
from store import Store
from tasks.context import Policy, Services, StageContext
from tasks.evaluate.stage import EvaluateResult, evaluate
from tests.unit.alerting import point

Shown: TypeAlias = Mapping[str, Sequence[WorkloadPoint] | str]
"""What a sweep shows of each component: its points, or why there are none."""
START = datetime(2026, 9, 7, 0, 0, tzinfo=timezone.utc)
SLOT = timedelta(hours=6)
PAYMENTS = EntityRef("group", "default", "payments")
PLATFORM_CHANNEL = "C0PLATFORM"
TEAM_CHANNEL = "C0PAYMENTS"
KEY = "a" * 16
OTHER_KEY = "b" * 16


def ref(name: str) -> EntityRef:
    return EntityRef("component", "default", name)


def alert(name: str, rule: Rule = Rule.UNDER_PROVISIONED) -> AlertId:
    return AlertId(rule=rule, about=ref(name))


def component(name: str, *, team: EntityRef = PAYMENTS, key: str | None = None, lifecycle: str = "production") -> Component:
    return Component(
        ref=ref(name),
        spelled_kind="Component",
        spelled_namespace="default",
        spelled_name=name,
        title=name.title(),
        team=team,
        lifecycle=lifecycle,
        system="",
        label_selector=f"app={name}",
        kubernetes_id=None,
        namespace_limit=None,
        cluster_limit=None,
        contact=NotificationTargets(pagerduty_fingerprint=key),
    )


def group(of: EntityRef = PAYMENTS, *, channel: str | None = TEAM_CHANNEL, key: str | None = KEY) -> Team:
    channels = (("slack.com/bot-notify", channel),) if channel else ()
    contact = NotificationTargets(slack_channels=channels, pagerduty_fingerprint=key)
    return Team(ref=of, title=of.name.title(), parent=None, in_catalog=True, contact=contact)


def starved(name: str = "api", *, kills: int = 2, cluster: str = "east") -> WorkloadPoint:
    return point(name, cluster, under_provisioned=True, oom_kills_24h=kills, cpu_recommended_millicores=2000.0)


def fine(name: str = "api", *, cluster: str = "east", **changes: object) -> WorkloadPoint:
    return point(name, cluster, automated=True, **changes)


def lost(name: str = "api", *, cluster: str = "east") -> WorkloadPoint:
    key = WorkloadKey(cluster=cluster, namespace="shop", type="Deployment", name=name)
    return WorkloadPoint.unmeasured(as_of=START, key=key, reason=f"the cluster {cluster} is lost")


@dataclass(kw_only=True)
class Installation:
    """Its parts, its sweeps and what it has told so far."""

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
        return StageContext(store=self.store, services=NOTHING_OUTSIDE, clock=lambda: self.now, policy=policy)

    def sweep(self, points: Shown, *, listed: Sequence[str] | None = None) -> datetime:
        """Write the closed sweep of the next slot: the points of each component, or the reason why there are none."""
        as_of = START + self.number * SLOT
        self.number += 1
        self.now = as_of + timedelta(minutes=10)
        there = [one for one in self.components if listed is None or one.ref.name in listed]
        measured = [self._measurement(one, points[one.ref.name], as_of) for one in there if one.ref.name in points]
        with self.store.transaction() as transaction:
            transaction.sweeps.open(as_of, opened_at=as_of)
            transaction.components.record_listing(there, self.teams, as_of=as_of, complete=True)
            transaction.sweeps.record_listing(as_of, expected=len(there), complete=True)
            transaction.snapshots.put_all(measured)
            transaction.sweeps.close(as_of, closed_at=self.now)
        return as_of

    def judge(self) -> EvaluateResult:
        return evaluate(self.context)

    def live(self, *points: Shown) -> list[Message]:
        """Live through sweeps, judging each, and answer what was told."""
        for one in points:
            self.sweep(one)
            self.judge()
        return self.told()

    def told(self, channel: Channel | None = None) -> list[Message]:
        """Answer the messages since the last call, oldest first."""
        with self.store.reading() as transaction:
            entries = transaction.outbox.listing(limit=10_000)
        fresh = [entry.message for entry in reversed(entries) if entry.message.key not in self.seen]
        self.seen |= {message.key for message in fresh}
        return [message for message in fresh if channel in {None, message.channel}]

    def state(self, of: AlertId) -> AlertState:
        """Answer the stored state, and hold it against the fold of the stored events."""
        with self.store.reading() as transaction:
            row = transaction.alerts.state(str(of))
            events = [event_from_json(event.details) for event in transaction.alerts.events_of(str(of))]
        state = AlertState(alert=of) if row is None else state_from_json(row.state)
        assert fold(of, events) == state
        return state

    def _measurement(self, of: Component, points: Sequence[WorkloadPoint] | str, as_of: datetime) -> Measurement:
        dated = () if isinstance(points, str) else tuple(replace(one, as_of=as_of) for one in points)
        snapshot = Snapshot(
            ref=of.ref,
            as_of=as_of,
            team=of.team,
            outcome=Outcome.UNKNOWN if isinstance(points, str) else Outcome.MEASURED,
            reason=points if isinstance(points, str) else "",
            warnings=(),
            workloads=tuple(sorted(one.key for one in dated)),
            cost_7d=total_of(one.cost_7d for one in dated),
            savings_available_per_month=total_of(one.savings_available_per_month for one in dated),
            active_savings_per_month=total_of(one.active_savings_per_month for one in dated),
        )
        return Measurement(snapshot=snapshot, points=dated)


class _Nothing:
    """An outside that must not be touched: judging asks nobody."""

    def __getattr__(self, name: str) -> object:
        message = f"evaluate asked for {name}"
        raise AssertionError(message)


NOTHING_OUTSIDE = cast("Services", _Nothing())
