"""Builders of domain values, each with defaults that a test overrides by name."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from domain.component import Component, NotificationTargets, RoutingKey, Team
from domain.measures import Total, Unknown, total_of
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.refs import EntityRef
from domain.snapshots import TOTALS, Measurement, NetworkOff, Outcome, SeriesPoint, Snapshot, WorkloadPoint, totals_of
from domain.workload import CostRow, Destination, Flow, Workload, WorkloadKey
from simulator.credentials import PAGERDUTY_ROUTING_KEY

SLOT = datetime(2026, 11, 23, 6, tzinfo=timezone.utc)
NEXT_SLOT = SLOT + timedelta(hours=6)
NOW = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
CHECKOUT = EntityRef("component", "default", "checkout")
PAYMENTS = EntityRef("group", "default", "payments")
SEARCH = EntityRef("group", "default", "search")
ROUTING_KEY = RoutingKey(PAGERDUTY_ROUTING_KEY)
TEAM_CHANNEL = "C0TEAM"


def make_ref(name: str = "checkout", kind: str = "component") -> EntityRef:
    return EntityRef(kind, "default", name)


def make_key(name: str = "api", *, cluster: str = "east", namespace: str = "shop") -> WorkloadKey:
    return WorkloadKey(cluster=cluster, namespace=namespace, type="Deployment", name=name)


def make_contact(channel: str | None = None, *, pagerduty: str | None = None) -> NotificationTargets:
    channels = (("slack.com/bot-notify", channel),) if channel else ()
    return NotificationTargets(slack_channels=channels, pagerduty_fingerprint=pagerduty)


def make_component(name: str = "checkout", **changes: Any) -> Component:
    component = Component(
        ref=make_ref(name),
        spelled_kind="Component",
        spelled_namespace="Default",
        spelled_name=name.title(),
        title=name.title(),
        team=PAYMENTS,
        lifecycle="production",
        system="system:default/shop",
        label_selector=f"app={name}",
        kubernetes_id=None,
        namespace_limit=None,
        cluster_limit=None,
        contact=make_contact(),
    )
    return replace(component, **changes)


def make_team(ref: EntityRef = PAYMENTS, **changes: Any) -> Team:
    return replace(Team(ref=ref, title=ref.name.title(), parent=None, in_catalog=True, contact=make_contact()), **changes)


def make_workload(name: str = "web", *, cluster: str = "east", namespace: str = "shop", **changes: Any) -> Workload:
    workload = Workload(
        key=make_key(name, cluster=cluster, namespace=namespace),
        id=f"{namespace}_Deployment_{name}",
        policy_name="cost",
        automated=True,
        under_provisioned=False,
        over_provisioned=False,
        replicas=2,
        cpu_request_millicores=100,
        cpu_recommended_millicores=80.5,
        memory_request_bytes=1024,
        memory_recommended_bytes=512,
        savings_available_per_month=Decimal("1.5"),
        active_savings_per_month=Decimal(2),
        oom_kills_24h=0,
    )
    return replace(workload, **changes)


def make_cost_row(workload: Workload, *, total: str | None = "168", hourly: str | None = "1") -> CostRow:
    return CostRow(
        id=(workload.id or "").upper(),
        workload_name=workload.key.name,
        total_cost=None if total is None else Decimal(total),
        hourly_cost=None if hourly is None else Decimal(hourly),
        spot_percent=25,
        on_demand_percent=75,
        savings_available=Decimal("0.5"),
    )


def make_destination(cost: str | None, *, cross: str | None = "0") -> Destination:
    def flow(amount: str | None) -> Flow | None:
        return None if amount is None else Flow(total=Decimal(amount), egress=Decimal(amount), ingress=Decimal(0))

    return Destination(
        name="x",
        namespace="y",
        workload_type="External",
        replicas=1,
        total_cost=flow(cost),
        intra_az_cost=flow("0"),
        cross_az_cost=flow(cross),
        total_traffic=flow("100"),
        intra_az_traffic=flow("50"),
        cross_az_traffic=flow("50"),
    )


def make_point(name: str = "api", *, cluster: str = "east", **changes: Any) -> WorkloadPoint:
    """Return the point of a workload that is right-sized and not automated."""
    point = WorkloadPoint(
        as_of=SLOT,
        key=make_key(name, cluster=cluster),
        policy_name="production",
        automated=False,
        under_provisioned=False,
        over_provisioned=False,
        replicas=2,
        cpu_request_millicores=1000.0,
        cpu_recommended_millicores=400.0,
        memory_request_bytes=2.0 * 2**30,
        memory_recommended_bytes=1.0 * 2**30,
        cost_7d=Decimal(35),
        savings_available_per_month=Decimal(0),
        active_savings_per_month=Decimal(0),
        oom_kills_24h=0,
        pod_hours_7d=2 * 168.0,
        spot_hours_7d=0.0,
        network=NetworkOff(),
    )
    return replace(point, **changes)


def make_lost_point(name: str = "api", *, cluster: str = "east", as_of: datetime = SLOT) -> WorkloadPoint:
    key = make_key(name, cluster=cluster)
    return WorkloadPoint.unmeasured(as_of=as_of, key=key, reason=f"the cluster {cluster} is lost")


def make_measurement(
    name: str = "checkout", *points: WorkloadPoint, as_of: datetime = SLOT, reason: str = "", **changes: Any
) -> Measurement:
    """Return a measurement that sums up its points and gives them its `as_of`; with a reason its outcome and its totals are unknown."""
    ordered = tuple(sorted((replace(point, as_of=as_of) for point in points), key=lambda point: point.key))
    totals: dict[str, Any] = dict.fromkeys(TOTALS, total_of([Unknown(reason)])) if reason else totals_of(ordered)
    snapshot = Snapshot(
        ref=make_ref(name),
        as_of=as_of,
        team=PAYMENTS,
        outcome=Outcome.UNKNOWN if reason else Outcome.MEASURED,
        reason=reason,
        warnings=(),
        workloads=tuple(point.key for point in ordered),
        **totals,
    )
    return Measurement(snapshot=replace(snapshot, **changes), points=ordered)


def make_window(
    as_of: datetime, cost_7d: Decimal | int | None = 70, *, known: int = 2, measured: int = 1, unknown: int = 0
) -> SeriesPoint:
    """Return a sweep in the history of two workloads; without a cost nothing of it is known."""
    amount = Unknown("ScaleOps did not answer") if cost_7d is None else Decimal(cost_7d)
    nothing = Total(amount=Decimal(0), known=0, parts=0)
    return SeriesPoint(
        as_of=as_of,
        cost_7d=Total(amount=amount, known=0 if cost_7d is None else known, parts=2),
        savings_available_per_month=nothing,
        active_savings_per_month=nothing,
        measured=measured,
        unknown=unknown,
    )


def make_text(content: str) -> Rendering:
    return Rendering(variant=Variant.TEXT, payload={"text": content})


def make_too_large(content: str) -> Rendering:
    """Return a native rendering that Slack rejects: 51 blocks."""
    blocks: list[Json] = [{"type": "divider"} for _ in range(51)]
    return Rendering(variant=Variant.NATIVE, payload={"text": content, "blocks": blocks})


def make_message(key: str, *, created_at: datetime = NOW, **changes: Any) -> Message:
    message = Message(
        key=key,
        stream=key,
        number=1,
        channel=Channel.SLACK,
        target=TEAM_CHANNEL,
        action=EventAction.POST,
        thread_of=None,
        about=str(PAYMENTS),
        reason="the weekly report is due",
        renderings=(make_text(f"content of {key}"),),
        created_at=created_at,
        expires_at=created_at + timedelta(days=3),
    )
    return replace(message, **changes)


def make_event(
    action: EventAction,
    number: int = 1,
    *,
    dedup_key: str = "test:under-provisioned:component:default/checkout",
    severity: str = "critical",
    created_at: datetime = NOW,
    **changes: Any,
) -> Message:
    payload: dict[str, Json] = {"event_action": str(action), "dedup_key": dedup_key}
    if action is EventAction.TRIGGER:
        payload["payload"] = {"summary": "checkout is starved", "source": "checkout", "severity": severity}
    event: dict[str, Any] = {
        "stream": f"alert:{dedup_key}:pagerduty",
        "number": number,
        "channel": Channel.PAGERDUTY,
        "target": ROUTING_KEY.fingerprint,
        "action": action,
        "about": str(CHECKOUT),
        "reason": "it ran out of memory",
        "renderings": (Rendering(variant=Variant.NATIVE, payload=payload),),
        "expires_at": created_at + timedelta(hours=24),
    }
    return make_message(f"alert:{dedup_key}:{number}:pagerduty", created_at=created_at, **(event | changes))
