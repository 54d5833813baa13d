"""Messages, and the services of a deliver stage: Slack and PagerDuty."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from actions.ports import Catalog, ScaleOps
from alerts.policy import AlertPolicy
from clients.http.errors import ServiceError
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.component import RoutingKey
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.routes import RoutePolicy
from domain.weeks import Schedule, Schedules
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_BOT_TOKEN
from simulator.faults import Fault
from simulator.serving import Simulator
from store import Store
from tasks.context import KeySealer, Policy, StageContext

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
TEAM = "C0TEAM"
OTHER_TEAM = "C0OTHER"
PLATFORM = "C0PLATFORM"
ARCHIVED = "C0OLD"
CHANNELS = {TEAM: {}, OTHER_TEAM: {}, PLATFORM: {}, ARCHIVED: {"is_archived": True}}
KEY = RoutingKey(PAGERDUTY_ROUTING_KEY)


def text(content: str) -> Rendering:
    return Rendering(variant=Variant.TEXT, payload={"text": content})


def too_big(content: str) -> Rendering:
    """Return a native rendering that Slack rejects: 51 blocks."""
    blocks: list[Json] = [{"type": "divider"} for _ in range(51)]
    return Rendering(variant=Variant.NATIVE, payload={"text": content, "blocks": blocks})


def post(
    key: str,
    *,
    target: str = TEAM,
    stream: str | None = None,
    number: int = 1,
    thread_of: str | None = None,
    renderings: tuple[Rendering, ...] | None = None,
    created_at: datetime = NOW,
) -> Message:
    return Message(
        key=key,
        stream=stream or key,
        number=number,
        channel=Channel.SLACK,
        target=target,
        action=EventAction.POST,
        thread_of=thread_of,
        about="group:default/payments",
        reason="the weekly report is due",
        renderings=renderings or (text(f"content of {key}"),),
        created_at=created_at,
        expires_at=created_at + timedelta(days=3),
    )


def page(
    action: EventAction,
    number: int = 1,
    *,
    dedup_key: str = "test:under-provisioned:component:default/checkout",
    target: str | None = None,
    severity: str = "critical",
    created_at: datetime = NOW,
) -> Message:
    payload: dict[str, Json] = {"event_action": str(action), "dedup_key": dedup_key}
    if action is EventAction.TRIGGER:
        payload["payload"] = {"summary": "checkout is starved", "source": "checkout", "severity": severity}
    return Message(
        key=f"alert:{dedup_key}:{number}:pagerduty",
        stream=f"alert:{dedup_key}:pagerduty",
        number=number,
        channel=Channel.PAGERDUTY,
        target=target or KEY.fingerprint,
        action=action,
        thread_of=None,
        about="component:default/checkout",
        reason="it ran out of memory",
        renderings=(Rendering(variant=Variant.NATIVE, payload=payload),),
        created_at=created_at,
        expires_at=created_at + timedelta(hours=24),
    )


@dataclass(kw_only=True)
class LinkedClock:
    """A clock that the test moves, together with the simulator's."""

    simulator: Simulator | None = None
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, passing: timedelta) -> None:
        self.now += passing
        if self.simulator is not None:
            self.simulator.state.clock.set(self.now)


@dataclass(kw_only=True)
class DeliveryServices:
    """Slack, PagerDuty, and the keys that the settings and the catalog have."""

    slack: SlackClient
    pagerduty: PagerDutyClient
    sealer: KeySealer | None = None
    default_routing_key: RoutingKey | None = None
    known_keys: dict[str, RoutingKey] = field(default_factory=dict)
    catalog_is_down: ServiceError | None = None

    @property
    def scaleops(self) -> ScaleOps:
        raise AssertionError

    @property
    def catalog(self) -> Catalog:
        raise AssertionError

    def routing_key(self, fingerprint: str) -> RoutingKey | None:
        if self.catalog_is_down is not None:
            raise self.catalog_is_down
        return self.known_keys.get(fingerprint)


def delivery_services(simulator: Simulator, *, timeout_s: int = 2) -> DeliveryServices:
    return delivery_services_at(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url, timeout_s=timeout_s)


def delivery_services_at(*, slack_url: str, pagerduty_url: str, timeout_s: int = 10) -> DeliveryServices:
    return DeliveryServices(
        slack=SlackClient(token=SLACK_BOT_TOKEN, instance="test", base_url=slack_url, timeout_s=timeout_s),
        pagerduty=PagerDutyClient(events_url=pagerduty_url, pause_s=0.01),
        known_keys={KEY.fingerprint: KEY},
    )


def stage_context(
    store: Store, services: DeliveryServices, clock: LinkedClock, *, platform_channel: str | None = PLATFORM
) -> StageContext:
    policy = Policy(
        instance="test",
        currency="USD",
        collect_every=timedelta(hours=6),
        sweep_limit=timedelta(minutes=30),
        max_in_flight=4,
        schedules=Schedules(default=Schedule.parse(zone="UTC", day="monday", at="09:00")),
        alerts=AlertPolicy(instance="test"),
        routes=RoutePolicy(platform_channel=platform_channel),
    )
    return StageContext(store=store, services=services, clock=clock, policy=policy)


def misbehave(simulator: Simulator, service: str, **fault: object) -> None:
    """Add a fault to a service."""
    simulator.state.faults = [*simulator.state.faults, Fault.model_validate({"service": service, **fault})]


def texts(simulator: Simulator, channel: str) -> list[str]:
    return [message["text"] for message in simulator.state.slack.messages if message["channel"] == channel]
