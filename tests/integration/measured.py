"""Made-up components and measurements for tests of the store and of collecting."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from domain.component import Component, NotificationTargets, Team
from domain.measures import Unknown, total_of
from domain.refs import EntityRef
from domain.snapshots import Measurement, NetworkOff, NetworkUse, Outcome, Snapshot, WorkloadPoint
from domain.workload import WorkloadKey

SLOT = datetime(2026, 11, 23, 6, tzinfo=timezone.utc)
NOW = SLOT + timedelta(minutes=5)
PAYMENTS = EntityRef.parse("group:default/payments")
SEARCH = EntityRef.parse("group:default/search")


def ref(name: str) -> EntityRef:
    return EntityRef.parse(f"component:default/{name}")


def component(name: str, *, team: EntityRef = PAYMENTS, selector: str | None = None) -> Component:
    return Component(
        ref=ref(name),
        spelled_kind="Component",
        spelled_namespace="default",
        spelled_name=name,
        title=name.title(),
        team=team,
        lifecycle="production",
        system="system:default/shop",
        label_selector=f"app={name}" if selector is None else selector,
        kubernetes_id=None,
        namespace_limit=None,
        cluster_limit=None,
        contact=NotificationTargets(slack_channels=(("slack.com/bot-notify", "C1"),), pagerduty_fingerprint="0123456789abcdef"),
    )


def team(of: EntityRef = PAYMENTS) -> Team:
    return Team(
        ref=of, title=of.name.title(), parent=EntityRef.parse("group:default/all"), in_catalog=True, contact=NotificationTargets()
    )


def key(name: str, *, cluster: str = "eu-1") -> WorkloadKey:
    return WorkloadKey(cluster=cluster, namespace="shop", type="Deployment", name=name)


def point(name: str, *, cluster: str = "eu-1", cost: str | None = "10.10", as_of: datetime = SLOT) -> WorkloadPoint:
    return WorkloadPoint(
        as_of=as_of,
        key=key(name, cluster=cluster),
        policy_name="production",
        automated=True,
        under_provisioned=False,
        over_provisioned=True,
        replicas=3,
        cpu_request_millicores=250.5,
        cpu_recommended_millicores=100.25,
        memory_request_bytes=2.0**31,
        memory_recommended_bytes=Unknown("ScaleOps gave no recommendation"),
        cost_7d=Unknown("ScaleOps gave no cost for it") if cost is None else Decimal(cost),
        savings_available_per_month=Decimal("0.1"),
        active_savings_per_month=Decimal("-0.20"),
        oom_kills_24h=0,
        network=NetworkUse(
            cost=Decimal("1.23456789012345678901234567890"),
            cross_az_cost=Unknown("left out"),
            traffic_bytes=Decimal(10) ** 18,
            cross_az_traffic_bytes=Decimal(0),
        ),
    )


def without_network(name: str) -> WorkloadPoint:
    blank = WorkloadPoint.unmeasured(as_of=SLOT, key=key(name), reason="the cluster is lost")
    return replace(blank, network=NetworkOff())


def measurement(
    name: str, *points: WorkloadPoint, team: EntityRef = PAYMENTS, as_of: datetime = SLOT, warnings: tuple[str, ...] = ()
) -> Measurement:
    ordered = tuple(sorted(points, key=lambda one: one.key))
    return Measurement(
        snapshot=Snapshot(
            ref=ref(name),
            as_of=as_of,
            team=team,
            outcome=Outcome.MEASURED,
            reason="",
            warnings=warnings,
            workloads=tuple(one.key for one in ordered),
            cost_7d=total_of(one.cost_7d for one in ordered),
            savings_available_per_month=total_of(one.savings_available_per_month for one in ordered),
            active_savings_per_month=total_of(one.active_savings_per_month for one in ordered),
        ),
        points=ordered,
    )


def unmeasured(
    name: str, reason: str = "ScaleOps did not answer", *, team: EntityRef = PAYMENTS, as_of: datetime = SLOT
) -> Measurement:
    blank = measurement(name, team=team, as_of=as_of)
    return Measurement(snapshot=replace(blank.snapshot, outcome=Outcome.UNKNOWN, reason=reason), points=())
